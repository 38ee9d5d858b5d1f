"""Renders an inspection without a screen: the scan's heatmap beside the expected surface.

Both panels share viewpoint and scale; the viewpoint faces the highest scores. Colours are those of the window.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure

from sedir_core.evaluation.colours import calibrated
from sedir_core.evaluation.deviation_scale import TABLE, DeviationScale, signed
from sedir_core.evaluation.missing import missing_colours, missing_places
from sedir_core.evaluation.painting import DPI, INK, PAPER, best_camera, paint, plain, png, thinned
from sedir_core.evidence.wording import of_limit
from sedir_core.geometry.sampling import selected
from sedir_core.io.export import write_picture
from sedir_core.names import printable
from sedir_core.types import VERDICT_WORDS, BoolArray, Detection, DoubleArray, FloatArray, IntArray, Scan
from sedir_core.units import symbol

MOST_POINTS = 60_000  # more dots are indistinguishable at this size
PANEL_INCHES = 6.0
BACKGROUND, TEXT, SURFACE = "#15181d", "#e6e8eb", "#b9c4d0"
ON_PAPER = 0.62  # share of the full size
COLOURS = {"ok": "#5ab4e6", "ng": "#f59b42", "uncertain": "#e5b84b"}  # blue and orange: distinguishable for everyone
PANEL_SHARE = 0.78  # share of a panel's height filled by its axes
HOTTEST = 0.01  # share of the points inside the frame
N_SHADES = 512  # colours in the colour bar


def draw_inspection(path: Path, scan: Scan, detection: Detection, source: Path | None = None) -> None:
    """Write the picture as PNG. source: see `exported_from`. Raises CannotWrite."""
    figure, panels, seen = _begun(scan, detection, BACKGROUND, 1.0)
    seen.paint(panels[0], calibrated(detection.point_threshold).colours(seen.of(detection.point_scores)))
    _paint_surface(panels[1], seen, detection.reconstruction)
    _write_words(figure, panels, detection, scan.name)
    write_picture(path, png(figure), source)


def picture_for_paper(
    scan: Scan, detection: Detection, scale: DeviationScale | None = None, factor: float = 1.0, unit: str = ""
) -> bytes:
    """PNG of the same on white, smaller, without the verdict.

    scale: in the scan's own unit; if given, and the deviation is known, the right panel shows the deviation. factor:
    from that unit to the displayed one.
    """
    figure, panels, seen = _begun(scan, detection, PAPER, ON_PAPER)
    seen.paint(panels[0], calibrated(detection.point_threshold).colours(seen.of(detection.point_scores)))
    _score_bar(figure, detection.point_threshold, INK)
    if scale is None or detection.deviation is None:
        _paint_surface(panels[1], seen, detection.reconstruction)
        _title(panels, INK)
    else:
        gone = missing_places(scan, detection)
        colours = np.concatenate([scale.colours(seen.of(detection.deviation)), missing_colours(len(gone))])
        together = np.concatenate([seen.points, gone - seen.middle])
        paint(panels[1], together, colours, seen.camera, seen.dots_per_unit)
        _deviation_bar(figure, scale.times(factor), INK)
        measured = f", {symbol(unit)}" if symbol(unit) else ""
        _title(panels, INK, f"deviation from the expected surface{measured}")
    return png(figure)


class _Seen:
    """The drawn points of a scan, in the camera that shows its highest scores."""

    def __init__(self, scan: Scan, rows: IntArray, scores: FloatArray) -> None:
        points = scan.points[rows]
        self.rows, self.middle = rows, points.mean(axis=0)  # georeferenced coordinates would lose precision
        self.points = points - self.middle
        ranked = np.where(np.isnan(scores[rows]), -np.inf, scores[rows])
        hot = np.argsort(-ranked, kind="stable")[: max(1, int(HOTTEST * len(rows)))]
        self.camera = best_camera(points, hot)
        self.dots_per_unit = 1.0

    def of(self, values: FloatArray) -> FloatArray:
        return values[self.rows]

    def paint(self, axes: Axes, colours: np.ndarray) -> None:
        paint(axes, self.points, colours, self.camera, self.dots_per_unit)


def _begun(scan: Scan, detection: Detection, background: str, size: float) -> tuple[Figure, tuple[Axes, Axes], _Seen]:
    """An empty figure with two panels, and the points to draw. size: share of the full size."""
    inches = size * PANEL_INCHES
    figure = Figure(figsize=(2 * inches, inches + 0.9 * size), dpi=DPI, facecolor=background)
    FigureCanvasAgg(figure)  # renders without a screen, regardless of the user's settings
    left, right = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.11, top=0.89, wspace=0.02)
    shown = np.flatnonzero(_about_the_part(scan, detection))
    seen = _Seen(scan, thinned(scan.points, MOST_POINTS, shown), detection.point_scores)
    seen.dots_per_unit = size * _frame((left, right), seen.points @ seen.camera.T)
    return figure, (left, right), seen


def _paint_surface(axes: Axes, seen: _Seen, surface: DoubleArray) -> None:
    some = surface[thinned(surface, MOST_POINTS)]
    paint(axes, some - seen.middle, plain(SURFACE, len(some)), seen.camera, seen.dots_per_unit)


def _about_the_part(scan: Scan, detection: Detection) -> BoolArray:
    """(n,) points in the bounding box of the scored ones: outliers would shrink the part to a dot."""
    judged = scan.finite & detection.evaluated
    if not judged.any():
        return scan.finite
    points = selected(scan.points, judged)
    low, high = points.min(axis=0), points.max(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(scan.finite & ((scan.points >= low) & (scan.points <= high)).all(axis=1))


def _frame(panels: tuple[Axes, Axes], seen: DoubleArray) -> float:
    """Frame `seen` (n, 3) equally in both panels. Returns typographic points per unit of length."""
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    half = 0.54 * max(float((high - low).max()), 1e-12)
    (x, y) = (low + high) / 2
    for axes in panels:
        axes.set_axis_off()
        axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")
    return PANEL_INCHES * PANEL_SHARE * 72.0 / (2.0 * half)


def _write_words(figure: Figure, panels: tuple[Axes, Axes], detection: Detection, name: str) -> None:
    share = detection.object_score / detection.threshold if detection.threshold > 0 else float("nan")
    measured = of_limit(share) if np.isfinite(share) else f"score {detection.object_score:.3g}"
    place = detection.category + (" (uncertain)" if detection.uncertain else "")
    word, colour = VERDICT_WORDS[detection.verdict], COLOURS[detection.verdict]
    figure.text(0.02, 0.955, word, color=colour, size=20, weight="bold", va="center")
    summary = f"{printable(name)}   ·   {measured}   ·   {place}   ·   defects: {len(detection.defects)}"
    figure.text(0.045 + 0.015 * len(word), 0.955, summary, color=TEXT, size=11, va="center", parse_math=False)
    _title(panels, TEXT)
    _score_bar(figure, detection.point_threshold, TEXT)


def _title(panels: tuple[Axes, Axes], colour: str, right: str = "reconstruction: what normal looks like") -> None:
    for axes, title in zip(panels, ("scan, coloured by anomaly score", right), strict=True):
        axes.set_title(title, color=colour, size=10, pad=4, parse_math=False)


def _score_bar(figure: Figure, limit: float, colour: str) -> None:
    """The window's scale: one tone below 60 % of the limit, and the limit in the middle."""
    high = 2.0 * limit if limit > 0 else 1.0
    shades = calibrated(limit).colours(np.linspace(0.0, high, N_SHADES, dtype=np.float32)) / 255.0
    heat = ScalarMappable(Normalize(0.0, high), ListedColormap(list(map(tuple, shades))))
    bar = figure.colorbar(heat, cax=figure.add_axes((0.06, 0.075, 0.38, 0.018)), orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_ticks([0.0, limit, high], labels=["0", "limit 100 %", "200 %+"])
    bar.ax.tick_params(colors=colour, labelsize=9, length=0)
    bar.ax.axvline(limit, color=colour, linewidth=1.5)


def _deviation_bar(figure: Figure, scale: DeviationScale, colour: str) -> None:
    """Flat colours, labelled at the ends and at the band."""
    colours = ListedColormap(list(map(tuple, TABLE / 255.0)))
    mapped = ScalarMappable(BoundaryNorm(scale.edges, colours.N), colours)
    bar = figure.colorbar(
        mapped, cax=figure.add_axes((0.56, 0.075, 0.38, 0.018)), orientation="horizontal", spacing="proportional"
    )
    bar.outline.set_visible(False)
    ends = [scale.low, scale.band.minus, scale.band.plus, scale.high]
    bar.set_ticks(ends, labels=[signed(end, scale.high) for end in ends])
    bar.ax.tick_params(colors=colour, labelsize=9, length=0)
    bar.ax.minorticks_off()
