"""Assigns clusters of high scores to described regions, and describes those that belong to none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedir_core.evidence.report_numbers import DESCRIPTION, NAMING
from sedir_core.geometry.registration import principal_axes
from sedir_core.geometry.robust import sigma
from sedir_core.types import Defect, DefectKind, DoubleArray, FloatArray, Scan

MOST_OF_AXES = 200_000  # points that say how a cluster lies: of ten million they would take a gigabyte


def named_by_regions(
    scan: Scan, clusters: Sequence[Defect], regions: Sequence[Defect], deviation: FloatArray
) -> tuple[Defect, ...]:
    """The regions that clusters touch, and the clusters that touch none, highest peak first.

    deviation: (n,) from the expected surface, NaN where not evaluated. Several clusters in one region are one defect: a
    broken tooth is visible on all its flanks.
    """
    peaks: dict[int, float] = {}
    loose: list[Defect] = []
    noise = _noise(deviation)
    for cluster in clusters:
        touched = _touched(len(deviation), cluster, regions)
        for index in touched:
            peaks[index] = max(peaks.get(index, 0.0), regions[index].peak, cluster.peak if index == touched[0] else 0.0)
        if not touched:
            loose.append(_described(scan, cluster, deviation, noise))
    named = [replace(regions[index], peak=peak) for index, peak in peaks.items()]
    return tuple(sorted([*named, *loose], key=lambda defect: -defect.peak))


def _touched(n_points: int, cluster: Defect, regions: Sequence[Defect]) -> list[int]:
    """The largest region that shares points with the cluster, then others that are more than its fringe."""
    hot = np.zeros(n_points, bool)
    hot[cluster.members] = True
    shared = {i: int(hot[region.members].sum()) for i, region in enumerate(regions)}
    found = sorted((i for i, count in shared.items() if count), key=lambda i: -_volume(regions[i]))
    return [
        i
        for i in found
        if i == found[0]
        or (
            _volume(regions[i]) > NAMING.comparable * _volume(regions[found[0]])
            and shared[i] > NAMING.touched * regions[i].n_points
        )
    ]


def _volume(region: Defect) -> float:
    return region.area * abs(region.depth)


def _noise(deviation: FloatArray) -> float:
    known = deviation[~np.isnan(deviation)]
    return sigma(known) if len(known) else 0.0


def _described(scan: Scan, cluster: Defect, deviation: FloatArray, noise: float) -> Defect:
    """Description from its own points. If they lie as expected, something between them must be missing."""
    points = scan.points[cluster.members]
    values = deviation[cluster.members].astype(np.float64)
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return cluster
    mean = float(values.mean())
    ranked = np.sort(values if mean > 0 else -values)
    deepest = float(
        ranked[-max(min(DESCRIPTION.least, len(ranked)), round(DESCRIPTION.deepest * len(ranked))) :].mean()
    )
    kind: DefectKind = "bump" if mean > 0 else "dent"
    if deepest < NAMING.flat * noise:
        kind = "gap or crack"
    axes = principal_axes(points[:: max(1, len(points) // MOST_OF_AXES)]).T
    return replace(
        cluster,
        kind=kind,
        depth=deepest if mean > 0 and kind != "gap or crack" else -deepest,
        depth_mean=mean,
        size=_extents(points, axes),
        axes=axes,
    )


def _extents(points: DoubleArray, axes: DoubleArray) -> DoubleArray:
    return np.array([np.ptp(points @ axis) for axis in axes])
