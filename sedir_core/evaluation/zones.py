"""Transfers regions defined on one good scan to every other scan of that category.

A model fits the same expected surface to each scan, with point correspondence, which maps places between scans in any
pose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sedir_core.detectors.base import Detector
from sedir_core.errors import BadConfig, BadRun
from sedir_core.evaluation.inspection import Inspected, Refused
from sedir_core.evaluation.left_out import leave_out
from sedir_core.evaluation.zone_file import PartTolerance
from sedir_core.evidence.tolerance import under_tolerance
from sedir_core.geometry.registration import point_step
from sedir_core.geometry.tree import PointTree
from sedir_core.io.scans import read_scan
from sedir_core.types import Detection, DoubleArray, Report, Scan, Stop, Zone, ZonePlace, never_stop, no_report

N_NEAR = 32
"""Points of the expected surface that determine a region's local motion."""


@dataclass(frozen=True, eq=False)
class PartReference:
    """A part's regions and the model's expected surface for its reference scan.

    expected: (m, 3) in that scan's coordinates; `to_unit` converts them to the model's unit.
    """

    part: PartTolerance
    category: str
    expected: DoubleArray
    to_unit: float

    def judge(self, scan: Scan, found: Detection) -> Detection:
        """Re-evaluate a detection of that category with these regions and their tolerances. Raises BadConfig."""
        elsewhere = found.tolerance if self.part.elsewhere is None else self.part.elsewhere
        zones = self.zones_on(found)
        kept = leave_out(scan, found, zones)
        zones = tuple(replace(zone, tolerance=elsewhere) if zone.use == "only" else zone for zone in zones)
        if elsewhere is None and all(zone.tolerance is None for zone in zones):
            return replace(kept, zones=under_tolerance(scan, kept, None, zones).zones)  # nothing to be said of them
        return under_tolerance(scan, kept, elsewhere, zones)

    def zones_on(self, found: Detection) -> tuple[Zone, ...]:
        """The regions in the coordinates of a detection's scan. Raises BadConfig."""
        if not self.part.zones:
            return ()
        if found.expected is None or len(found.expected) != len(self.expected):
            what = "the model does not fit the same surface to this scan as to the reference"
            raise BadConfig(self.part.reference, what, "inspect with a SeDiR model that knows this part")
        moved = _Motion(self.to_unit * self.expected, found.to_unit * found.expected)
        return tuple(replace(zone, place=self._moved(zone.place, moved, found.to_unit)) for zone in self.part.zones)

    def _moved(self, place: ZonePlace | None, motion: _Motion, to_unit: float) -> ZonePlace:
        assert place is not None
        centre = motion.carry(self.to_unit * place.centre) / to_unit
        half, axes = place.half * self.to_unit / to_unit, place.axes @ motion.turn.T
        return replace(place, centre=centre, half=half, axes=axes)


class _Motion:
    """Maps places near one fitted surface (m, 3) to the corresponding places near another, (m, 3)."""

    def __init__(self, source: DoubleArray, target: DoubleArray) -> None:
        turns, shifts = point_step(source[None], (target - source)[None], np.ones((1, len(source))))
        self.turn, self._shift = turns[0], shifts[0]
        self._tree, self._left = PointTree(source), target - (source @ self.turn.T + self._shift)

    def carry(self, place: DoubleArray) -> DoubleArray:
        """(3,) to (3,), moved with the surrounding surface."""
        near = self._tree.nearest_k(place[None], min(N_NEAR, len(self._left)))[1][0]
        return np.asarray(self.turn @ place + self._shift + self._left[near].mean(axis=0))


def inspect_reference(
    detector: Detector, part: PartTolerance, category: str = "auto", report: Report = no_report, stop: Stop = never_stop
) -> PartReference:
    """Inspect the reference scan. Raises what reading and detection raise, BadRun without an expected surface.

    category: of the part, where it is known; then a tolerance of the whole part needs no look at the scan.
    """
    if category != "auto" and not part.zones:
        return PartReference(part, category, np.empty((0, 3)), 1.0)
    found = detector.detect(read_scan(part.reference), category, report, stop)
    if found.expected is None:
        what = "has no expected surface, so regions cannot be transferred"
        raise BadRun(detector.method, what, "use a model of method sedir")
    return PartReference(part, found.category, found.expected, found.to_unit)


class ByZone:
    """Re-evaluates detections under the tolerances of their category; others are unchanged."""

    def __init__(self, detector: Detector, parts: Sequence[PartTolerance], category: str = "auto") -> None:
        """Raises what `inspect_reference` raises, and BadConfig for two files of the same category."""
        self._known: dict[str, PartReference] = {}
        for part in parts:
            reference = inspect_reference(detector, part, category)
            if reference.category in self._known:
                what = f"a second file with tolerances of {reference.category}"
                raise BadConfig(part.reference, what, "merge its regions into the first")
            self._known[reference.category] = reference

    def __call__(self, outcome: Inspected | Refused) -> Inspected | Refused:
        reference = self._known.get(outcome.detection.category) if isinstance(outcome, Inspected) else None
        if reference is None or not isinstance(outcome, Inspected):
            return outcome
        return replace(outcome, detection=reference.judge(outcome.scan, outcome.detection))
