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

from sedir_core.drawing.colours import calibrated
from sedir_core.drawing.deviation_scale import TABLE, DeviationScale, signed
from sedir_core.drawing.drawn_scan import DrawnScan, Patch, sheet_of
from sedir_core.drawing.missing import missing_colours
from sedir_core.drawing.painting import DPI, INK, PAPER, best_camera, paint, plain, png
from sedir_core.evidence.wording import of_limit
from sedir_core.io.export import write_picture
from sedir_core.names import printable
from sedir_core.types import VERDICT_WORDS, Detection, DoubleArray, Scan
from sedir_core.units import symbol

PANEL_INCHES = 6.0
BACKGROUND, TEXT, SURFACE = "#15181d", "#e6e8eb", "#b9c4d0"
ON_PAPER = 0.62  # share of the full size
COLOURS = {"ok": "#5ab4e6", "ng": "#f59b42", "uncertain": "#e5b84b"}  # blue and orange: distinguishable for everyone
HOTTEST = 0.01  # share of the points inside the frame
N_SHADES = 512  # colours in the colour bar
NARROW = 0.3  # band, as a share of the bar


def draw_inspection(path: Path, scan: Scan, detection: Detection, source: Path | None = None) -> None:
    """Write the picture as PNG. source: see `exported_from`. Raises CannotWrite."""
    drawn = DrawnScan(scan, detection)
    figure, panels, camera = _begun(drawn.whole, detection, BACKGROUND, 1.0)
    _paint_scores(panels[0], drawn.whole, detection, camera)
    _paint_good(panels[1], detection, drawn.whole, camera)
    _write_words(figure, panels, detection, scan.name)
    write_picture(path, png(figure), source)


def picture_for_paper(
    drawn: DrawnScan, detection: Detection, scale: DeviationScale | None = None, factor: float = 1.0, unit: str = ""
) -> bytes:
    """PNG of the same on white, smaller, without the verdict.

    scale: in the scan's own unit; if given, and the deviation is known, the right panel shows the deviation. factor:
    from that unit to the displayed one.
    """
    whole = drawn.whole
    figure, panels, camera = _begun(whole, detection, PAPER, ON_PAPER)
    _paint_scores(panels[0], whole, detection, camera)
    _score_bar(figure, detection.point_threshold, INK)
    if scale is None or detection.deviation is None:
        _paint_good(panels[1], detection, whole, camera)
        _title(panels, INK, _good(detection)[0])
    else:
        gone = drawn.missing.surface
        layers = [(whole.surface, scale.colours(detection.deviation[whole.rows])), (gone, missing_colours(len(gone)))]
        paint(panels[1], layers, camera)
        _deviation_bar(figure, scale.times(factor), INK)
        measured = f", {symbol(unit)}" if symbol(unit) else ""
        _title(panels, INK, f"deviation from the expected surface{measured}")
    return png(figure)


def _begun(
    whole: Patch, detection: Detection, background: str, size: float
) -> tuple[Figure, tuple[Axes, Axes], DoubleArray]:
    """An empty figure with two panels, and the camera that shows the highest scores. size: share of the full size."""
    inches = size * PANEL_INCHES
    figure = Figure(figsize=(2 * inches, inches + 0.9 * size), dpi=DPI, facecolor=background)
    FigureCanvasAgg(figure)  # renders without a screen, regardless of the user's settings
    left, right = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.11, top=0.89, wspace=0.02)
    points, scores = whole.surface.points.astype(np.float64), detection.point_scores[whole.rows]
    ranked = np.where(np.isnan(scores), -np.inf, scores)
    hot = np.argsort(-ranked, kind="stable")[: max(1, int(HOTTEST * len(points)))]
    camera = best_camera(points, hot)
    _frame((left, right), points @ camera.T)
    return figure, (left, right), camera


def _paint_scores(axes: Axes, whole: Patch, detection: Detection, camera: DoubleArray) -> None:
    colours = calibrated(detection.point_threshold).colours(detection.point_scores[whole.rows])
    paint(axes, [(whole.surface, colours)], camera)


def _good(detection: Detection) -> tuple[str, DoubleArray]:
    """What the window shows beside the scan, (n, 3), and its title."""
    if detection.expected is None:
        return "reconstruction: what normal looks like", detection.reconstruction
    return "expected surface: what a good part looks like", detection.expected


def _paint_good(axes: Axes, detection: Detection, whole: Patch, camera: DoubleArray) -> None:
    found = sheet_of(_good(detection)[1], whole.middle).surface
    paint(axes, [(found, plain(SURFACE, len(found)))], camera)


def _frame(panels: tuple[Axes, Axes], seen: DoubleArray) -> None:
    """Frame `seen` (n, 3) equally in both panels."""
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    half = 0.54 * max(float((high - low).max()), 1e-12)
    (x, y) = (low + high) / 2
    for axes in panels:
        axes.set_axis_off()
        axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")


def _write_words(figure: Figure, panels: tuple[Axes, Axes], detection: Detection, name: str) -> None:
    share = detection.object_score / detection.threshold if detection.threshold > 0 else float("nan")
    measured = of_limit(share) if np.isfinite(share) else f"score {detection.object_score:.3g}"
    place = detection.category + (" (uncertain)" if detection.uncertain else "")
    word, colour = VERDICT_WORDS[detection.verdict], COLOURS[detection.verdict]
    figure.text(0.02, 0.955, word, color=colour, size=20, weight="bold", va="center")
    summary = f"{printable(name)}   ·   {measured}   ·   {place}   ·   defects: {len(detection.defects)}"
    figure.text(0.045 + 0.015 * len(word), 0.955, summary, color=TEXT, size=11, va="center", parse_math=False)
    _title(panels, TEXT, _good(detection)[0])
    _score_bar(figure, detection.point_threshold, TEXT)


def _title(panels: tuple[Axes, Axes], colour: str, right: str) -> None:
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
    words = [signed(end, scale.high) for end in ends]
    bar.set_ticks(ends, labels=[f"≤ {words[0]}", *words[1:3], f"≥ {words[3]}"])  # as in the window
    bar.ax.tick_params(colors=colour, labelsize=9, length=0)
    bar.ax.minorticks_off()
    if scale.band.plus - scale.band.minus < NARROW * (scale.high - scale.low):  # centred, its two labels would overlap
        _, minus, plus, _ = bar.ax.get_xticklabels()
        minus.set_horizontalalignment("right")
        plus.set_horizontalalignment("left")
