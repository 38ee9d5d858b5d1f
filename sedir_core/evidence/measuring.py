"""Lengths of one aligned scan: its deviation from the expected surface, and a description of each departure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sedir_core.evidence.description import Region, describe
from sedir_core.evidence.deviation import (
    CHUNK,
    Deviation,
    Sides,
    deviation_at,
    neighbourhood_means,
    scan_sides,
    signed_deviation,
    sure_sides,
)
from sedir_core.evidence.layout import Layout, ground_of, grow, lay_out
from sedir_core.evidence.placing import place_words
from sedir_core.evidence.report_numbers import MEASURING
from sedir_core.geometry.frames import Placement
from sedir_core.geometry.neighbours import interpolate
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.tree import PointTree
from sedir_core.geometry.views import settled_from
from sedir_core.types import BoolArray, Defect, DoubleArray, FloatArray, IntArray, Scan

Moves = Callable[[BoolArray], DoubleArray]
"""The (n, 3) moves of a scan's points into the mean shape, found from those of them, (n,), that are True."""


@dataclass(frozen=True)
class Measured:
    """A scan (n, 3) in its category's frame, in radii. expected: the normal surface in the scan's shape."""

    scan: PointTree
    moves: DoubleArray
    expected: Surface
    deviation: Deviation
    layout: Layout
    regions: Sequence[Region]


@dataclass(frozen=True)
class Lengths:
    """The lengths in `types.Detection`; see there."""

    deviation: FloatArray
    deviation_rigid: FloatArray
    expected: DoubleArray
    regions: tuple[Defect, ...]
    deviation_range: tuple[float, float]


def measure(
    scan: PointTree,
    moves: DoubleArray,
    surface: Surface,
    again: Moves,
    direction: DoubleArray | None = None,
    oriented: Oriented | None = None,
) -> Measured:
    """scan: (n, 3) points aligned with a normal surface; moves: (n, 3), their displacements into its mean shape.

    again: recomputes the moves without the departures, if these are large enough to have affected them. direction: (3,)
    viewing direction of a single-view scan; then only what was visible can be missing. oriented: the scan with outward
    normals, if computed before.
    """

    @cache
    def all_sides() -> DoubleArray:
        return scan_sides(scan, direction)

    def sides(some: IntArray) -> DoubleArray:
        return all_sides()[some] if oriented is None else sure_sides(oriented.facing(scan.points[some]))

    found = _measured(scan, moves, surface, sides, direction)
    misleading = [region for region in found.regions if _misleads(region, found.layout)]
    normal = np.ones(len(scan), bool)
    for region in misleading:
        normal[region.members] = False
    if not misleading or normal.mean() < MEASURING.enough:
        return found
    return _measured(scan, again(normal), surface, sides, direction)


def _misleads(region: Region, layout: Layout) -> bool:
    return abs(region.depth) > MEASURING.misleading * layout.noise and region.area > MEASURING.wide * float(
        layout.ground.area.sum()
    )


def _measured(
    scan: PointTree,
    moves: DoubleArray,
    surface: Surface,
    sides: Sides,
    direction: DoubleArray | None,
) -> Measured:
    back = interpolate(moves, scan.points + moves, surface.points)
    expected = Surface(surface.points - back, surface.normals)
    ground = ground_of(expected)
    settled = None if direction is None else settled_from(ground.places, ground.normals, direction)
    deviation = signed_deviation(scan.points, expected, sides)
    layout = lay_out(scan, deviation, ground, settled)
    regions = describe(scan, deviation, layout, grow(layout), sides)
    return Measured(scan, moves, expected, deviation, layout, regions)


def in_scan(
    measured: Measured, placement: Placement, scan: Scan, point_scores: FloatArray, beside: NDArray[np.int32]
) -> Lengths:
    """The same at all evaluated points of the scan, in its own coordinates and unit.

    point_scores: (n,) in the scan's order, NaN where not evaluated. beside: (n,) the measured point nearest to each.
    """
    judged = ~np.isnan(point_scores)
    factor = placement.frame.radius / placement.unit
    everywhere = np.full((2, len(scan)), np.nan, np.float32)
    for start in range(0, len(scan), CHUNK):  # ten million points at once would take a gigabyte
        some = start + np.flatnonzero(judged[start : start + CHUNK])
        aligned, below = placement.enter(scan.points[some]), beside[some].astype(np.int64)
        values, normals = deviation_at(aligned, below, measured.deviation, measured.expected)
        drift = np.einsum("ij,ij->i", measured.moves[below], normals)
        everywhere[:, some] = factor * values, factor * (values - drift)
    expected = placement.leave(measured.expected.points)
    regions = [_defect(region, measured, placement, judged, beside, point_scores) for region in measured.regions]
    lowest, highest = deviation_range(measured)
    return Lengths(everywhere[0], everywhere[1], expected, tuple(regions), (factor * lowest, factor * highest))


def deviation_range(measured: Measured) -> tuple[float, float]:
    """Lowest and highest deviation from the mean shape, in radii, over neighbourhoods."""
    rigid = neighbourhood_means(measured.deviation.rigid(measured.moves), measured.scan)
    gone = [region.depth for region in measured.regions if region.kind == "missing material"]
    return min([float(rigid.min()), *gone]), float(rigid.max())


def _defect(
    region: Region,
    measured: Measured,
    placement: Placement,
    judged: BoolArray,
    beside: NDArray[np.int32],
    point_scores: FloatArray,
) -> Defect:
    inside = np.zeros(len(measured.scan), bool)
    inside[region.members] = True
    members = np.flatnonzero(inside[beside] & judged)
    factor = placement.frame.radius / placement.unit
    ground = measured.layout.ground
    return Defect(
        centroid=placement.leave(region.centroid[None])[0],
        extent=np.ptp(placement.leave(ground.places[region.places]), axis=0),
        peak=float(point_scores[members].max(initial=0.0)),
        area=factor**2 * region.area,
        members=members,
        kind=region.kind,
        depth=factor * region.depth,
        depth_mean=factor * region.depth_mean,
        size=factor * region.size,
        axes=region.axes @ placement.pose.rotation,
        place=place_words(region.centroid, ground.normals[region.places].mean(axis=0), ground.places),
    )
