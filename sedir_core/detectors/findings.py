"""From point scores to what an operator reads: clusters with place and size, and one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedir_core.geometry.neighbours import clusters, typical_spacing
from sedir_core.types import Defect, FloatArray, Scan

SMALLEST_SHARE = 0.0005  # of the points: smaller clusters are specks of noise
MOST_POINTS = 50_000  # clusters of a very dense scan are found on a subset and then filled
REACH = 3.0  # spacings: points closer than this belong to one defect


def find_defects(scan: Scan, point_scores: FloatArray, point_threshold: float) -> tuple[Defect, ...]:
    """Connected clusters of points above the threshold, the highest peak first.

    point_scores: (n,) in the scan's order, NaN where not evaluated.
    """
    hot = np.flatnonzero(point_scores > point_threshold)
    if len(hot) == 0:
        return ()
    stride = max(1, len(hot) // MOST_POINTS)
    spacing = typical_spacing(scan.points[scan.finite])
    members = hot[::stride]
    labels = clusters(scan.points[members], REACH * spacing * np.sqrt(stride))
    least = max(3, int(SMALLEST_SHARE * len(scan)))
    found = []
    for label in np.unique(labels):
        own = members[labels == label]
        if len(own) * stride >= least:
            found.append(_defect(scan, point_scores, own, len(own) * stride * spacing**2))
    return tuple(sorted(found, key=lambda defect: -defect.peak))


def _defect(scan: Scan, point_scores: FloatArray, members: np.ndarray, area: float) -> Defect:
    points = scan.points[members]
    return Defect(
        centroid=points.mean(axis=0),
        extent=np.ptp(points, axis=0),
        peak=float(point_scores[members].max()),
        area=float(area),
        members=members.astype(np.int64),
    )


def verdict_reason(score: float, threshold: float, defects: Sequence[Defect]) -> str:
    """Why the verdict is what it is, in one sentence."""
    share = f"{score / threshold:.0%} of the limit"
    if score <= threshold:
        return f"nothing above the limit ({share})"
    if not defects:
        return f"departs from normal as a whole ({share})"
    count = "one defect" if len(defects) == 1 else f"{len(defects)} defects"
    return f"{count}, {share}"
