"""Which parts of its surface a category's training scans show: where a scan is judged, and what it must not lack.

All of this is our choice [O].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from sedir_core.evidence.fields import FIELDS, Places
from sedir_core.evidence.numbers import COVERAGE
from sedir_core.geometry.neighbours import typical_spacing
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray

ABSENT = "absent"
ABSENT_UNIT = 0.01  # of the surface that every training scan shows: less than that lies in anything's shadow


@dataclass(frozen=True)
class Coverage:
    """Flags of places (p,). confirmed: a scan is judged there. always: every training scan shows them."""

    confirmed: BoolArray
    always: BoolArray

    @staticmethod
    def of(places: DoubleArray, scans: Sequence[DoubleArray]) -> Coverage:
        """places: (p, 3). scans: each (n, 3), in the same frame."""
        near = [PointTree(scan).nearest(places)[0] < COVERAGE.shown * typical_spacing(scan) for scan in scans]
        showing = np.sum(near, axis=0)
        return Coverage(
            showing >= (COVERAGE.confirming if len(scans) > COVERAGE.confirming else 1), showing == len(scans)
        )

    @property
    def complete(self) -> bool:
        """Whether good scans show the whole part, so that every gap is evidence of a defect."""
        return float(self.always.mean()) >= COVERAGE.complete

    def thinned(self, step: int) -> Coverage:
        """The same for every n-th place."""
        return Coverage(self.confirmed[::step], self.always[::step])


def largest_absent(scan: PointTree, places: Places, always: BoolArray) -> float:
    """The largest region that every training scan shows but this scan lacks, as a share of all that they show.

    always: (p,) places that they show. Occasional shadows are small or in pieces; what is broken off, or was never
    scanned, is one region.
    """
    if not always.any():
        return 0.0
    empty = scan.nearest(places.points)[0] > COVERAGE.beyond * places.spacing
    around = places.sums[FIELDS[-1]]
    share = (around @ empty.astype(float)) / np.maximum(np.asarray(around.sum(axis=1)).ravel(), 1)
    absent = np.flatnonzero(empty & always & (share > COVERAGE.nearly_all))
    if len(absent) == 0:
        return 0.0
    first, second = PointTree(places.points[absent]).pairs_within(COVERAGE.linked * places.spacing).T
    links = csr_matrix((np.ones(len(first), bool), (first, second)), shape=(len(absent),) * 2)
    return float(np.bincount(connected_components(links, directed=False)[1]).max() / always.sum())


def words_of_absence(share: float) -> str:
    """The remark for the operator."""
    return f"{100 * share:.0f} % of what all good scans show is missing in one piece"
