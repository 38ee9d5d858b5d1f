"""Tells whether the scans of one folder show two kinds of part: a model would learn both as one, and pass either."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from sedir_core.datasets.samples import Dataset, Finding, Sample
from sedir_core.errors import UserError
from sedir_core.geometry.sampling import random_subset
from sedir_core.runtime import generator
from sedir_core.types import BoolArray, DoubleArray

N_PAIRS = 8_000
QUANTILES = np.linspace(0.02, 0.98, 33)
LEAST_EACH = 2  # scans of a kind: a single one may be merely bad
APART = 2.0  # times farther from each other than the scans of either kind among themselves
LEAST_APART = 0.03  # of the mean distance of two points
MOST_READ = 24  # training scans of a category that are checked before a training from the command line


def distance_quantiles(points: DoubleArray) -> DoubleArray:
    """(q,) quantiles of the distances between random points (n, 3), relative to their mean.

    The same in any pose, unit and density. Source: D2 of Osada et al. 2002.
    """
    some = points[random_subset(len(points), N_PAIRS, generator("kinds"))]
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, len(some), (2, 4 * N_PAIRS))
    distances = np.linalg.norm(some[one] - some[other], axis=1)
    return np.asarray(np.quantile(distances, QUANTILES) / max(float(distances.mean()), 1e-300))


def second_kind(signatures: Sequence[DoubleArray]) -> BoolArray | None:
    """(n,) which scans show another kind of part than the first one; None if all may be of one kind."""
    if len(signatures) < 2 * LEAST_EACH:
        return None
    apart = pdist(np.stack(signatures), "chebyshev")
    groups = fcluster(linkage(apart, "complete"), 2, "maxclust")
    second = np.asarray(groups != groups[0])
    if not LEAST_EACH <= second.sum() <= len(second) - LEAST_EACH:
        return None
    table = squareform(apart)
    between = float(table[np.ix_(second, ~second)].min())
    within = max(float(table[np.ix_(own, own)].max()) for own in (second, ~second))
    return second if between > max(APART * within, LEAST_APART) else None


def two_kinds(category: str, signed: Sequence[tuple[Sample, DoubleArray]]) -> list[Finding]:
    """A finding if the training scans, with their signatures, show two kinds of part."""
    second = second_kind([signature for _, signature in signed])
    if second is None:
        return []
    names = [sample.path.name for sample, _ in signed]
    other = int(second.argmax())
    what = (
        f"seems to show two kinds of part, or one scanned in two ways: {int((~second).sum())} scans like {names[0]}, "
        f"{int(second.sum())} like {names[other]}"
    )
    return [Finding(category, None, what, "put each kind into a folder of its own")]


def look_for_two_kinds(dataset: Dataset) -> list[Finding]:
    """The same for every category, by some of its training scans; unreadable ones are skipped."""
    findings = []
    for name in dataset.categories:
        samples = dataset.train(name)
        signed = []
        for sample in samples[:: -(-len(samples) // MOST_READ) or 1]:
            try:
                scan = sample.read()
            except UserError:  # reported by the training
                continue
            signed.append((sample, distance_quantiles(scan.points[scan.finite])))
        findings += two_kinds(name, signed)
    return findings
