"""One scan between its comparison and its detection: what is said of some of its points is said of all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sedir_core.evidence.comparison import Compared
from sedir_core.evidence.identify import Identified
from sedir_core.evidence.verdict import Judged
from sedir_core.geometry.neighbours import interpolate, surface_reach
from sedir_core.models.sedir import Rebuilt
from sedir_core.types import Detection, DoubleArray, FloatArray, IntArray, Scan


@dataclass(frozen=True)
class Examined:
    """A scan with all that was found of it, before anything is judged.

    working: (n,) indices of those points that were compared.
    """

    scan: Scan
    found: Identified
    working: IntArray
    rebuilt: Rebuilt
    compared: Compared

    @cached_property
    def own(self) -> IntArray:
        """(m,) indices of the usable points that are of the part."""
        return self.found.own(self.scan, np.flatnonzero(self.scan.finite))

    @cached_property
    def _reach(self) -> float:
        return surface_reach(self.scan.points[self.working])

    def everywhere(self, scores: DoubleArray) -> FloatArray:
        """From the compared points, (n,), to all of the scan, in its order; NaN for strays and what is not the part."""
        points, values = self.scan.points, np.full(len(self.scan), np.nan, dtype=np.float32)
        values[self.own] = interpolate(scores, points[self.working], points[self.own], within=self._reach)
        return values

    def otherwise(self, detection: Detection, judged: Judged) -> Detection:
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
