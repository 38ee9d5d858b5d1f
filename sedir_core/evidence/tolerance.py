"""A tolerance in the part's unit, in addition to the learned limit: a part is OK only if both hold.

It may differ from region to region (`types.Zone`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedir_core.errors import BadConfig
from sedir_core.evidence.defects import clusters_above, find_defects, verdict_reason
from sedir_core.evidence.deviation import neighbourhood_means
from sedir_core.evidence.limits import MOST_SHARE
from sedir_core.evidence.naming import named_by_regions
from sedir_core.evidence.report_numbers import REPORT
from sedir_core.evidence.wording import deviation_text
from sedir_core.geometry.tree import PointTree
from sedir_core.tolerances import tolerance_text
from sedir_core.types import Defect, Detection, DoubleArray, FloatArray, IntArray, Scan, Tolerance, Zone


def under_tolerance(scan: Scan, found: Detection, tolerance: Tolerance | None, zones: Sequence[Zone] = ()) -> Detection:
    """The same detection, also judged by this tolerance; None removes it.

    zones: regions with their own tolerances, in the scan's coordinates; `tolerance` then applies elsewhere. Raises
    BadConfig if the detector has no expected surface, and therefore no lengths to judge.
    """
    if (tolerance is not None or zones) and found.deviation is None:
        raise BadConfig(
            "tolerance", "this model has no expected surface to measure from", "use a model of method sedir"
        )
    plain = replace(found, tolerance=tolerance, zones=(), reason=found.reason.replace(_said(found), "", 1))
    if zones:
        plain = replace(plain, zones=_measured(scan, plain, (*zones, Zone("", tolerance, None))))
    judged = replace(plain, defects=defects_of(scan, plain))
    return replace(judged, reason=reason_anew(plain, judged) + _said(judged))


def defects_of(scan: Scan, found: Detection) -> tuple[Defect, ...]:
    """Defects by a detection's limits: points that score above the learned one, then points out of tolerance."""
    condemned = found.object_score > found.threshold
    limit = found.point_threshold
    scored = find_defects(scan, found.point_scores, limit, condemned, found.regions, found.deviation)
    if not found.out_of_tolerance:
        return scored
    return (*scored, *_beyond(scan, found, scored))


def reason_anew(before: Detection, now: Detection) -> str:
    """The reason of `before`, with limit and defects replaced by those of `now`; the rest is kept."""
    said = verdict_reason(before.object_score, before.threshold, before.defects)
    if before.uncertain or not before.reason.startswith(said):
        return before.reason
    return verdict_reason(now.object_score, now.threshold, now.defects) + before.reason.removeprefix(said)


def _measured(scan: Scan, found: Detection, zones: Sequence[Zone]) -> tuple[Zone, ...]:
    """The zones with the scan's deviation in each."""
    known, means = mean_deviations(scan, found)
    at = _zone_of(zones, scan.points[known])
    gone = [region for region in found.regions if region.kind == "missing material"]
    gone_at = [int(_zone_of(zones, region.centroid[None])[0]) for region in gone]
    measured = []
    for index, zone in enumerate(zones):
        own = means[at == index].tolist() + [
            gap.depth for gap, where in zip(gone, gone_at, strict=True) if where == index
        ]
        measured.append(replace(zone, lowest=min(own), highest=max(own)) if own else zone)
    return tuple(measured)


def mean_deviations(scan: Scan, found: Detection) -> tuple[IntArray, DoubleArray]:
    """The points (k,) whose deviation is known, and its neighbourhood mean, (k,), in the scan's unit."""
    assert found.deviation_rigid is not None
    known = np.flatnonzero(~np.isnan(found.deviation_rigid))
    return known, neighbourhood_means(found.deviation_rigid[known].astype(np.float64), PointTree(scan.points[known]))


def _zone_of(zones: Sequence[Zone], places: DoubleArray) -> IntArray:
    """(k,) the zone of each place (k, 3): the first that contains it, otherwise the last."""
    at = np.full(len(places), len(zones) - 1)
    for index in reversed(range(len(zones) - 1)):
        place = zones[index].place
        if place is not None:
            at[place.holds(places)] = index
    return at


def _allowed(found: Detection, places: DoubleArray) -> DoubleArray:
    """(2, k) lowest and highest deviation allowed at these places (k, 3), in the model's unit."""
    tolerances = [zone.tolerance for zone in found.zones] if found.zones else [found.tolerance]
    ends = [(-np.inf, np.inf) if one is None else (one.minus, one.plus) for one in tolerances]
    at = _zone_of(found.zones, places) if found.zones else np.zeros(len(places), np.int64)
    return np.asarray(np.array(ends)[at].T)


def _beyond(scan: Scan, found: Detection, listed: tuple[Defect, ...]) -> list[Defect]:
    """Regions and clusters of points out of tolerance that are not yet listed, largest excess first."""
    assert found.deviation is not None
    known, means = mean_deviations(scan, found)
    shares = np.full(len(scan), np.nan, np.float32)
    shares[known] = _shares(found.to_unit * means, *_allowed(found, scan.points[known]))
    clusters = clusters_above(scan, shares, 1.0)
    far = [region for region in found.regions if not _within(region, found)]
    beyond: list[Defect] = []
    for one in (*named_by_regions(scan, clusters, found.regions, found.deviation), *far):
        if not any(_same(one, other) for other in (*listed, *beyond)):
            scores = found.point_scores[one.members]
            beyond.append(replace(one, peak=float(np.nanmax(scores, initial=0.0))))
    return sorted(beyond, key=lambda defect: -abs(defect.depth))


def _within(region: Defect, found: Detection) -> bool:
    lowest, highest = _allowed(found, region.centroid[None])[:, 0]
    return bool(lowest <= found.to_unit * region.depth <= highest)


def _shares(lengths: DoubleArray, lowest: DoubleArray, highest: DoubleArray) -> FloatArray:
    """(n,) deviations as shares of the allowed one on their side, which may be zero."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shares = np.abs(lengths) / np.where(lengths > 0, highest, np.abs(lowest))
    shares = np.where(lengths == 0, 0.0, np.minimum(shares, MOST_SHARE))
    return shares.astype(np.float32)


def _same(one: Defect, other: Defect) -> bool:
    """Whether two defects are the same: equal, or mostly of the same points, as outlines differ between limits."""
    if one.area == other.area and np.array_equal(one.centroid, other.centroid):
        return True
    shared = len(np.intersect1d(one.members, other.members))
    return shared > REPORT.same_defect * min(one.n_points, other.n_points)


def _said(found: Detection) -> str:
    """The tolerance's part of the reason."""
    if found.zones:
        return _said_by_zone(found)
    if found.tolerance is None:
        return ""
    allowed = tolerance_text(found.tolerance, found.unit)
    if not found.out_of_tolerance:
        return f"; within the tolerance of {allowed}"
    return f"; out of the tolerance of {allowed}: {_ends_out(found, found.tolerance, *found.deviation_range)}"


def _said_by_zone(found: Detection) -> str:
    failed = [zone for zone in found.zones if zone.out(found.to_unit)]
    if not failed:
        n_judged = sum(zone.tolerance is not None for zone in found.zones if zone.name)
        elsewhere = (
            "" if found.tolerance is None else f" and within {tolerance_text(found.tolerance, found.unit)} elsewhere"
        )
        regions = "the region" if n_judged == 1 else f"all {n_judged} regions"
        return f"; within the tolerance of {regions}{elsewhere}"
    said = []
    for zone in failed:
        assert zone.tolerance is not None
        where = f"in {zone.name}" if zone.name else "outside the regions"
        ends = _ends_out(found, zone.tolerance, zone.lowest, zone.highest)
        said.append(f"{where} ({tolerance_text(zone.tolerance, found.unit)}): {ends}")
    return "; out of tolerance " + ", ".join(said)


def _ends_out(found: Detection, tolerance: Tolerance, lowest: float, highest: float) -> str:
    """The ends of a range, in the scan's unit, that exceed that tolerance; on one side, the farther end."""
    both = (found.to_unit * lowest, found.to_unit * highest)
    ends = [end for end in both if not tolerance.minus <= end <= tolerance.plus]
    if len(ends) == 2 and ends[0] * ends[1] > 0:
        ends = [max(ends, key=abs)]
    return " and ".join(deviation_text(end, found.unit) for end in ends) + " as a local mean"
