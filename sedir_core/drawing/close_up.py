"""Close-up of one defect for reports: surroundings, deviation, scale bar."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from sedir_core.drawing.colour_maps import Rgb
from sedir_core.drawing.colours import calibrated
from sedir_core.drawing.deviation_scale import DeviationScale, round_length
from sedir_core.drawing.drawn_scan import DrawnScan, Patch
from sedir_core.drawing.joining import DrawnSurface
from sedir_core.drawing.missing import missing_colours
from sedir_core.drawing.painting import DPI, INK, PAPER, best_camera, paint, png
from sedir_core.geometry.neighbours import middle_and_radius
from sedir_core.types import BoolArray, Defect, Detection, DoubleArray
from sedir_core.units import symbol

INCHES = 2.6
ROOM = 1.8  # shown region, in radii of the defect
LEAST_SHARE, MOST_SHARE = 0.3, 1.0  # share of the part's radius
CORNERS = 1.5  # radius of what is drawn, as a share of half the picture's side
TILTS = (0.0, 0.45, 0.9)  # tangent of the view's tilt: seen straight on, a bump's height is invisible
BAR_SHARE = 0.3  # length of the scale bar, as a share of the width


def close_up(
    drawn: DrawnScan, detection: Detection, defect: Defect, scale: DeviationScale | None, factor: float, unit: str
) -> bytes:
    """PNG of the surroundings of a defect, with a ring around it and a scale bar.

    scale: of the deviation, in the scan's own unit; None for colours by score. factor: from that unit to `unit`.
    """
    members = drawn.scan.points[defect.members] - defect.centroid
    reach = float(np.linalg.norm(members, axis=1).max(initial=0.0))
    radius = middle_and_radius(drawn.scan.points[drawn.scan.finite])[1]
    half = min(max(ROOM * reach, LEAST_SHARE * radius), MOST_SHARE * radius)
    near = drawn.near(defect.centroid, CORNERS * half)
    layers, ours = _painted(drawn, near, detection, defect, scale, CORNERS * half)
    points = np.concatenate([surface.points for surface, _ in layers]).astype(np.float64)
    hot = np.flatnonzero(ours)
    camera = best_camera(points, hot if len(hot) else np.arange(len(points)), _cameras(defect, points))
    figure = Figure(figsize=(INCHES, INCHES), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
    paint(axes, layers, camera)
    axes.add_patch(Circle((0, 0), 1.15 * max(reach, 0.05 * half), fill=False, color=INK, linewidth=1.2))
    length = round_length(2.0 * half * BAR_SHARE * factor)
    axes.plot([-0.92 * half, -0.92 * half + length / factor], [-0.92 * half] * 2, color=INK, linewidth=2.0)
    said = axes.text(-0.92 * half, -0.87 * half, f"{length:g} {symbol(unit)}".rstrip(), color=INK, size=9, va="bottom")
    said.set_bbox({"color": PAPER, "alpha": 0.75, "pad": 1.0})
    return png(figure)


def _painted(
    drawn: DrawnScan, near: Patch, detection: Detection, defect: Defect, scale: DeviationScale | None, radius: float
) -> tuple[list[tuple[DrawnSurface, Rgb]], BoolArray]:
    """Surfaces around the defect with their colours, and which (n,) of all their points are the defect's."""
    ours = np.isin(near.rows, defect.members)
    if scale is None or detection.deviation is None:
        return [(near.surface, calibrated(detection.point_threshold).colours(detection.point_scores[near.rows]))], ours
    gone = drawn.missing.near(near.middle, radius).surface
    layers = [(near.surface, scale.colours(detection.deviation[near.rows])), (gone, missing_colours(len(gone)))]
    return layers, np.concatenate([ours, np.zeros(len(gone), bool)])


def _cameras(defect: Defect, points: DoubleArray) -> list[DoubleArray] | None:
    """Slightly tilted views along the surface normal from either side; all around without a normal."""
    if defect.axes is None:
        return None
    normal = defect.axes[2] / np.linalg.norm(defect.axes[2])
    if len(points) and normal @ points.mean(axis=0) > 0:
        normal = -normal  # the view from outside the part first
    return [_looking(sign * normal, lean) for lean in TILTS for sign in (1.0, -1.0)]


def _looking(normal: DoubleArray, lean: float) -> DoubleArray:
    """The camera from that direction, with z as far up as possible."""
    up = np.array([0.0, 0.0, 1.0]) if abs(normal[2]) < 0.9 else np.array([0.0, 1.0, 0.0])
    towards = normal + lean * (up - (up @ normal) * normal)
    towards /= np.linalg.norm(towards)
    right = np.cross(up, towards)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(towards, right), towards])
