"""An inspection as a picture, drawn without a screen: the scan's heatmap beside the reconstruction.

Points are painted as shaded dots from back to front. Both halves share viewpoint and scale, and the viewpoint is the
one that looks at the hottest place.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from scipy.spatial import cKDTree

from sedir_core.geometry.sampling import spread_subset
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.io.atomic import write_bytes
from sedir_core.names import printable
from sedir_core.runtime import generator
from sedir_core.types import VERDICT_WORDS, BoolArray, Detection, DoubleArray, FloatArray, IntArray, Scan

MOST_POINTS = 60_000  # more dots than that cannot be told apart at this size
PANEL_INCHES, DPI = 6.0, 130
BACKGROUND, TEXT, NOT_EVALUATED, SURFACE = "#15181d", "#e6e8eb", "#7d828a", "#b9c4d0"
PAPER, INK = "#ffffff", "#1a2230"
LIGHT = np.array([-0.35, 0.55, 0.76])  # from the upper left, in front of the part
AMBIENT = 0.35
COLOURS = {"ok": "#5ab4e6", "ng": "#f59b42", "uncertain": "#e5b84b"}  # blue and orange: told apart by everyone
PANEL_SHARE = 0.78  # of a panel's height that its axes fill
NEIGHBOURS = 5
HOTTEST = 0.01  # share of the points that the view must show
ELEVATIONS_DEGREES = (25, 55, -25, -55)  # the first ones look most natural, and win where all show the same
GRID = 64


def draw_inspection(path: Path, scan: Scan, detection: Detection) -> None:
    """Write the picture as PNG. Raises CannotWrite."""
    figure, heat, panels = _drawn(scan, detection, BACKGROUND, 1.0)
    _write_words(figure, panels, heat, detection, scan.name)
    write_bytes(path, _png(figure))


def picture_for_paper(scan: Scan, detection: Detection) -> bytes:
    """The same on white, smaller, with the colour scale and without the verdict, which stands beside it; PNG."""
    figure, heat, panels = _drawn(scan, detection, PAPER, 0.62)
    _title(panels, INK)
    _scale(figure, heat, detection.point_threshold, INK)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _drawn(
    scan: Scan, detection: Detection, background: str, size: float
) -> tuple[Figure, ScalarMappable, tuple[Axes, Axes]]:
    """size: of the full one."""
    inches = size * PANEL_INCHES
    figure = Figure(figsize=(2 * inches, inches + 0.9 * size), dpi=DPI, facecolor=background)
    FigureCanvasAgg(figure)  # draws without a screen, whatever the user's settings
    left, right = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.11, top=0.89, wspace=0.02)

    shown = np.flatnonzero(_about_the_part(scan, detection))
    keep = shown[_thinned(scan.points[shown])]
    points, scores = scan.points[keep], detection.point_scores[keep]
    camera = _camera(points, scores)
    colours, heat = _heat(scores, detection.point_threshold)
    middle = points.mean(axis=0)  # georeferenced coordinates would lose their digits in the drawing
    rebuilt = detection.reconstruction[_thinned(detection.reconstruction)]
    shape_colours = np.broadcast_to(to_rgb(SURFACE), (len(rebuilt), 3))
    dots_per_unit = size * _frame((left, right), (points - middle) @ camera.T)
    _paint(left, points - middle, colours, camera, dots_per_unit)
    _paint(right, rebuilt - middle, shape_colours, camera, dots_per_unit)
    return figure, heat, (left, right)


def _about_the_part(scan: Scan, detection: Detection) -> BoolArray:
    """(n,) the points in the box of those that have a score: strays beside it would make the part a dot."""
    judged = scan.finite & detection.evaluated
    if not judged.any():
        return scan.finite
    low, high = scan.points[judged].min(axis=0), scan.points[judged].max(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(scan.finite & ((scan.points >= low) & (scan.points <= high)).all(axis=1))


def _thinned(points: DoubleArray) -> IntArray:
    local = (points - points.mean(axis=0)).astype(np.float32) if len(points) else points.astype(np.float32)
    return spread_subset(local, MOST_POINTS, generator("picture"))


def _camera(points: DoubleArray, scores: FloatArray) -> DoubleArray:
    """(3, 3): rows are right, up and towards the viewer; z is up, and the hottest place is in sight."""
    ranked = np.where(np.isnan(scores), -np.inf, scores)
    hot = np.argsort(-ranked, kind="stable")[: max(1, int(HOTTEST * len(points)))]
    cameras = [_turned(azimuth, elevation) for elevation in ELEVATIONS_DEGREES for azimuth in range(0, 360, 30)]
    return max(cameras, key=lambda camera: _visible_share(points @ camera.T, hot))


def _turned(azimuth_degrees: float, elevation_degrees: float) -> DoubleArray:
    azimuth, elevation = np.deg2rad(azimuth_degrees), np.deg2rad(elevation_degrees)
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    towards = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    return np.stack([right, np.cross(towards, right), towards])


def _visible_share(seen: DoubleArray, hot: IntArray) -> float:
    """How much of the hot points' silhouette nothing hides, on a coarse grid; more where they are seen face on."""
    size = max(float(np.ptp(seen, axis=0).max()), 1e-12)
    cells = np.floor((seen[:, :2] - seen[:, :2].min(axis=0)) / size * (GRID - 1)).astype(np.int64)
    cell = cells[:, 0] * GRID + cells[:, 1]
    front = np.full(GRID * GRID, -np.inf)
    np.maximum.at(front, cell, seen[:, 2])
    open_to_view = seen[hot, 2] > front[cell[hot]] - 2 * size / GRID
    return len(np.unique(cell[hot][open_to_view])) / max(len(hot), 1)


def _heat(scores: FloatArray, threshold: float) -> tuple[DoubleArray, ScalarMappable]:
    """(n, 3) colours on a fixed scale that ends at twice the threshold; grey where there is no score."""
    scale = ScalarMappable(Normalize(0.0, 2.0 * threshold, clip=True), _heat_map())
    colours = np.asarray(scale.to_rgba(np.nan_to_num(scores)))[:, :3]
    colours[np.isnan(scores)] = to_rgb(NOT_EVALUATED)
    return colours, scale


def _heat_map() -> Colormap:
    # The darkest fifth of inferno would hide the shading.
    return LinearSegmentedColormap.from_list("heat", colormaps["inferno"](np.linspace(0.22, 1.0, 256)))


def _paint(axes: Axes, points: DoubleArray, colours: DoubleArray, camera: DoubleArray, dots_per_unit: float) -> None:
    """Shaded dots, back to front; each is wide enough to close the gap to its neighbours."""
    if len(points) < NEIGHBOURS:
        return
    distances = np.asarray(cKDTree(points).query(points, [NEIGHBOURS])[0])
    width = 1.7 * float(np.quantile(distances, 0.9)) * dots_per_unit
    seen = points @ camera.T
    order = np.argsort(seen[:, 2], kind="stable")
    shaded = np.clip(colours * _brightness(points, camera)[:, None], 0.0, 1.0)
    axes.scatter(seen[order, 0], seen[order, 1], s=max(width, 1.0) ** 2, c=shaded[order], linewidths=0)


def _brightness(points: DoubleArray, camera: DoubleArray) -> DoubleArray:
    """(n,) brightness by a lamp beside the viewer; the sign of the normals does not matter."""
    normals = normals_and_curvature(points - points.mean(axis=0))[0] @ camera.T
    normals *= np.where(normals[:, 2:] < 0, -1.0, 1.0)
    lambert = np.clip(normals @ (LIGHT / np.linalg.norm(LIGHT)), 0.0, 1.0)
    return np.asarray(AMBIENT + (1.15 - AMBIENT) * lambert)


def _frame(panels: tuple[Axes, Axes], seen: DoubleArray) -> float:
    """Give both panels the same view of `seen` (n, 3). Returns typographic points per unit of length."""
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    half = 0.54 * max(float((high - low).max()), 1e-12)
    (x, y) = (low + high) / 2
    for axes in panels:
        axes.set_axis_off()
        axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")
    return PANEL_INCHES * PANEL_SHARE * 72.0 / (2.0 * half)


def _write_words(
    figure: Figure, panels: tuple[Axes, Axes], heat: ScalarMappable, detection: Detection, name: str
) -> None:
    share = 100.0 * detection.object_score / detection.threshold if detection.threshold > 0 else float("nan")
    measured = f"{share:.0f} % of the limit" if np.isfinite(share) else f"score {detection.object_score:.3g}"
    place = detection.category + (" (uncertain)" if detection.uncertain else "")
    word, colour = VERDICT_WORDS[detection.verdict], COLOURS[detection.verdict]
    figure.text(0.02, 0.955, word, color=colour, size=20, weight="bold", va="center")
    summary = f"{printable(name)}   ·   {measured}   ·   {place}   ·   defects: {len(detection.defects)}"
    figure.text(0.045 + 0.015 * len(word), 0.955, summary, color=TEXT, size=11, va="center", parse_math=False)
    _title(panels, TEXT)
    _scale(figure, heat, detection.point_threshold, TEXT)


def _title(panels: tuple[Axes, Axes], colour: str) -> None:
    titles = ("scan, coloured by anomaly score", "reconstruction: what normal looks like")
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, color=colour, size=10, pad=4)


def _scale(figure: Figure, heat: ScalarMappable, limit: float, colour: str) -> None:
    bar = figure.colorbar(heat, cax=figure.add_axes((0.06, 0.075, 0.38, 0.018)), orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_ticks([0.0, limit, 2.0 * limit], labels=["0", f"limit {limit:.3g}", f"≥ {2 * limit:.3g}"])
    bar.ax.tick_params(colors=colour, labelsize=9, length=0)
    bar.ax.axvline(limit, color=colour, linewidth=1.5)
