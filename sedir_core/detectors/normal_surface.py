"""A category's normal surface, merged from its training parts, and how a scan departs from it.

This is the geometric half of calibrated scoring [O]: tokens say whether a neighbourhood looks right for its
place, the surface says whether the material is where it belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sedir_core.errors import Cancelled
from sedir_core.geometry.elastic import Elastic, fit_elastic, no_displacement
from sedir_core.geometry.neighbours import typical_spacing
from sedir_core.geometry.registration import Surface, align
from sedir_core.geometry.sampling import farthest_points
from sedir_core.geometry.seams import SeamFinder
from sedir_core.geometry.surface import smooth_onto_plane
from sedir_core.geometry.tree import PointTree
from sedir_core.geometry.views import settled_from
from sedir_core.geometry.visibility import outward, sphere_directions
from sedir_core.types import BoolArray, DoubleArray, Stop, never_stop

N_CONTROLS = 64
N_ELASTIC_POINTS = 3_000
N_SURFACE_POINTS = 40_000
N_PROBES = 20_000
N_LOOKS = 48  # directions from which the outer side of a surface is looked for
MERGED_PARTS = 8  # more of them make the surface no smoother, only larger
OFFSET_SIZES = (8, 32, 128)
BARE_SIZES = (4, 8, 32)
SEAM = "seam"
GAPS = (*(f"bare_{k}" for k in BARE_SIZES), SEAM)
CHANNELS = (*(f"offset_{k}" for k in OFFSET_SIZES), *GAPS, "stray_8", "drift")
WIDEST_SEAM = 1.1  # spacings from a seam's middle to the scan; a wider gap is no better evidence of a long one
NEAR, NEAR_SHARE = 0.337, 0.3  # of random points, that share of places lies within so many spacings of the scan
TOLERANCE = 0.005  # radii: the usual smooth difference between parts, where no two scans tell
DENSEST = 0.1  # spacings of the surface; a scan that is the surface itself has gaps of no width
_TINY = 1e-300


@dataclass(frozen=True)
class Departure:
    """How an aligned scan departs from a normal surface, per point, in units of the part's radius.

    points: (n, 3) as given. places: (n, 3), the points after the smooth part-to-part difference was taken out.
    channels: name -> (n,). offset_k: length of the mean residual along the normal over the k nearest points,
    so noise averages out and a dent does not. bare_k: mean distance from surface to scan around the point, in spacings
    of the scan, large where material is missing. seam: the same along the line on which it stays largest, no more
    than about one: large along a crack. stray_8: mean distance to the surface's nearest point. drift: how
    far the smooth difference itself moved the point.
    """

    points: DoubleArray
    places: DoubleArray
    channels: dict[str, DoubleArray]


@dataclass(frozen=True)
class AlignedPart:
    """A training part in the category's frame, and the smooth difference from the reference part to it."""

    points: DoubleArray
    toward_reference: Elastic


@dataclass(frozen=True)
class NormalSurface:
    """The merged surface of a category, with the control points of its smooth differences (c, 3)."""

    surface: Surface
    controls: DoubleArray

    def depart(
        self, points: DoubleArray, generator: np.random.Generator, direction: DoubleArray | None = None
    ) -> Departure:
        """points: (n, 3) in the category's frame, rigidly aligned, n at least 128.

        direction: (3,) from which a scan of one side was seen; then only what it must have seen can be missing.
        """
        few = points[generator.permutation(len(points))[:N_ELASTIC_POINTS]]
        moves = fit_elastic(few, self.surface, self.controls)(points)
        places = points + moves
        distances, nearest = self.surface.tree.nearest(places)
        normals = self.surface.normals[nearest]
        along = np.einsum("ij,ij->i", self.surface.points[nearest] - places, normals)
        residuals = along[:, None] * normals
        tree = PointTree(places)
        around = tree.nearest_k(places, max(OFFSET_SIZES))[1]
        channels = {f"offset_{k}": _length(residuals[around[:, :k]].mean(axis=1)) for k in OFFSET_SIZES}
        channels |= self._gaps(places, tree, direction)
        channels["stray_8"] = distances[around[:, :8]].mean(axis=1)
        channels["drift"] = _length(moves)
        return Departure(points, places, channels)

    def _gaps(self, places: DoubleArray, tree: PointTree, direction: DoubleArray | None) -> dict[str, DoubleArray]:
        probes = self.probes.points
        uncovered = tree.nearest(probes)[0]
        settled = np.ones(len(probes), bool)
        if direction is not None:
            settled = settled_from(probes, self.probes.normals, direction)
        spacing = max(_spacing_of_scan(uncovered[settled]), DENSEST * self.probes.spacing)
        uncovered = _surely_missing(uncovered, probes, settled)
        around, beside = self.probes.around, self.probes.tree.nearest_k(places, 8)[1]
        widths = uncovered / spacing
        found = {f"bare_{k}": widths[around[:, :k]].mean(axis=1)[beside].max(axis=1) for k in BARE_SIZES}
        narrow = np.minimum(widths, WIDEST_SEAM).astype(np.float32)
        found[SEAM] = self.probes.seams.highest_means(narrow)[beside[:, :4]].max(axis=1)
        return found

    @cached_property
    def probes(self) -> Probes:
        """The places where the scan is looked for."""
        step = max(1, len(self.surface.points) // N_PROBES)
        return Probes(self.surface.points[::step], self.surface.normals[::step])


class Probes:
    """Places (p, 3) on a surface with their normals (p, 3), and what is next to what, made once for all scans."""

    def __init__(self, points: DoubleArray, normals: DoubleArray) -> None:
        self.points, self.normals = points, normals
        self.tree = PointTree(points)
        self.around = self.tree.nearest_k(points, max(BARE_SIZES))[1]
        self.spacing = max(typical_spacing(points), _TINY)
        self.seams = SeamFinder(points, normals, self.spacing)


def align_parts(
    clouds: Sequence[DoubleArray], generator: np.random.Generator, stop: Stop = never_stop
) -> list[AlignedPart]:
    """Bring every part onto the first one. Raises Cancelled.

    clouds: each (n, 3), centred and scaled by the first part's frame.
    """
    reference = Surface(clouds[0])
    controls = clouds[0][farthest_points(clouds[0].astype(np.float32), N_CONTROLS)]
    parts = [AlignedPart(clouds[0], no_displacement(controls))]
    for cloud in clouds[1:]:
        if stop():
            raise Cancelled
        points = align(cloud, reference, generator)[0].apply(cloud)
        few = points[generator.permutation(len(points))[:N_ELASTIC_POINTS]]
        parts.append(AlignedPart(points, fit_elastic(few, reference, controls)))
    return parts


def merge_parts(parts: Sequence[AlignedPart], all_parts: Sequence[AlignedPart]) -> NormalSurface:
    """The surface of `parts` in the mean shape of `all_parts`, noise averaged out.

    Leaving a part out of `parts` gives the surface to hold that part against.
    """
    controls = all_parts[0].toward_reference.controls
    mean = Elastic(controls, np.mean([part.toward_reference.weights for part in all_parts], axis=0))
    moved = [part.points + part.toward_reference(part.points) for part in parts[:MERGED_PARTS]]
    merged = np.concatenate([points - mean(points) for points in moved])
    # Only what is kept is smoothed: the neighbourhoods of a million merged points would take gigabytes.
    keep = np.random.default_rng(0).permutation(len(merged))[:N_SURFACE_POINTS]
    points, normals = smooth_onto_plane(merged, keep, 8 * min(len(moved), 4))
    return NormalSurface(Surface(points, outward(points, normals, sphere_directions(N_LOOKS))), controls)


def tolerance_amplitude(parts: Sequence[AlignedPart]) -> float:
    """RMS of the smooth differences between the parts, in units of the part's radius; assumed for a single one."""
    if len(parts) < 2:
        return TOLERANCE
    probes = parts[0].points[:: max(1, len(parts[0].points) // 1_000)]
    fields = np.array([part.toward_reference(probes) for part in parts])
    spread = fields - fields.mean(axis=0)
    return float(np.sqrt((spread**2).sum() / (len(parts) - 1) / spread[0].size))


def _spacing_of_scan(uncovered: DoubleArray) -> float:
    """The spacing of a scan's points, from the distances (p,) at which places of the surface find it.

    The lower third of them says it, so that a scan of which half is missing is not taken for a sparse one.
    """
    if len(uncovered) == 0:
        return np.inf
    return float(np.quantile(uncovered, NEAR_SHARE)) / NEAR


def _surely_missing(uncovered: DoubleArray, probes: DoubleArray, settled: BoolArray) -> DoubleArray:
    """The (p,) gaps of a view: no wider than the way to where nobody knows whether there is anything to see.

    A view frays at its outline, farther in than any rule about angles says; a hole inside it is as wide as ever.
    """
    if settled.all():
        return uncovered
    found = np.zeros_like(uncovered)
    if settled.any():
        inside = PointTree(probes[~settled]).nearest(probes[settled])[0]
        found[settled] = np.minimum(uncovered[settled], inside)
    return found


def _length(vectors: DoubleArray) -> DoubleArray:
    return np.asarray(np.linalg.norm(vectors, axis=1))
