"""A tolerance in the part's unit, beside the learned limit: a part is OK only if both hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sedir_core.errors import BadConfig
from sedir_core.evidence.defects import clusters_above, find_defects, verdict_reason
from sedir_core.evidence.deviation import neighbourhood_means
from sedir_core.evidence.naming import named_by_regions
from sedir_core.evidence.wording import deviation_text
from sedir_core.tolerances import tolerance_text
from sedir_core.types import Defect, Detection, DoubleArray, FloatArray, Scan, Tolerance

MOST_SHARE = 1e6
"""Of what is allowed; where nothing is, any deviation would be infinitely many times as much."""


def under_tolerance(scan: Scan, found: Detection, tolerance: Tolerance | None) -> Detection:
    """The same detection judged by this tolerance, too; None lifts it.

    Raises BadConfig where the detector expects no surface, so that there are no lengths to judge.
    """
    if tolerance is not None and found.deviation is None:
        raise BadConfig(
            "tolerance", "this model has no expected surface to measure from", "use a model of method sedir"
        )
    plain = replace(found, tolerance=tolerance, reason=found.reason.replace(_said(found), "", 1))
    judged = replace(plain, defects=defects_of(scan, plain))
    return replace(judged, reason=reason_anew(plain, judged) + _said(judged))


def defects_of(scan: Scan, found: Detection) -> tuple[Defect, ...]:
    """What the limits of a detection make defects: what scores above the learned one, then what is out of tolerance."""
    condemned = found.object_score > found.threshold
    limit = found.point_threshold
    scored = find_defects(scan, found.point_scores, limit, condemned, found.regions, found.deviation)
    if not found.out_of_tolerance:
        return scored
    return (*scored, *_beyond(scan, found, scored))


def reason_anew(before: Detection, now: Detection) -> str:
    """The reason of `before` with what it says of limit and defects said of `now`; all else stays."""
    said = verdict_reason(before.object_score, before.threshold, before.defects)
    if before.uncertain or not before.reason.startswith(said):
        return before.reason
    return verdict_reason(now.object_score, now.threshold, now.defects) + before.reason.removeprefix(said)


def _beyond(scan: Scan, found: Detection, listed: tuple[Defect, ...]) -> list[Defect]:
    """Regions and clusters of points out of tolerance that are not listed yet, the farthest first."""
    assert found.tolerance is not None and found.deviation is not None and found.deviation_rigid is not None
    lengths = found.to_unit * found.deviation_rigid.astype(np.float64)
    known = np.flatnonzero(~np.isnan(lengths))
    lengths[known] = neighbourhood_means(lengths[known], scan.points[known])
    clusters = clusters_above(scan, _shares(lengths, found.tolerance), 1.0)
    far = [region for region in found.regions if not _within(region, found)]
    beyond: list[Defect] = []
    for one in (*named_by_regions(scan, clusters, found.regions, found.deviation), *far):
        if not any(_same(one, other) for other in (*listed, *beyond)):
            scores = found.point_scores[one.members]
            beyond.append(replace(one, peak=float(np.nanmax(scores, initial=0.0))))
    return sorted(beyond, key=lambda defect: -abs(defect.depth))


def _within(region: Defect, found: Detection) -> bool:
    depth = found.to_unit * region.depth
    return found.tolerance is None or found.tolerance.holds(min(depth, 0.0), max(depth, 0.0))


def _shares(lengths: DoubleArray, tolerance: Tolerance) -> FloatArray:
    """(n,) deviations as shares of what is allowed on their side, which may be nothing."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        shares = np.abs(lengths) / np.where(lengths > 0, tolerance.plus, np.abs(tolerance.minus))
    shares = np.where(lengths == 0, 0.0, np.minimum(shares, MOST_SHARE))
    return shares.astype(np.float32)


def _same(one: Defect, other: Defect) -> bool:
    return one.area == other.area and bool(np.array_equal(one.centroid, other.centroid))


def _said(found: Detection) -> str:
    """What the tolerance adds to the reason."""
    if found.tolerance is None:
        return ""
    allowed = tolerance_text(found.tolerance, found.unit)
    if not found.out_of_tolerance:
        return f"; within the tolerance of {allowed}"
    low, high = (found.to_unit * end for end in found.deviation_range)
    ends = [end for end in (low, high) if not found.tolerance.minus <= end <= found.tolerance.plus]
    return f"; out of the tolerance of {allowed}: " + " and ".join(deviation_text(end, found.unit) for end in ends)
