"""Detects markers for "no measurement": constant values far from the rest, in one or all coordinates.

Cameras and their software write -32768, -999.9, 0 or 1e10 for missing pixels; read as points they would be defects.
"""

from __future__ import annotations

import numpy as np

from sedir_core.io.guard import MAX_COORDINATE, MIN_POINTS
from sedir_core.types import BoolArray, DoubleArray

KNOWN = frozenset(
    sign * value
    for value in (99.0, 99.9, 99.99, 999.0, 999.9, 999.99, 999.999, 9999.0, 9999.9, 9999.99, 9999.999, 99999.0, 99999.9,
                  999999.0, 32.767, 32.768, 327.67, 327.68, 32767.0, 32768.0, 65.535, 655.35, 65535.0, 65536.0, 1e6,
                  1e10, 1e30, 1e38)
    for sign in (1.0, -1.0)
)  # fmt: skip
_LEAST_REPEATED = 3
_FAR = 1.0  # least distance to the nearest measured point, in part sizes; outliers are nearer, and not constant
_FAR_KNOWN = 0.1  # the same for values commonly used as markers
_LEAST_ALIKE = 10  # least number of points: a surface passes through a point such as the origin only once
_MOST_TOGETHER = 3  # most markers beside each other, such as codes for different reasons
_TOGETHER = 0.1  # their greatest distance from each other, relative to that from the measured values
_MOST_VALUES = 8  # most different markers in one file
_SAMPLED = 100_000


def mark_unmeasured(points: DoubleArray) -> tuple[DoubleArray, str]:
    """The points (n, 3) with NaN in rows with such a marker, and a clause on what was dropped; "" for nothing."""
    measured = np.asarray(np.isfinite(points).all(axis=1))
    found: list[tuple[str, int]] = []
    alike = np.asarray(measured & (points == points[:, :1]).all(axis=1))
    for value, count in zip(*np.unique(points[alike, 0], return_counts=True), strict=True):
        rows = np.asarray(alike & (points[:, 0] == value))
        is_mark = count >= _LEAST_ALIKE or _is_far_known(points, measured & ~rows, value)
        if is_mark and (measured & ~rows).sum() >= MIN_POINTS:
            found.append((f"x = y = z = {value:g}", int(count)))
            measured = np.asarray(measured & ~rows)
    for _ in range(_MOST_VALUES):
        mark = _next_mark(points, measured)
        if mark is None:
            break
        said, rows = mark
        found.append((said, int(rows.sum())))
        measured = np.asarray(measured & ~rows)
    if not found:
        return points, ""
    marked = points.copy()
    marked[~measured] = np.nan
    count = sum(n for _, n in found)
    rows_were = "row without a measurement was" if count == 1 else "rows without a measurement were"
    return marked, f"{count:,} {rows_were} left out ({', '.join(said for said, _ in found)})"


def _is_far_known(points: DoubleArray, rest: BoolArray, value: float) -> bool:
    """Whether x = y = z = value is a usual marker, far from all other points: then it needs no repetition."""
    if not (_is_known(value) and rest.any()):
        return False
    nearest = float(np.abs(points[rest] - value).max(axis=1).min())
    return nearest > _FAR * _size(points, rest)


def _is_known(value: float) -> bool:
    return any(np.isclose(value, known, rtol=1e-7, atol=0) for known in KNOWN) or abs(value) > MAX_COORDINATE


def _next_mark(points: DoubleArray, measured: BoolArray) -> tuple[str, BoolArray] | None:
    """Description of the value farthest from the rest and a mask of its rows; None if none is far enough."""
    candidates = []
    for axis in range(3):
        # Where all are measured, as in most files, nothing is copied: it may be ten million points.
        values = points[:, axis] if measured.all() else points[measured, axis]
        if not len(values):
            return None
        low, high = float(values.min()), float(values.max())
        for value in {low, high}:
            if (gap := _gap(values, value, inwards=1 if value == low else -1)) is not None:
                candidates.append((gap, axis, value))
    for gap, axis, value in sorted(candidates, reverse=True):
        rows = measured & (points[:, axis] == value)
        rest = measured & ~rows
        size = _size(points, rest)
        if gap > (_FAR_KNOWN if _is_known(value) else _FAR) * size:
            everywhere = bool((points[rows] == value).all())
            return (f"x = y = z = {value:g}" if everywhere else f"{'xyz'[axis]} = {value:g}"), rows
    return None


def _gap(values: DoubleArray, mark: float, inwards: int) -> float | None:
    """Distance from a repeated extreme value to the measured ones, past other marks close to it (-32768 and -32767).

    inwards: 1 from the lowest value, -1 from the highest. None if it is too rare, or nothing would be left.
    """
    gap, marked, left = None, mark, len(values)
    for _ in range(_MOST_TOGETHER):
        others = values > marked if inwards > 0 else values < marked
        n_others = int(np.count_nonzero(others))
        if left - n_others < _LEAST_REPEATED or n_others < MIN_POINTS:
            break
        nearest = values.min(where=others, initial=np.inf) if inwards > 0 else values.max(where=others, initial=-np.inf)
        if abs(marked - mark) <= _TOGETHER * abs(nearest - mark):  # else they are steps of the part
            gap = abs(float(nearest) - mark)
        marked, left = float(nearest), n_others
    return gap


def _size(points: DoubleArray, of: BoolArray) -> float:
    """About the diagonal of the part, whatever else is among those points: twice the spread of the middle half."""
    rows = np.flatnonzero(of)
    some = points[rows[:: max(1, len(rows) // _SAMPLED)]]
    with np.errstate(over="ignore"):
        low, high = np.quantile(some, (0.25, 0.75), axis=0)
        return 2 * float(np.linalg.norm(high - low))
