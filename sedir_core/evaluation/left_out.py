"""Leaves out of a result what the user does not want evaluated: ignored regions, or all but those of interest.

The score rests on the highest points. Without the places that are left out it falls as far as these do; what is said of
the part as a whole, such as its size, stays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedir_core.evidence.coverage import ABSENT
from sedir_core.evidence.defects import limit_that_shows
from sedir_core.evidence.peaks import peak_of
from sedir_core.evidence.tolerance import defects_of, mean_deviations, reason_anew
from sedir_core.types import BoolArray, Defect, Detection, DoubleArray, FloatArray, Scan, Zone

GONE = "missing material"
NOTHING_LEFT = "; no evaluated point lies in the regions of interest"


def leave_out(scan: Scan, found: Detection, zones: Sequence[Zone]) -> Detection:
    """The detection without the ignored zones and all that is outside the zones of interest, if there are any.

    zones: in the scan's coordinates. Such points have neither score nor deviation, like those that could not be
    evaluated. If none is left the score is NaN, so that the scan is never OK.
    """
    if all(zone.use == "tolerance" for zone in zones):
        return found
    out = _outside(scan.points, zones)
    gone = [region for region in found.regions if region.kind == GONE]
    lost = [region for region in gone if _outside(region.centroid[None], zones)[0]]
    for region in lost:  # its points are the rim around it
        out[region.members] = True
    kept_gone = [region for region in gone if not any(region is one for one in lost)]
    regions = tuple(region for region in found.regions if region.kind != GONE and not _mostly(out, region))
    scores = _without(found.point_scores, out)
    score = _score(found, scores, absent_counts=not lost or bool(kept_gone))
    kept = replace(
        found,
        point_scores=scores,
        object_score=score,
        deviation=None if found.deviation is None else _without(found.deviation, out),
        deviation_rigid=None if found.deviation_rigid is None else _without(found.deviation_rigid, out),
        regions=(*kept_gone, *regions),
    )
    n_out = int((out & found.evaluated).sum())
    said = f"; {n_out:,} points outside the evaluated regions were left out"
    if not kept.evaluated.any():
        return replace(kept, defects=(), deviation_range=(math.nan, math.nan), reason=found.reason + NOTHING_LEFT)
    limit = limit_that_shows(scan, scores, found.point_threshold, score > found.threshold)
    kept = replace(kept, point_threshold=limit, deviation_range=_range(scan, kept))
    kept = replace(kept, defects=defects_of(scan, kept))
    return replace(kept, reason=reason_anew(found, kept) + said)


def _outside(places: DoubleArray, zones: Sequence[Zone]) -> BoolArray:
    """(n,) which of these places (n, 3) are not to be evaluated."""
    only = [zone.place for zone in zones if zone.use == "only" and zone.place is not None]
    ignored = [zone.place for zone in zones if zone.use == "ignore" and zone.place is not None]
    out = np.full(len(places), bool(only))
    for place in only:
        out &= ~place.holds(places)
    for place in ignored:
        out |= place.holds(places)
    return out


def _mostly(out: BoolArray, region: Defect) -> bool:
    return len(region.members) > 0 and float(out[region.members].mean()) > 0.5


def _score(found: Detection, scores: FloatArray, absent_counts: bool) -> float:
    """The object score that the remaining point scores (n,) and the part as a whole still justify."""
    before, after = (one[~np.isnan(one)].astype(np.float64) for one in (found.point_scores, scores))
    if not len(after):
        return math.nan
    share = min(1.0, peak_of(after) / max(peak_of(before), 1e-300))
    whole = [score for name, score in found.whole.items() if absent_counts or name != ABSENT]
    return min(found.object_score, max([found.object_score * share, *whole]))


def _range(scan: Scan, found: Detection) -> tuple[float, float]:
    """See `Detection.deviation_range`."""
    if found.deviation_rigid is None:
        return found.deviation_range
    if np.isnan(found.deviation_rigid).all():
        return math.nan, math.nan
    means = mean_deviations(scan, found)[1]
    ends = [float(means.min()), float(means.max()), *(one.depth for one in found.regions if one.kind == GONE)]
    return min(ends), max(ends)


def _without(values: FloatArray, out: BoolArray) -> FloatArray:
    return np.where(out, np.float32(np.nan), values)
