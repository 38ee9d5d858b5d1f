"""An aligned scan beside what is expected of its category: both kinds of evidence on the same points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sedir_core.evidence.category import View
from sedir_core.evidence.channels import TOKEN
from sedir_core.evidence.combination import Evidence
from sedir_core.evidence.implicit_fields import implicit_fields
from sedir_core.evidence.network_surface import NetworkSurface
from sedir_core.evidence.normal_surface import Departure, NormalSurface
from sedir_core.evidence.stages import VIEW_POINTS
from sedir_core.evidence.tokens import centres_of, cut_groups
from sedir_core.geometry.neighbours import Shares, interpolate
from sedir_core.geometry.overlap import Oriented
from sedir_core.geometry.sampling import random_subset
from sedir_core.geometry.tree import PointTree
from sedir_core.models.sedir import Tokens
from sedir_core.runtime import generator
from sedir_core.types import BoolArray, DoubleArray, IntArray

NETWORK_POINTS = 80_000  # of a whole scan, whose distances the network says
SURFACE_POINTS = 20_000  # a whole scan is resampled to this many for the comparison with the surface


@dataclass(frozen=True)
class Compared:
    """An aligned scan, (n, 3), its tokens with their residuals (N,), and what both kinds of evidence show of it.

    few: those of its points, (m, 3), that the evidence is of. cut: (N,) tokens of groups that the end of what was
    scanned cuts.
    """

    aligned: DoubleArray
    few: PointTree
    tokens: Tokens
    cut: BoolArray
    residuals: DoubleArray
    departure: Departure
    evidence: Evidence

    def with_residuals(self, residuals: DoubleArray) -> Compared:
        """The same scan, its tokens' residuals (N,) by another network."""
        centres = centres_of(self.tokens)
        at_points = np.full(len(self.few), np.nan)
        if not self.cut.all():
            nearest = PointTree(centres).nearest(self.few.points)[1]
            told = ~self.cut[nearest]
            at_points[told] = interpolate(residuals[~self.cut], centres[~self.cut], self.few.points[told])
        evidence = replace(self.evidence, channels={**self.evidence.channels, TOKEN: at_points})
        return replace(self, residuals=residuals, evidence=evidence)

    def at_aligned(self, values: DoubleArray) -> DoubleArray:
        """(n,) at all aligned points what is said, (m,), at those that the evidence is of."""
        return values if self._all else self._shares(values)

    def beside(self) -> NDArray[np.int32]:
        """(n,) which of those points is next to each of the aligned ones."""
        return np.arange(len(self.few), dtype=np.int32) if self._all else self._shares.indices[:, 0]

    @cached_property
    def _shares(self) -> Shares:
        return Shares.of(self.few, self.aligned)

    @property
    def _all(self) -> bool:
        return len(self.few) == len(self.aligned)


@dataclass(frozen=True)
class Departed:
    """An aligned scan beside the normal surface of its category; no network has seen it.

    picked: (m,) which of its aligned points, (n, 3), the evidence is of; few: these. every: all points of it, (k, 3).
    """

    aligned: DoubleArray
    view: View | None
    picked: IntArray
    few: PointTree
    every: DoubleArray
    departure: Departure

    def compared(
        self, normal: NormalSurface, tokens: Tokens, residuals: DoubleArray, expected: NetworkSurface | None = None
    ) -> Compared:
        """With what the network says: its tokens (N residuals), and the surface that it expects."""
        departure, channels, few = self.departure, self.departure.channels, self.few.points
        if expected is not None and self.view is None:
            judged = self.every[~departure.other_face][:NETWORK_POINTS]
            channels = channels | implicit_fields(expected, normal, judged, few, departure.own)
        shown = Evidence(departure.places, channels, self.view is not None, self.picked, departure.around)
        cut = cut_groups(self.few, centres_of(tokens))
        compared = Compared(self.aligned, self.few, tokens, cut, residuals, departure, shown)
        return compared.with_residuals(residuals)


def depart(
    normal: NormalSurface,
    aligned: DoubleArray,
    view: View | None = None,
    every: DoubleArray | None = None,
    scan: Oriented | None = None,
) -> Departed:
    """The evidence of the surface alone. every: (m, 3) all points of the scan, aligned; by default those (n, 3) that
    are compared. scan: see `NormalSurface.depart`."""
    most = SURFACE_POINTS if view is None else round(VIEW_POINTS * view.share)
    picked = random_subset(len(aligned), most, generator(0, "surface"))
    few = aligned[picked]
    departure = normal.depart(few, None if view is None else view.direction, every, scan)
    return Departed(aligned, view, picked, PointTree(few), few if every is None else every, departure)


def compare(
    normal: NormalSurface,
    aligned: DoubleArray,
    tokens: Tokens,
    residuals: DoubleArray,
    view: View | None = None,
    every: DoubleArray | None = None,
    scan: Oriented | None = None,
    expected: NetworkSurface | None = None,
) -> Compared:
    """Both kinds of evidence on the same points, see `depart` and `Departed.compared`."""
    return depart(normal, aligned, view, every, scan).compared(normal, tokens, residuals, expected)
