"""Text of reports: numbers, defects, and reviews."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sedir_core.evidence.wording import defect_sentence, percent
from sedir_core.types import VERDICT_WORDS, Decision, Defect, Detection, Verdict, Zone
from sedir_core.units import area_text, length_text, number


def place(values: Sequence[float]) -> str:
    """Three coordinates or lengths with significant digits."""
    largest = max((abs(value) for value in values), default=0.0)
    digits = 1 if largest >= 100 else 2 if largest >= 1 else 4
    return ", ".join(f"{value:.{digits}f}" for value in values)


def sentence(text: str) -> str:
    """Add a capital and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "!", "?")) else ".")


@dataclass(frozen=True)
class Line:
    """A defect as a sentence, and its numbers separately."""

    sentence: str
    kind: str
    depth: str
    area: str
    size: str
    peak: str
    place: str


@dataclass(frozen=True)
class Review:
    """An operator's review. by: may be empty. model: the model's verdict."""

    verdict: Decision | None = None
    by: str = ""
    comment: str = ""
    model: Verdict | None = None

    def of_model(self, verdict: Verdict) -> Review:
        """The review together with the model's verdict."""
        return replace(self, model=verdict)

    @property
    def overrules(self) -> bool:
        """Whether it differs from the model's verdict."""
        return self.verdict is not None and self.verdict != self.model

    @property
    def words(self) -> str:
        """`Set to OK by Ada; the model said NG: “a stain”`; empty without a review."""
        by = self.by or "the operator"
        reason = f": “{self.comment}”" if self.comment else ""
        if self.verdict is None or self.model is None:
            return f"Comment by {by}{reason}" if self.comment else ""
        if self.overrules:
            without = "" if self.comment else "; no reason was given"
            return f"Set to {VERDICT_WORDS[self.verdict]} by {by}, the model said {VERDICT_WORDS[self.model]}" + (
                reason or without
            )
        return f"{VERDICT_WORDS[self.verdict]} confirmed by {by}{reason}"


def defect_lines(found: Detection, factor: float, unit: str) -> tuple[Line, ...]:
    """Every defect as in the window. factor: from the scan's own unit to `unit`, a symbol."""
    return tuple(_line(defect, found, factor, unit) for defect in found.defects)


def measured_words(found: Detection, factor: float, unit: str) -> tuple[str, ...]:
    """Sentences on deviation and tolerance."""
    low, high = found.deviation_range
    if math.isnan(low) or math.isnan(high):
        return ()
    if found.zones:
        return tuple(_zone_words(zone, found, factor, unit) for zone in found.zones)
    whole = Zone("", found.tolerance, None, low, high)
    return (_zone_words(whole, found, factor, unit),)


def _zone_words(zone: Zone, found: Detection, factor: float, unit: str) -> str:
    """`Sealing face: local mean deviation −0.12 to +0.03 mm, out of the tolerance of −0.05 to +0.05 mm.`"""
    where = f"{zone.name}: " if zone.name else "Outside the regions: " if found.zones else ""
    if zone.use == "ignore":
        return sentence(f"{where}not evaluated, as chosen")
    if math.isnan(zone.lowest) or math.isnan(zone.highest):
        return sentence(f"{where}not measured")
    like = max(abs(zone.lowest), abs(zone.highest)) * factor
    span = f"{_signed(factor * zone.lowest, like)} to {_signed(factor * zone.highest, like)} {unit}".rstrip()
    if zone.tolerance is None:
        return sentence(f"{where}local mean deviation {span}; no tolerance was set")
    ends = (zone.tolerance.minus, zone.tolerance.plus)
    band = " to ".join(f"{_plus(end)}{end:g}".replace("-", "−") for end in ends) + f" {unit}".rstrip()
    verdict = "out of" if zone.out(found.to_unit) else "within"
    return sentence(f"{where}local mean deviation {span}, {verdict} the tolerance of {band}")


def _line(defect: Defect, found: Detection, factor: float, unit: str) -> Line:
    sides = defect.extent if defect.size is None else defect.size
    limit = found.point_threshold
    return Line(
        defect_sentence(defect, found, unit),
        defect.kind or "departure",
        "" if math.isnan(defect.depth) else _plus(defect.depth) + length_text(factor * defect.depth, ""),
        area_text(factor**2 * defect.area, ""),
        " × ".join(number(factor * float(side), factor * float(sides.max())) for side in sides),
        percent(defect.peak / limit) if limit > 0 else f"{defect.peak:.3g}",
        place([float(value) for value in defect.centroid]).replace("-", "−"),
    )


def _signed(length: float, like: float) -> str:
    return _plus(length) + number(length, like).replace("-", "−")


def _plus(length: float) -> str:
    return "+" if length > 0 else ""
