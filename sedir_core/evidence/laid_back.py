"""Lays a displaced piece of a scan back onto the surface that it came from, as one rigid body.

Each point is matched with what faces alike, so that a piece of a thin wall is never laid onto the wall's other side. A
bent end fits again, whatever it now lies nearest to; a bump does not, since the surface has no such shape. [O]
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from sedir_core.evidence.report_numbers import DESCRIPTION, DEVIATION
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.registration import Pose, plane_step
from sedir_core.geometry.surface import local_frames
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray, IntArray

STILL = Pose(np.eye(3), np.zeros(3))
_TINY = 1e-300


class LaidBack:
    """Some points of a scan, laid back onto places of a surface that have outward normals and a spacing.

    some: (m,) indices of the points. outward: (m, 3) directions that tell their outer sides.
    """

    def __init__(self, scan: PointTree, some: IntArray, outward: DoubleArray, ground: Oriented, spacing: float) -> None:
        self._points, self._ground, self._spacing = scan.points[some], ground, spacing
        normals = local_frames(scan.points, scan.nearest_k(self._points, DEVIATION.side)[1])[1][:, :, 0]
        inward = np.einsum("ij,ij->i", normals, outward) < 0
        self._normals = np.where(inward[:, None], -normals, normals)

    @cached_property
    def pose(self) -> Pose:
        """The motion that brings the points back."""
        found = STILL
        for _ in range(DESCRIPTION.steps):
            moved = found.apply(self._points)
            offsets, normals = self._way(moved, found)
            along = np.einsum("ij,ij->i", offsets, normals)
            near = np.abs(along) <= np.quantile(np.abs(along), DESCRIPTION.nearest)
            turn, shift = plane_step(moved[None], normals[None], along[None], near[None].astype(float))
            found = Pose(turn[0] @ found.rotation, turn[0] @ found.translation + shift[0])
        return found

    @cached_property
    def share(self) -> float:
        """The share of the points' squared distance from the surface that this motion takes away; below 0 if none."""
        before = float((self._distances(STILL) ** 2).mean())
        return 1.0 - float((self._distances(self.pose) ** 2).mean()) / max(before, _TINY)

    def moves(self) -> DoubleArray:
        """(m,) by how much each point has moved outward, along the normal of the place where it belongs."""
        back = self.pose.apply(self._points)
        return np.asarray(np.einsum("ij,ij->i", self._points - back, self._way(back, self.pose)[1]))

    def _way(self, moved: DoubleArray, pose: Pose) -> tuple[DoubleArray, DoubleArray]:
        """From moved points (m, 3) to the nearest place that faces alike, and its normal, (m, 3) each."""
        nearest = self._ground.nearest(moved, self._normals @ pose.rotation.T)
        return self._ground.points[nearest] - moved, self._ground.normals[nearest]

    def _distances(self, pose: Pose) -> DoubleArray:
        offsets, normals = self._way(pose.apply(self._points), pose)
        along = np.einsum("ij,ij->i", offsets, normals)
        aside = np.linalg.norm(offsets - along[:, None] * normals, axis=1)
        return np.asarray(np.hypot(along, np.maximum(aside - DESCRIPTION.beside * self._spacing, 0.0)))
