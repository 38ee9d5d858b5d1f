"""Properties of a part as a whole: its size relative to the good parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedir_core.evidence.fields import Places
from sedir_core.evidence.numbers import WHOLE_PART
from sedir_core.geometry.registration import trimmed_mean
from sedir_core.geometry.robust import SIGMA_PER_MEDIAN, TUKEY_WIDTH, tukey
from sedir_core.types import DoubleArray

SIZE = "size"
SIZE_UNIT = 0.01  # of the size: what is far more than scanners and temperature change of it
_WIDTH = TUKEY_WIDTH * SIGMA_PER_MEDIAN  # times the median


@dataclass(frozen=True)
class _Laid:
    """A similarity transform near the identity. turn, shift: (3,). scale: how much larger the scan is, relative."""

    turn: DoubleArray
    shift: DoubleArray
    scale: float

    def moved(self, points: DoubleArray) -> DoubleArray:
        return np.asarray((points + np.cross(self.turn, points) + self.shift) * (1 - self.scale))


def size_difference(points: DoubleArray, places: Places) -> float:
    """Relative size difference between a scan and the normal surface: 0.03 is 3 per cent larger.

    points: (n, 3) in the category's frame, rigidly aligned. From the best similarity transform, by Gauss-Newton steps
    on point-to-plane distances with Tukey weights, so that a defect has no influence; 0 if too little of the surface is
    visible.
    """
    laid = _settled(_some(points, WHOLE_PART.points), places, _as_it_is())
    return 0.0 if laid is None else laid.scale


def size_to_tell(points: DoubleArray, places: Places) -> tuple[float, float]:
    """The same difference for operators, from the best of several starts.

    Of a part a tenth too large hardly anything lies on the surface, and what does says that it is a little too large.
    Also the share of its distance to the surface that the other size leaves: 1 if that explains nothing.
    """
    few, enough = _some(points, WHOLE_PART.few_points), _some(points, WHOLE_PART.points)
    scales = np.linspace(-WHOLE_PART.farthest, WHOLE_PART.farthest, WHOLE_PART.starts)
    starts = [_Laid(np.zeros(3), np.zeros(3), float(scale)) for scale in scales]
    found = [laid for start in starts if (laid := _settled(few, places, start)) is not None]
    best = min(found, key=lambda laid: _distance(few, places, laid), default=_as_it_is())
    best = _settled(enough, places, best) or best
    before = _distance(enough, places, _as_it_is())
    return 1 / (1 - best.scale) - 1, _distance(enough, places, best) / before if before > 0 else 1.0


def _as_it_is() -> _Laid:
    return _Laid(np.zeros(3), np.zeros(3), 0.0)


def _some(points: DoubleArray, count: int) -> DoubleArray:
    return points[:: max(1, len(points) // count)]


def _settled(some: DoubleArray, places: Places, laid: _Laid) -> _Laid | None:
    """The transform refined; None if too few of the points (m, 3) are over the surface."""
    for _ in range(WHOLE_PART.steps):
        moved = laid.moved(some)
        over = places.over(moved)
        if over.on.sum() < WHOLE_PART.least_points:
            return None
        at, off, normals = moved[over.on], over.along[over.on], places.normals[over.place[over.on]]
        width = _WIDTH * float(np.median(np.abs(off))) + 1e-12
        weights = tukey(off, width)
        rows = np.column_stack([np.cross(at, normals), normals, (at * normals).sum(axis=1)])
        normal_matrix = (rows * weights[:, None]).T @ rows
        damping = 1e-6 * np.trace(normal_matrix) / 7 * np.eye(7)
        step = np.linalg.solve(normal_matrix + damping, (rows * weights[:, None]).T @ off)
        laid = _Laid(laid.turn - step[:3], laid.shift - step[3:6], laid.scale + float(step[6]))
    return laid


def _distance(some: DoubleArray, places: Places, laid: _Laid) -> float:
    """Trimmed mean distance of points (m, 3) from the surface, in that transform, brought back to their own size."""
    return trimmed_mean(places.tree.nearest(laid.moved(some))[0]) / (1 - laid.scale)


def words_of_size(difference: float) -> str:
    """The remark for the operator."""
    return f"{100 * abs(difference):.1f} % {'larger' if difference > 0 else 'smaller'} than good parts"
