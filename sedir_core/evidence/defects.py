"""From point scores to what an operator reads: clusters with position and size, and one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedir_core.evidence.naming import named_by_regions
from sedir_core.evidence.report_numbers import REPORT
from sedir_core.evidence.wording import of_limit
from sedir_core.geometry.neighbours import clusters, typical_spacing
from sedir_core.geometry.sampling import selected
from sedir_core.types import BoolArray, Defect, FloatArray, IntArray, Scan

_TINY = 1e-300


def find_defects(
    scan: Scan,
    point_scores: FloatArray,
    point_threshold: float,
    condemned: bool = True,
    regions: Sequence[Defect] = (),
    deviation: FloatArray | None = None,
) -> tuple[Defect, ...]:
    """Connected clusters of points above the threshold, the highest peak first.

    point_scores: (n,) in the scan's order, NaN where not evaluated. condemned: the scan is NG, so if no cluster reaches
    the threshold, the hottest place is reported: an operator must see why. A scan that is not NG has no defects.
    regions: described departures from the expected surface; clusters within one of them are replaced by it, whatever
    the threshold. deviation: (n,) from that surface; it describes clusters outside all regions.
    """
    if not condemned:
        return ()
    found = clusters_above(scan, point_scores, point_threshold)
    if not found:
        found = clusters_above(scan, point_scores, _below_the_hottest(point_scores, point_threshold))[:1]
    if deviation is None:
        return found
    return named_by_regions(scan, found, regions, deviation)


def limit_that_shows(scan: Scan, point_scores: FloatArray, limit: float, condemned: bool) -> float:
    """The limit for point scores, (n,), that agrees with the scan's verdict.

    A verdict depends on the largest departure in one channel, point scores on several channels together, and each has
    its own limit. Verdict, list and colours must agree: if no point of an NG scan reaches the point limit, it is
    lowered so that the hottest shows; if a point of any other scan exceeds it, it is raised to the hottest.
    """
    if bool(clusters_above(scan, point_scores, limit)) == condemned:
        return limit
    hottest = float(np.nanmax(point_scores))
    return _below_the_hottest(point_scores, limit) if condemned else hottest if np.isfinite(hottest) else limit


def _below_the_hottest(point_scores: FloatArray, limit: float) -> float:
    return min(limit, REPORT.hottest * float(np.nanmax(point_scores)))


def clusters_above(scan: Scan, point_scores: FloatArray, level: float) -> tuple[Defect, ...]:
    """Connected clusters of points whose score, (n,), is above the level, the highest peak first."""
    hot = np.flatnonzero(point_scores > level)
    if len(hot) == 0:
        return ()
    spacing, n_evaluated, size = _spread(scan, ~np.isnan(point_scores))
    # Points that lie many times in one place have no spacing; any reach above rounding will do for them.
    labels = clusters(scan.points, max(REPORT.reach * spacing, 1e-9 * size, _TINY), hot)
    order = np.argsort(labels, kind="stable")
    members = np.split(hot[order], np.flatnonzero(np.diff(labels[order])) + 1)
    least = max(3, int(REPORT.smallest_share * n_evaluated))
    found = [_defect(scan, point_scores, own, spacing) for own in members if len(own) >= least]
    return tuple(sorted(found, key=lambda defect: -defect.peak))


def _spread(scan: Scan, evaluated: BoolArray) -> tuple[float, int, float]:
    """Spacing, number and extent of the evaluated points, (n,)."""
    points = selected(scan.points, evaluated)
    return typical_spacing(points), len(points), float(np.ptp(points))


def _defect(scan: Scan, point_scores: FloatArray, members: IntArray, spacing: float) -> Defect:
    points = scan.points[members]
    return Defect(
        centroid=points.mean(axis=0),
        extent=np.ptp(points, axis=0),
        peak=float(point_scores[members].max()),
        area=len(members) * spacing**2,
        members=members,
    )


def verdict_reason(score: float, threshold: float, defects: Sequence[Defect]) -> str:
    """The reason for the verdict, in one sentence."""
    share = of_limit(score / threshold)
    if score <= threshold:
        return f"nothing above the limit ({share})"
    if not defects:
        return f"departs from normal as a whole ({share})"
    count = "one defect" if len(defects) == 1 else f"{len(defects)} defects"
    return f"{count}, {share}"
