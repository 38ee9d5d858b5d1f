"""Subsampling: farthest point sampling for tokens, voxels for speed."""

from __future__ import annotations

from typing import TypeVar

import fpsample
import numpy as np
from numpy.typing import NDArray

from sedir_core.errors import TooFewPoints
from sedir_core.geometry.own_axes import OwnAxes, box_axes
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray

T = TypeVar("T", bound=np.generic)

# Cells relative to a scan's size. Coarse: files round their points, and those that change cells change places in the
# order. Fine: of points in one coarse cell, which of very dense scans hold several; far above georeferenced rounding.
_COARSE, _FINE = 2.0**11, 2.0**26
_TELLS_COARSE = np.uint64(0xFFFFFFFFFF000000)  # bits of a key
# Arbitrary odd multipliers for multiplicative hashing.
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)
_COUNTED = 10  # leading bits of its keys by which the first points are looked for
_AT_ONCE = 1 << 15  # points: what is computed on the way takes many times their room


def farthest_points(points: FloatArray, count: int, start: int = 0) -> IntArray:
    """Farthest point sampling: indices of `count` points, each the farthest from all previous ones.

    points: (n, 3) float32, n at least 2. Returns (count,) int64. start: below n; another one begins elsewhere, but
    the library counts in an order of its own, so the first index is not `start`.
    Raises TooFewPoints if n < count. Source: Eldar et al. 1997, as PointNet++ uses it.
    """
    if len(points) < count:
        raise TooFewPoints("scan", f"{len(points)} points, the model samples {count}", "scan more densely")
    height = min(5, len(points).bit_length() - 1)  # of its search tree
    return np.asarray(fpsample.bucket_fps_kdline_sampling(points, count, h=height, start_idx=start), dtype=np.int64)


def repeatable_order(points: DoubleArray, most: int | None = None, own: OwnAxes | None = None) -> IntArray:
    """(n,) indices of points (n, 3) float64 in a pseudo-random order determined by the shape alone.

    most: only the first so many. own: of the points; by default the file's.

    Invariant to the points' order, unit and translation, and along their own axes to a turn, except for the few points
    that rounding moves across a cell's edge.
    """
    own = box_axes(points) if own is None else own
    keys, counts = np.empty(len(points), np.uint64), np.zeros(1 << _COUNTED, np.int64)
    for start in range(0, len(points), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        along = own.along(points[some]) / own.size
        coarse, fine = _mixed(np.floor(along * _COARSE)), _mixed(np.floor(along * _FINE))
        keys[some] = (coarse & _TELLS_COARSE) | (fine & ~_TELLS_COARSE)
        counts += np.bincount((keys[some] >> np.uint64(64 - _COUNTED)).astype(np.int64), minlength=len(counts))
    if most is None or most >= len(keys):
        return np.asarray(np.argsort(keys, kind="stable"), dtype=np.int64)
    # Those with the lowest leading bits; a copy of all would be of ten million.
    most_bits = int(np.searchsorted(counts.cumsum(), most, side="right"))
    lowest = keys[keys <= np.uint64(((most_bits + 1) << (64 - _COUNTED)) - 1)]
    first = np.flatnonzero(keys <= np.partition(lowest, most)[most])
    return first[np.argsort(keys[first], kind="stable")[:most]]


def random_subset(n_points: int, count: int, generator: np.random.Generator) -> IntArray:
    """Sorted indices of `count` of `n_points` points, or of all if there are fewer."""
    if n_points <= count:
        return np.arange(n_points)
    return np.sort(generator.choice(n_points, count, replace=False))


def selected(values: NDArray[T], mask: BoolArray) -> NDArray[T]:
    """The rows of values (n, ...) that a mask (n,) selects; no copy of all, which of ten million points is 240 MB."""
    return values if mask.all() else values[mask]


def spread_subset(points: FloatArray, count: int, generator: np.random.Generator) -> IntArray:
    """Spatially uniform subset: at most `count` sorted indices, one random point per voxel.

    points: (n, 3). The voxel size is found by bisection, so dense and sparse regions end up alike.
    """
    if len(points) <= count:
        return np.arange(len(points))
    shuffled = generator.permutation(len(points))
    cloud = points[shuffled]
    low, high = 0.0, float(np.ptp(cloud, axis=0).max())
    best = np.arange(0)
    for _ in range(12):
        size = (low + high) / 2
        first = _first_per_voxel(cloud, size)
        if len(first) > count:
            low = size
        else:
            high, best = size, shuffled[first]
    return np.sort(best)


def _mixed(cells: DoubleArray) -> NDArray[np.uint64]:
    words = cells.astype(np.int64).view(np.uint64) * _ODD[:3]
    words = (words ^ (words >> np.uint64(32))) * _ODD[3]
    mixed = words.sum(axis=1, dtype=np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _ODD[3]
    return np.asarray(mixed ^ (mixed >> np.uint64(32)))


def _first_per_voxel(points: FloatArray, size: float) -> IntArray:
    cells = np.floor((points - points.min(axis=0)) / size).astype(np.int64)
    spans = cells.max(axis=0) + 1
    keys = (cells[:, 0] * spans[1] + cells[:, 1]) * spans[2] + cells[:, 2]
    return np.unique(keys, return_index=True)[1]
