"""Segments the surroundings of a part in a raw scan: supporting planes and other parts.

Shape alone cannot distinguish a part on a table from a flange seen from above, so the result should be removed only if
a model cannot explain the scan as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from sedir_core.geometry.neighbours import clusters, typical_spacing
from sedir_core.geometry.robust import sigma
from sedir_core.geometry.sampling import repeatable_order
from sedir_core.geometry.scan_numbers import SURROUNDINGS
from sedir_core.geometry.surface import local_frames
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray


@dataclass(frozen=True)
class Plane:
    """Points p with p·normal = offset; normal: (3,) of length 1, towards the part. scatter: of the points on it."""

    normal: DoubleArray
    offset: float
    scatter: float

    def heights(self, points: DoubleArray) -> DoubleArray:
        """(n,) signed distances."""
        return np.asarray(points @ self.normal - self.offset)


def find_table(points: DoubleArray) -> BoolArray | None:
    """(n,) which of the finite points (n, 3) belong to supporting planes: a turntable, the table below it.

    None without such a plane. It extends well beyond everything on it, on most sides, with nothing behind it, unlike
    the faces of a plate or a box, whose edges are the part's.
    """
    if len(points) < 2 * SURROUNDINGS.least_rest:
        return None
    centre = np.median(points, axis=0)
    local = points - centre
    left = np.ones(len(points), dtype=np.bool_)
    largest = 0
    for _ in range(SURROUNDINGS.planes):
        indices = np.flatnonzero(left)
        sample = local[indices[repeatable_order(local[indices], SURROUNDINGS.sample)]]
        plane = _carrying_plane(sample)
        if plane is None:
            break
        on = left & (plane.heights(local) <= _tolerance(plane, sample))
        if largest and on.sum() < SURROUNDINGS.least_next * largest:  # what is left of a table, or a face of the part
            break
        largest = max(largest, int(on.sum()))
        left &= ~on
    return ~left if largest and left.sum() >= SURROUNDINGS.least_rest else None


def separate(points: DoubleArray, gap: float | None = None) -> IntArray:
    """(n,) part label of each of the finite points (n, 3), 0 for the largest.

    gap: least distance between separate parts; by default several of the scan's spacings. Pieces that are too small are
    assigned to the nearest part. Remove tables first.
    """
    local = points - np.median(points, axis=0)
    if gap is None:
        gap = max(SURROUNDINGS.gap_spacings * typical_spacing(local), SURROUNDINGS.part_gap * _size(local))
    if gap <= 0:
        return np.zeros(len(points), dtype=np.int64)
    solid = _in_crowds(local, gap / 3)
    labels = np.full(len(points), -1, dtype=np.int64)
    labels[solid] = clusters(local[solid], gap)
    counts = np.bincount(labels[solid])
    order = np.argsort(-counts, kind="stable")
    parts = [int(label) for label in order if counts[label] >= SURROUNDINGS.least_part * counts[order[0]]]
    number = np.full(len(counts), -1, dtype=np.int64)
    number[parts] = np.arange(len(parts))
    found = np.where(solid, number[labels], -1)
    outliers = found < 0
    if outliers.any() and len(parts) > 1:
        found[outliers] = found[~outliers][PointTree(local[~outliers]).nearest(local[outliers])[1]]
    return np.maximum(found, 0)


def _in_crowds(points: DoubleArray, size: float) -> BoolArray:
    """(n,) which points are in a voxel as dense as a surface, since flying pixels would bridge gaps."""
    cells = np.floor((points - points.min(axis=0)) / size).astype(np.int64)
    _, place, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    crowd = counts[place.ravel()]
    return np.asarray(crowd >= SURROUNDINGS.crowd * np.median(crowd))


def _carrying_plane(sample: DoubleArray) -> Plane | None:
    """The plane with most points among those that support the rest."""
    best: Plane | None = None
    most = 0
    for plane in _candidates(sample):
        refined = _refined(plane, sample)
        n_on = int((np.abs(refined.heights(sample)) <= _tolerance(refined, sample)).sum())
        if n_on > most and (carrying := _facing_part(refined, sample)) is not None:
            best, most = carrying, n_on
    return best


def _candidates(sample: DoubleArray) -> list[Plane]:
    """Distinct planes through flat places, those with most points first."""
    seeds = sample[:: max(1, len(sample) // SURROUNDINGS.seeds)]
    neighbours = PointTree(sample).nearest_k(seeds, SURROUNDINGS.neighbours)[1]
    values, vectors = local_frames(sample, neighbours)
    middles = sample[neighbours].mean(axis=1)
    reach = SURROUNDINGS.thickest * _size(sample)
    found: list[tuple[int, Plane]] = []
    for middle, spread, axes in zip(middles, values, vectors, strict=True):
        if spread[0] > SURROUNDINGS.flat * spread[1]:  # curved, or an edge
            continue
        plane = Plane(axes[:, 0], float(middle @ axes[:, 0]), float(np.sqrt(max(spread[0], 0.0))))
        found.append((int((np.abs(plane.heights(sample)) <= reach).sum()), plane))
    found.sort(key=lambda one: -one[0])
    kept: list[Plane] = []
    for count, plane in found:
        alike = any(
            abs(plane.normal @ other.normal) > SURROUNDINGS.parallel
            and abs(abs(plane.offset) - abs(other.offset)) < 2 * reach
            for other in kept
        )
        if count >= SURROUNDINGS.least_share * len(sample) and not alike:
            kept.append(plane)
    return kept[: SURROUNDINGS.candidates]


def _refined(plane: Plane, sample: DoubleArray) -> Plane:
    """The plane through all points near it, closer each time."""
    for reach in (2 * SURROUNDINGS.thickest, SURROUNDINGS.thickest, SURROUNDINGS.noises * SURROUNDINGS.thinnest):
        near = sample[np.abs(plane.heights(sample)) <= reach * _size(sample)]
        if len(near) < SURROUNDINGS.neighbours:
            return plane
        middle = near.mean(axis=0)
        normal = np.linalg.eigh(np.cov((near - middle).T))[1][:, 0]
        heights = (near - middle) @ normal
        plane = Plane(normal, float(middle @ normal), sigma(heights))
    return plane


def _tolerance(plane: Plane, sample: DoubleArray) -> float:
    size = _size(sample)
    return float(
        np.clip(SURROUNDINGS.noises * plane.scatter, SURROUNDINGS.thinnest * size, SURROUNDINGS.thickest * size)
    )


def _facing_part(plane: Plane, sample: DoubleArray) -> Plane | None:
    """The plane with its normal towards the rest, if it supports that; else None."""
    tolerance = _tolerance(plane, sample)
    heights = plane.heights(sample)
    above, below = heights > tolerance, heights < -tolerance
    if below.sum() > above.sum():
        plane, above, below = Plane(-plane.normal, -plane.offset, plane.scatter), below, above
    on = ~above & ~below
    if above.sum() < SURROUNDINGS.least_rest or on.sum() < SURROUNDINGS.least_share * len(sample):
        return None
    if below.sum() > SURROUNDINGS.wrong_side * above.sum():
        return None
    if (np.abs(heights[on]) < plane.scatter / 2).mean() < SURROUNDINGS.middle:
        return None
    return plane if _reaches_beyond(_flat(plane, sample[on]), _flat(plane, sample[above])) else None


def _flat(plane: Plane, points: DoubleArray) -> DoubleArray:
    """(n, 2) places within the plane."""
    aside = np.eye(3)[int(np.argmin(np.abs(plane.normal)))]
    across = np.cross(plane.normal, aside)
    across /= np.linalg.norm(across)
    return np.asarray(points @ np.stack([across, np.cross(plane.normal, across)], axis=1))


def _reaches_beyond(table: DoubleArray, part: DoubleArray) -> bool:
    """Whether a table (n, 2) extends well beyond what is on it (m, 2), on most sides and with many of its points."""
    angles = np.linspace(0, 2 * np.pi, SURROUNDINGS.directions, endpoint=False)
    rays = np.stack([np.cos(angles), np.sin(angles)])
    # robust to a few outliers
    ends_table, ends_part = (np.quantile(places @ rays, 0.995, axis=0) for places in (table, part))
    width = float(np.median(ends_part + np.roll(ends_part, SURROUNDINGS.directions // 2)))
    if (ends_table - ends_part > SURROUNDINGS.beyond * width).mean() < SURROUNDINGS.sides:
        return False
    try:
        outline = ConvexHull(part)
    except QhullError:  # all in a line
        return True
    inside = (table @ outline.equations[:, :2].T + outline.equations[:, 2] <= 0).all(axis=1)
    return float((~inside).mean()) >= SURROUNDINGS.outside


def _size(points: DoubleArray) -> float:
    """The diagonal of nearly all points (n, 3)."""
    low, high = np.quantile(points[:: max(1, len(points) // 20_000)], (0.01, 0.99), axis=0)
    return float(np.linalg.norm(high - low))
