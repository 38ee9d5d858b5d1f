"""Compares an aligned scan with its category: both kinds of evidence, on the same points."""

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
from sedir_core.evidence.normal_surface import Company, Departure, NormalSurface
from sedir_core.evidence.numbers import RESOLUTION
from sedir_core.evidence.tokens import centres_of, cut_groups
from sedir_core.geometry.neighbours import Shares, interpolate
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.sampling import random_subset
from sedir_core.geometry.tree import PointTree
from sedir_core.models.sedir import Tokens
from sedir_core.runtime import generator
from sedir_core.types import BoolArray, DoubleArray


@dataclass(frozen=True)
class Compared:
    """An aligned scan, (n, 3), its tokens with their residuals (N,), and both kinds of evidence.

    few: the subset of its points, (m, 3), for which there is evidence. cut: (N,) flags of tokens whose groups are cut
    off where the scan ends.
    """

    aligned: DoubleArray
    few: PointTree
    tokens: Tokens
    cut: BoolArray
    residuals: DoubleArray
    departure: Departure
    evidence: Evidence

    def with_residuals(self, residuals: DoubleArray) -> Compared:
        """The same scan with residuals (N,) of its tokens from another network."""
        centres = centres_of(self.tokens)
        at_points = np.full(len(self.few), np.nan)
        if not self.cut.all():
            nearest = PointTree(centres).nearest(self.few.points)[1]
            told = ~self.cut[nearest]
            at_points[told] = interpolate(residuals[~self.cut], centres[~self.cut], self.few.points[told])
        evidence = replace(self.evidence, channels={**self.evidence.channels, TOKEN: at_points})
        return replace(self, residuals=residuals, evidence=evidence)

    def at_aligned(self, values: DoubleArray) -> DoubleArray:
        """Values (m,) at the points with evidence, interpolated to all aligned points (n,)."""
        return values if self._all else self._shares(values)

    def beside(self) -> NDArray[np.int32]:
        """For each aligned point (n,), the index of the nearest point with evidence."""
        return np.arange(len(self.few), dtype=np.int32) if self._all else self._shares.indices[:, 0]

    @cached_property
    def _shares(self) -> Shares:
        return Shares.of(self.few, self.aligned)

    @property
    def _all(self) -> bool:
        return len(self.few) == len(self.aligned)


def compare(
    normal: NormalSurface,
    aligned: DoubleArray,
    tokens: Tokens,
    residuals: DoubleArray,
    view: View | None = None,
    every: DoubleArray | None = None,
    scan: Oriented | None = None,
    expected: NetworkSurface | None = None,
    defects: DoubleArray | None = None,
    most: int = RESOLUTION.surface_points,
    company: Company | None = None,
) -> Compared:
    """Compare an aligned scan (n, 3) with the normal surface of its category, and with what the network expects.

    tokens: N, with their residuals (N,). every: (m, 3) all points of the scan, aligned; by default those that are
    compared. scan: see `NormalSurface.depart`. expected: the surface that the network expects, for whole scans only.
    defects: (k, 3) points that look defective; the smooth difference is fitted to the rest of the scan only. most:
    points of a whole scan for which there is evidence. company: see `NormalSurface.depart`.
    """
    if view is not None:
        most = round(RESOLUTION.view_points * view.share)
    picked = random_subset(len(aligned), most, generator(0, "surface"))
    few, defective = aligned[picked], None if defects is None else PointTree(defects)
    direction = None if view is None else view.direction
    departure = normal.depart(few, direction, every, scan, _sound(few, defective), company)
    channels = departure.channels
    if expected is not None and view is None:
        judged = (few if every is None else every)[~departure.other_face][: RESOLUTION.network_points]
        sound = _sound(judged, defective)
        channels = channels | implicit_fields(expected, normal, judged, few, departure.own, sound)
    evidence = Evidence(departure.places, channels, view is not None, picked, departure.around)
    tree = PointTree(few)
    cut = cut_groups(tree, centres_of(tokens))
    return Compared(aligned, tree, tokens, cut, residuals, departure, evidence).with_residuals(residuals)


def _sound(points: DoubleArray, defects: PointTree | None) -> BoolArray | None:
    """Mask (n,) of the points (n, 3) that lie away from the defects (k, 3); None, meaning all, if it keeps too few."""
    if defects is None:
        return None
    # Searched a little farther than needed: without an end, points far from all defects would take most of the time.
    within = 1.001 * RESOLUTION.around_defects
    found: BoolArray = defects.nearest(points, within)[0] > RESOLUTION.around_defects
    return found if found.mean() > RESOLUTION.least_sound else None
