"""One scan between its comparison and its detection: what is said of some of its points is said of all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sedir_core.evidence.combination import Strangeness
from sedir_core.evidence.comparison import Compared
from sedir_core.evidence.identify import Identified
from sedir_core.evidence.verdict import ScoredScan
from sedir_core.geometry.neighbours import interpolate_in, reach_in
from sedir_core.geometry.tree import PointTree
from sedir_core.models.sedir import Rebuilt
from sedir_core.types import BoolArray, Detection, DoubleArray, FloatArray, IntArray, Scan

AT_ONCE = 1 << 18  # points: what is picked of ten million would take as much as the scan


@dataclass(frozen=True)
class EvaluatedScan:
    """A scan with all that was found of it, before anything is judged.

    working: (n,) indices of those points that were compared. strangeness: see `NormalStatistics.strangeness`.
    """

    scan: Scan
    found: Identified
    working: IntArray
    rebuilt: Rebuilt
    compared: Compared
    strangeness: Strangeness

    @cached_property
    def own(self) -> BoolArray:
        """(n,) which of the points are usable, and of the part."""
        found = np.zeros(len(self.scan), bool)
        found[self.found.own(self.scan, np.flatnonzero(self.scan.finite))] = True
        return found

    @cached_property
    def _tree(self) -> PointTree:
        return PointTree(self.scan.points[self.working])

    @cached_property
    def _reach(self) -> float:
        return reach_in(self._tree)

    def everywhere(self, scores: DoubleArray) -> FloatArray:
        """From the compared points, (n,), to all of the scan, in its order; NaN for strays and what is not the part."""
        return self.everywhere_beside(scores)[0]

    def everywhere_beside(self, scores: DoubleArray) -> tuple[FloatArray, NDArray[np.int32]]:
        """The same, and which of the points that the evidence is of is next to each point of the scan."""
        values, beside = np.full(len(self.scan), np.nan, np.float32), np.zeros(len(self.scan), np.int32)
        there, rest = self.compared.beside(), self.own.copy()
        kept = rest[self.working]  # the compared points themselves need no search
        some, rest[self.working] = self.working[kept], False
        values[some], beside[some] = scores[kept], there[kept]
        for start in range(0, len(rest), AT_ONCE):
            others = start + np.flatnonzero(rest[start : start + AT_ONCE])
            values[others], nearest = interpolate_in(self._tree, scores, self.scan.points[others], within=self._reach)
            beside[others] = there[nearest]
        return values, beside

    def otherwise(self, detection: Detection, judged: ScoredScan) -> Detection:
        """Its detection, judged in another way, without defects and reasons."""
        return replace(
            detection,
            point_scores=self.everywhere(judged.point_scores),
            object_score=judged.score,
            threshold=judged.threshold,
            point_threshold=judged.point_threshold,
            rests_on=judged.rests_on,
            reason="",
            defects=(),
        )
