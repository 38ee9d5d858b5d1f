"""Rejects arrays that look like points but are not: height images, triangle lists, labels.

They would be read without an error and a model trained on them, so each is rejected with its own message.
"""

from __future__ import annotations

from functools import reduce
from itertools import combinations

import numpy as np

from sedir_core.errors import NoCoordinates
from sedir_core.io.guard import MIN_POINTS, Source
from sedir_core.io.unnamed import ROUNDED
from sedir_core.types import BoolArray, DoubleArray, IntArray

AS_POINTS = "save rows of x, y, z"
MOST_FEATURES = 32  # most values per point in an array; wider arrays are images
_MAY_COINCIDE = 0.005  # share of degenerate triangles in a list
_MOST_A_CORNER = 8  # mean triangles per vertex; a part on a coarse grid has far more points per coordinate
_MUST_CONTINUE = 0.25  # ratio to the distance of points in random order: neighbours in a grid are closer
_LONG_ROW = 256  # points: a row of that many may be a separate scan
_ENOUGH_ROWS = 200_000


def refuse_indices(source: Source, table: DoubleArray) -> None:
    """table: (n, k) the leading columns of an array. Raises NoCoordinates if they are vertex indices of triangles.

    Columns named by the user are accepted.
    """
    if source.columns:
        return
    if table.shape[1] in (4, 5) and (table[:, 0] == table.shape[1] - 1).all():  # as in OFF, preceded by their number
        table = table[:, 1:]
    if table.shape[1] in (3, 4) and is_index_list(table):
        faces = "triangles" if table.shape[1] == 3 else "faces of four corners"
        what = f"lists {len(table):,} {faces} by the numbers of their corners, not points"
        raise NoCoordinates(source.path, what, "open the points, or a mesh (PLY, STL, OBJ); if these are coordinates, "
                            "say so: --columns 1,2,3")  # fmt: skip


def refuse_directions(source: Source, table: DoubleArray) -> None:
    """table: (n, 3). Raises NoCoordinates where all rows have length 1, as normals have; see `refuse_indices`."""
    measured = np.asarray(np.isfinite(table).all(axis=1))
    if source.columns or measured.sum() < MIN_POINTS:
        return
    with np.errstate(over="ignore"):
        some = np.linalg.norm(table[:_ENOUGH_ROWS], axis=1)  # nearly always tells: the rest may be millions
        if (np.abs(some[measured[:_ENOUGH_ROWS]] - 1) >= ROUNDED).any():
            return
        lengths = np.linalg.norm(table[measured], axis=1)
    if (np.abs(lengths - 1) < ROUNDED).all():
        what = f"lists {len(table):,} directions of length 1, such as normals, not points"
        raise NoCoordinates(source.path, what, "open the points; if these are coordinates, say so: --columns 1,2,3")


def is_index_list(table: DoubleArray) -> bool:
    """Whether (n, 3 or 4) numbers are vertex indices: whole, non-negative, distinct within a row, and with the same
    range in all columns, which coordinates of a part hardly ever have."""
    if len(table) < MIN_POINTS or not np.isfinite(table).all():
        return False
    if (table < 0).any() or (table != np.floor(table)).any():
        return False
    pairs = list(combinations(table.T, 2))
    twice = float(reduce(np.logical_or, (a == b for a, b in pairs)).mean())
    low, high = table.min(axis=0), table.max(axis=0)
    few = len(table) <= _MOST_A_CORNER * high.min()  # random values coincide in one pair per `high` rows
    if twice > max(_MAY_COINCIDE, 3 * len(pairs) / max(float(high.min()), 1) if few else 0):
        return False
    alike = high.min() >= 0.75 * high.max() and low.max() <= 0.1 * high.max()
    return bool(alike) or _shares_edges(table)


def refuse_image(source: Source, shape: tuple[int, ...]) -> None:
    """Raises NoCoordinates for an array (h, w) with one number per pixel."""
    sides = " x ".join(f"{side:,}" for side in shape)
    what = f"is an image of {sides} numbers, such as heights or scores, not points"
    raise NoCoordinates(source.path, what, "export x, y and z of every pixel")


def refuse_batch(source: Source, grid: DoubleArray) -> None:
    """grid: (h, w, 3). Raises NoCoordinates unless grid neighbours are close to each other, as in one scan."""
    measured = np.asarray(np.isfinite(grid).all(axis=2) & (grid != 0).any(axis=2))
    points = grid[measured]
    if len(points) < MIN_POINTS or grid.shape[1] < _LONG_ROW:
        return
    with np.errstate(over="ignore"):  # huge coordinates are rejected later
        typical = float(np.median(np.linalg.norm(points - points[_shuffled(len(points))], axis=1)))
        steps = [_steps(grid, measured, axis) for axis in (0, 1)]
    if all(len(one) and np.median(one) > _MUST_CONTINUE * typical for one in steps):
        n, m = grid.shape[:2]
        what = f"holds {n:,} x {m:,} points in no order of a grid: perhaps {n:,} scans in one array"
        raise NoCoordinates(source.path, what, "save one scan a file, as rows of x, y, z")


def _steps(grid: DoubleArray, measured: BoolArray, axis: int) -> DoubleArray:
    if grid.shape[axis] < 2:
        return np.empty(0)
    near, far = (np.take(grid, range(start, grid.shape[axis] - 1 + start), axis=axis) for start in (0, 1))
    both = np.diff(measured.astype(np.int8), axis=axis) == 0
    both &= np.take(measured, range(grid.shape[axis] - 1), axis=axis)
    return np.asarray(np.linalg.norm(far[both] - near[both], axis=1))


def _shuffled(n: int) -> IntArray:
    return np.random.default_rng(0).permutation(n)


def _shares_edges(table: DoubleArray) -> bool:
    """Whether most edges are shared by two faces, as on a surface."""
    faces = table[:_ENOUGH_ROWS].astype(np.int64)
    sides = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2)  # (n, 3 or 4, 2)
    edges = np.sort(sides.reshape(-1, 2), axis=1)
    counts = np.unique(edges, axis=0, return_counts=True)[1]
    return float((counts == 2).sum() * 2) > 0.6 * len(edges)
