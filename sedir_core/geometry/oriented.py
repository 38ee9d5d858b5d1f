"""A point cloud with its outer side, its density and its boundary.

Normals point outward, so that the inside of even a thin wall is never matched with its outside. [O]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from sedir_core.geometry.elastic import Toward
from sedir_core.geometry.numbers import ORIENTED
from sedir_core.geometry.orientation import outward_sides
from sedir_core.geometry.registration import Pose, principal_axes
from sedir_core.geometry.resting import Sight, resting_side
from sedir_core.geometry.sampling import repeatable_order
from sedir_core.geometry.surface import normals_and_curvature_of
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray, IntArray


class Oriented:
    """A random subset of a cloud's points (n, 3), in radii of the part, with outward normals (n, 3).

    usual: (n,) usual distance of good parts there, in radii, if known; see `usual_ways`.
    """

    def __init__(
        self,
        points: DoubleArray,
        normals: DoubleArray | None = None,
        count: int = ORIENTED.points,
        usual: DoubleArray | None = None,
    ) -> None:
        """normals: outward; estimated by default. usual: of the points that are kept."""
        if normals is None:
            seen = points[repeatable_order(points, ORIENTED.oriented_points)]
            cloud = PointTree(seen)
            normals = normals_and_curvature_of(cloud)[0]
            self._seen, self._sure = seen, outward_sides(cloud, normals)[:, None] * normals
            self.points = seen[:count]
            self.normals = np.where((self._sure * normals).sum(axis=1, keepdims=True) < 0, -normals, normals)[:count]
        else:
            order = np.random.default_rng(0).permutation(len(points))[:count]
            self.points, self.normals = points[order], normals[order]
            self._seen, self._sure = self.points, self.normals
        self.usual = usual

    @cached_property
    def _tree(self) -> PointTree:
        return PointTree(np.concatenate([self.points, ORIENTED.facing * self.normals], axis=1))

    @cached_property
    def _seen_tree(self) -> PointTree:
        return PointTree(self._seen)

    @cached_property
    def _ends(self) -> tuple[float, BoolArray]:
        return rim_of(self.points, self.normals)

    @property
    def spacing(self) -> float:
        """Between its points."""
        return self._ends[0]

    @property
    def rim(self) -> BoolArray:
        """(n,) which points are near the boundary of the seen surface."""
        return self._ends[1]

    def facing(self, points: DoubleArray) -> DoubleArray:
        """(m, 3) outward normals at points (m, 3) of the same cloud, where reliable."""
        return np.asarray(self._sure[self._seen_tree.nearest(points)[1]])

    def moved(self, pose: Pose) -> Oriented:
        """The transformed cloud."""
        return self._carried(pose.apply, pose.rotation)

    def displaced(self, field: Callable[[DoubleArray], DoubleArray]) -> Oriented:
        """The cloud with its points moved by a smooth field, which hardly turns them."""
        return self.brought(lambda points: points + field(points))

    def brought(self, carry: Callable[[DoubleArray], DoubleArray]) -> Oriented:
        """The same with a mapping of positions."""
        return self._carried(carry, np.eye(3))

    def mirrored(self) -> Oriented:
        """Its mirror image."""
        flip = np.diag([-1.0, 1.0, 1.0])
        return self._carried(lambda points: points @ flip, flip)

    def _carried(self, carry: Callable[[DoubleArray], DoubleArray], rotation: DoubleArray) -> Oriented:
        found = object.__new__(Oriented)
        found.points, found.normals = carry(self.points), self.normals @ rotation.T
        found._seen, found._sure = carry(self._seen), self._sure @ rotation.T
        found.usual = self.usual
        return found

    def usual_ways(self, scans: Sequence[Oriented]) -> DoubleArray:
        """(n,) usual distance of good scans, at least one, that are aligned and bent onto it, in radii.

        Rims, slants and blended edges are seldom scanned alike; relative to this, all places count equally.
        """
        ways = [ways_to(self.points, self.normals, scan) for scan in scans]
        known = np.array(
            [np.where(beyond, np.nan, np.minimum(np.abs(along), ORIENTED.cap)) for along, _, _, beyond in ways]
        )
        told = ~np.isnan(known).all(axis=0)
        overall = float(np.nanmean(known)) if told.any() else ORIENTED.cap
        mean = np.full(len(self.points), overall)
        mean[told] = np.nanmean(known[:, told], axis=0)
        around = PointTree(self.points).nearest_k(self.points, ORIENTED.usual_neighbours)[1]
        return np.asarray(np.maximum(mean[around].mean(axis=1), ORIENTED.least_usual * overall))

    def toward(self, normals: DoubleArray) -> Toward:
        """Distance function of moving points with these outward normals (n, 3) to what faces alike."""

        def way(points: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
            along, _, faces, beyond = ways_to(points, normals, self)
            return np.where(beyond, np.nan, along), faces

        return way

    def nearest(self, points: DoubleArray, normals: DoubleArray) -> IntArray:
        """Index (m,) of the nearest point facing the same way."""
        return self._tree.nearest(np.concatenate([points, ORIENTED.facing * normals], axis=1))[1]

    @cached_property
    def coarse(self) -> Oriented:
        """A coarse subset, for the first steps of a search."""
        return Oriented(self.points, self.normals, ORIENTED.coarse_points)

    @cached_property
    def down(self) -> DoubleArray | None:
        """(3,) outward direction of the open side that the part rested on, or None."""
        return resting_side(self.points, self.normals)

    @cached_property
    def _sight(self) -> Sight | None:
        return None if self.down is None else Sight(self.points, self.down, ORIENTED.sight_pixel * self.spacing)

    def lacks(self, points: DoubleArray, normals: DoubleArray, unseen: float) -> DoubleArray:
        """(m,) cost, from 0 to 1, of points (m, 3) with outward normals (m, 3) that the cloud does not show.

        unseen: cost of a point that could not be seen.
        """
        if self._sight is None or not len(points):
            return np.full(len(points), ORIENTED.beyond)
        return np.where(self._sight.shows(points, normals), ORIENTED.seen_through, min(unseen, ORIENTED.beyond))

    @cached_property
    def axes(self) -> DoubleArray:
        """(3, 3) principal axes as columns."""
        return principal_axes(self.points)


def ways_to(
    points: DoubleArray, normals: DoubleArray, other: Oriented
) -> tuple[DoubleArray, DoubleArray, DoubleArray, BoolArray]:
    """From points (m, 3) to the other cloud's points that face alike: signed distance (m,) along their normals,
    distance aside (m,), these normals (m, 3), and which points lie beyond its boundary."""
    nearest = other.nearest(points, normals)
    offsets, faces = other.points[nearest] - points, other.normals[nearest]
    along = np.einsum("ij,ij->i", offsets, faces)
    aside = np.sqrt(np.maximum((offsets**2).sum(axis=1) - along**2, 0))
    # No face with that orientation is near: the other scan did not see it.
    beyond = ((normals * faces).sum(axis=1) <= ORIENTED.same_side) | (
        other.rim[nearest] & (aside > ORIENTED.at_rim * other.spacing)
    )
    return along, aside, faces, beyond


def rim_of(points: DoubleArray, normals: DoubleArray) -> tuple[float, BoolArray]:
    """The spacing of a cloud, and a mask (n,) of boundary points, whose neighbours are all on one side."""
    distances, around = PointTree(points).nearest_k(points, ORIENTED.rim_neighbours + 1)
    same = np.einsum("nki,ni->nk", normals[around], normals) > -ORIENTED.same_side
    shift = ((points[around] - points[:, None]) * same[..., None]).sum(axis=1) / same.sum(axis=1, keepdims=True)
    shift -= np.einsum("ij,ij->i", shift, normals)[:, None] * normals
    reach = np.where(same, distances, 0).max(axis=1)
    ends = np.linalg.norm(shift, axis=1) > ORIENTED.rim_shift * reach
    spacing = float(np.median(distances[:, min(1, distances.shape[1] - 1)]))
    if not ends.any():
        return spacing, ends
    return spacing, np.asarray(PointTree(points[ends]).nearest(points)[0] < 1.5 * np.median(reach))
