"""Text for numbers and verdicts, shared by list, panel and cards."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from app.state.entries import Entry, State
from app.widgets.numbers import on_screen
from sedir_core import units
from sedir_core.evidence.wording import area_words, measure_text, of_limit, percent
from sedir_core.names import printable
from sedir_core.types import VERDICT_WORDS, Defect, Detection, DoubleArray, Scan
from sedir_core.units import UNKNOWN, symbol

STATE_WORDS = {
    State.WAITING: "waiting",
    State.RUNNING: "inspecting…",
    State.STOPPED: "stopped",
    State.FAILED: "failed",
}

STAGE_WORDS = {
    "align": "finding the kind of part and how it lies",
    "tokens": "describing its shape",
    "rebuild": "rebuilding it as a good part",
    "compare": "comparing it with good parts",
    "report": "measuring defects",
}
"""What a detector does, by the name under which its time is reported."""


def limit_share(detection: Detection) -> float | None:
    """The score as a share of the limit, or None if the limit is not positive."""
    return detection.object_score / detection.threshold if detection.threshold > 0 else None


def score_text(detection: Detection) -> str:
    """`142 % of the limit`."""
    share = limit_share(detection)
    return f"{detection.object_score:.3g} (limit {detection.threshold:.3g})" if share is None else of_limit(share)


def share_text(detection: Detection) -> str:
    """`142 %`, or the score itself without a usable limit."""
    share = limit_share(detection)
    return f"{detection.object_score:.3g}" if share is None else percent(share)


def state_text(entry: Entry) -> str:
    """Verdict and score in one line, or the processing state."""
    if entry.state is State.FAILED and entry.failure is not None:
        return entry.failure.what
    if entry.state is not State.DONE or entry.detection is None:
        return STATE_WORDS.get(entry.state, "")
    word = "" if entry.verdict is None else VERDICT_WORDS[entry.verdict]
    return f"{word} · {score_text(entry.detection)}" + (" · reviewed" if entry.review else "")


def entry_text(entry: Entry) -> str:
    """Everything the list knows about a scan, one fact per line."""
    lines = [state_text(entry)]
    if entry.failure is not None and entry.failure.hint:
        lines.append(sentence(entry.failure.hint))
    if entry.detection is not None:
        lines += [category_text(entry.detection), sentence(entry.detection.reason)]
    if entry.review_comment:
        lines.append(f"“{entry.review_comment}”")
    return "\n".join(line for line in lines if line)


def sentence(text: str) -> str:
    """Add a capital and a full stop."""
    text = on_screen(text.strip())
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "…", "!", "?")) else ".")


def category_text(detection: Detection) -> str:
    """`flange · 97 % sure`, with a note for single views."""
    side = " · one side seen" if detection.from_one_side else ""
    return f"{detection.category or 'unknown'} · {percent(detection.category_confidence)} sure{side}"


def number(value: float, like: float | None = None) -> str:
    """Three significant digits without exponent: `1 230`, `12.3`, `−0.0123`. like: use this number's decimals."""
    return on_screen(units.number(value, like)).replace("-", "−")


def length_text(length: float, unit: str, like: float | None = None) -> str:
    """`12.3 mm`, or `12.3` without a known unit."""
    return f"{number(length, like)} {symbol(unit)}".rstrip()


def area_text(area: float, unit: str) -> str:
    """`114 mm²`, or `114` without a known unit."""
    return f"{number(area)} {symbol(unit)}²" if symbol(unit) else number(area)


@dataclass(frozen=True)
class LengthWording:
    """Formats lengths in scan coordinates in the display unit. factor: from scan coordinates to that unit.

    unit: its symbol; empty if unknown.
    """

    factor: float = 1.0
    unit: str = ""

    def text(self, length: float, like: float | None = None) -> str:
        """`12.3 mm`. like: another length in scan coordinates, whose precision to use."""
        return length_text(self.factor * length, self.unit, None if like is None else self.factor * like)

    def signed(self, length: float, like: float | None = None) -> str:
        """`+0.42 mm`, `−0.42 mm`."""
        return ("+" if length > 0 else "") + self.text(length, like)

    def bare(self, length: float, like: float | None = None) -> str:
        """The number without unit."""
        return length_text(self.factor * length, "", None if like is None else self.factor * like)

    def area(self, area: float) -> str:
        """`114 mm²`."""
        return area_text(self.factor**2 * area, self.unit)

    def size(self, extent: DoubleArray) -> str:
        """`12.3 × 0.8 × 0.4 mm`; the decimals are those of the longest side."""
        sides = " × ".join(self.bare(float(value), float(extent.max())) for value in extent)
        return f"{sides} {symbol(self.unit)}".rstrip()


def lengths_of(detection: Detection | None, unit: str) -> LengthWording:
    """In the model's unit if it has one, otherwise in the file's, named by the user."""
    if detection is None or detection.unit == UNKNOWN:
        return LengthWording(1.0, unit)
    return LengthWording(detection.to_unit, detection.unit)


@dataclass(frozen=True)
class DefectWords:
    """Text of a defect's card: number, title pieces and measurement pieces."""

    rank: str
    title: tuple[str, ...]
    below: tuple[str, ...]


def defect_words(rank: int, defect: Defect, detection: Detection, unit: str) -> DefectWords:
    """Kind, depth, area, size and place if known; otherwise the peak over the limit."""
    lengths = lengths_of(detection, unit)
    size = lengths.size(defect.extent if defect.size is None else defect.size)
    area = area_words(lengths.factor**2 * defect.area, lengths.unit)
    if defect.kind is None:
        return DefectWords(str(rank), (peak_text(defect, detection),), (area, size))
    title = (defect.kind.capitalize(), *_measured(defect, lengths))
    return DefectWords(str(rank), title, (area, size, *([defect.place] if defect.place else [])))


def _measured(defect: Defect, lengths: LengthWording) -> tuple[str, ...]:
    """`0.42 mm deep`; empty if unknown."""
    return tuple(filter(None, (measure_text(defect, lengths.text),)))


def callout_text(defect: Defect, detection: Detection, unit: str) -> str:
    """Text after a defect's number in the 3D views."""
    if defect.kind is None:
        return _peak(defect, detection, percent)
    return ", ".join((defect.kind, *_measured(defect, lengths_of(detection, unit))))


def place_text(defect: Defect) -> str:
    """`12.3, -4.0, 0.5` in scan coordinates, to a precision that suits the defect's size, wherever the origin is."""
    return ", ".join(number(value, float(defect.extent.max())) for value in defect.centroid)


def defect_text(rank: int, defect: Defect, detection: Detection, unit: str) -> str:
    """A defect in one line."""
    words = defect_words(rank, defect, detection, unit)
    peak = () if defect.kind is None else (f"peak {peak_text(defect, detection)}",)
    pieces = (*words.title, *words.below, *peak, f"at {place_text(defect)}")
    return f"defect {rank}: " + ", ".join(pieces).lower()


def local_means_text(detection: Detection, unit: str) -> str:
    """`local means −0.31 to +0.12 mm`: lowest and highest deviation as tolerances judge them; empty if not measured."""
    ends = detection.deviation_range
    if any(map(math.isnan, ends)):
        return ""
    lengths = lengths_of(detection, unit)
    like = max(map(abs, ends))
    low, high = (("+" if end > 0 else "") + lengths.bare(end, like) for end in ends)
    return f"local means {low} to {high} {symbol(lengths.unit)}".rstrip()


def compared_text(entry: Entry, unit: str, other: Entry | None = None) -> str:
    """Name, score and deviation of one of two compared scans, and by how much its score differs from the other's."""
    found = entry.detection
    parts = [entry.stem if entry.scan is None else printable(entry.scan.name)]
    if found is not None:
        parts += [share_text(found) + _difference(found, other), local_means_text(found, unit)]
    return " · ".join(part for part in parts if part)


def _difference(found: Detection, other: Entry | None) -> str:
    """` (+397)`: how many points of a per cent its score is above the other's."""
    if other is None or other.detection is None or other.detection is found:
        return ""
    shares = [limit_share(one) for one in (found, other.detection)]
    if shares[0] is None or shares[1] is None:
        return ""
    return f" ({100 * (shares[0] - shares[1]):+.0f})".replace("-", "−")


def peak_text(defect: Defect, detection: Detection) -> str:
    """`194 % of the point limit`: the defect's highest point score."""
    return _peak(defect, detection, lambda share: of_limit(share, "the point limit"))


def _peak(defect: Defect, detection: Detection, words: Callable[[float], str]) -> str:
    limit = detection.point_threshold
    return words(defect.peak / limit) if limit > 0 else f"{defect.peak:.3g}"


def rests_text(detection: Detection) -> str:
    """`Rests on the network (80 %) and the surface (20 %)`; empty if there is only one kind of evidence."""
    shares = sorted(detection.rests_on.items(), key=lambda item: -item[1])
    named = [(name, percent(share)) for name, share in shares if share >= 0.005]
    if len(named) == 1:
        return f"Rests on the {named[0][0]} alone"
    return "Rests on " + " and ".join(f"the {name} ({share})" for name, share in named) if named else ""


def summary(scan: Scan, detection: Detection, unit: str = "") -> str:
    """The whole result as plain text: one fact per line, then one defect per line."""
    word = VERDICT_WORDS[detection.verdict]
    lines = [
        f"{scan.name}: {word}, {score_text(detection)}",
        f"part: {category_text(detection)}",
        f"reason: {detection.reason}",
    ]
    lines += [defect_text(rank, defect, detection, unit) for rank, defect in enumerate(detection.defects, 1)]
    return "\n".join(lines)
