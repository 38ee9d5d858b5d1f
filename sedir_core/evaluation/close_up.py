"""Close-up of one defect for reports: surroundings, deviation, scale bar."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from sedir_core.evaluation.colour_maps import Rgb
from sedir_core.evaluation.colours import calibrated
from sedir_core.evaluation.deviation_scale import DeviationScale, round_length
from sedir_core.evaluation.missing import missing_colours, missing_places
from sedir_core.evaluation.painting import DPI, INK, PAPER, best_camera, paint, png, thinned
from sedir_core.geometry.neighbours import middle_and_radius
from sedir_core.types import BoolArray, Defect, Detection, DoubleArray, Scan
from sedir_core.units import symbol

INCHES = 2.6
MOST_POINTS = 20_000
ROOM = 1.8  # shown region, in radii of the defect
LEAST_SHARE, MOST_SHARE = 0.3, 1.0  # share of the part's radius
TILTS = (0.0, 0.45, 0.9)  # tangent of the view's tilt: seen straight on, a bump's height is invisible
BAR_SHARE = 0.3  # length of the scale bar, as a share of the width


def close_up(
    scan: Scan, detection: Detection, defect: Defect, scale: DeviationScale | None, factor: float, unit: str
) -> bytes:
    """PNG of the surroundings of a defect, with a ring around it and a scale bar.

    scale: of the deviation, in the scan's own unit; None for colours by score. factor: from that unit to `unit`.
    """
    points, colours, ours = _painted(scan, detection, defect, scale)
    points = points - defect.centroid
    members = scan.points[defect.members] - defect.centroid
    reach = float(np.linalg.norm(members, axis=1).max(initial=0.0))
    radius = middle_and_radius(points)[1]
    half = min(max(ROOM * reach, LEAST_SHARE * radius), MOST_SHARE * radius)
    near = np.flatnonzero(np.linalg.norm(points, axis=1) < 1.5 * half)  # the corners of the square
    near = near[thinned(points[near], MOST_POINTS)]
    hot = np.flatnonzero(ours[near])
    camera = best_camera(points[near], hot if len(hot) else np.arange(len(near)), _cameras(defect, points[near]))
    figure = Figure(figsize=(INCHES, INCHES), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
    paint(axes, points[near], colours[near], camera, 72.0 * INCHES / (2.0 * half))
    axes.add_patch(Circle((0, 0), 1.15 * max(reach, 0.05 * half), fill=False, color=INK, linewidth=1.2))
    length = round_length(2.0 * half * BAR_SHARE * factor)
    axes.plot([-0.92 * half, -0.92 * half + length / factor], [-0.92 * half] * 2, color=INK, linewidth=2.0)
    said = axes.text(-0.92 * half, -0.87 * half, f"{length:g} {symbol(unit)}".rstrip(), color=INK, size=9, va="bottom")
    said.set_bbox({"color": PAPER, "alpha": 0.75, "pad": 1.0})
    return png(figure)


def _painted(
    scan: Scan, detection: Detection, defect: Defect, scale: DeviationScale | None
) -> tuple[DoubleArray, Rgb, BoolArray]:
    """Points (n, 3), their colours (n, 3), and a mask (n,) of the defect."""
    rows = np.flatnonzero(scan.finite)
    ours = np.zeros(len(scan), dtype=np.bool_)
    ours[defect.members] = True
    if scale is None or detection.deviation is None:
        colours = calibrated(detection.point_threshold).colours(detection.point_scores[rows])
        return scan.points[rows], colours, ours[rows]
    gone = missing_places(scan, detection)
    colours = np.concatenate([scale.colours(detection.deviation[rows]), missing_colours(len(gone))])
    return np.concatenate([scan.points[rows], gone]), colours, np.concatenate([ours[rows], np.zeros(len(gone), bool)])


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
