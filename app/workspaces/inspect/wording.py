"""How numbers and verdicts are put into words, the same in list, panel and card."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from app.state.entries import Entry, State
from app.widgets.numbers import on_screen
from sedir_core import units
from sedir_core.evidence.wording import area_words, measure_text, of_limit, percent
from sedir_core.types import VERDICT_WORDS, Defect, Detection, DoubleArray, Scan
from sedir_core.units import UNKNOWN, symbol

STATE_WORDS = {
    State.WAITING: "waiting",
    State.RUNNING: "inspecting…",
    State.STOPPED: "stopped",
    State.FAILED: "failed",
}


def limit_share(detection: Detection) -> float | None:
    """The score as a share of the limit, or None where the limit is no positive number to divide by."""
    return detection.object_score / detection.threshold if detection.threshold > 0 else None


def score_text(detection: Detection) -> str:
    """`142 % of the limit`."""
    share = limit_share(detection)
    return f"{detection.object_score:.3g} (limit {detection.threshold:.3g})" if share is None else of_limit(share)


def share_text(detection: Detection) -> str:
    """`142 %`, or the score itself where there is no limit to measure it by."""
    share = limit_share(detection)
    return f"{detection.object_score:.3g}" if share is None else percent(share)


def state_text(entry: Entry) -> str:
    """Verdict and score in one line, or why there is none yet."""
    if entry.state is State.FAILED and entry.failure is not None:
        return entry.failure.what
    if entry.state is not State.DONE or entry.detection is None:
        return STATE_WORDS.get(entry.state, "")
    word = "" if entry.verdict is None else VERDICT_WORDS[entry.verdict]
    return f"{word} · {score_text(entry.detection)}" + (" · reviewed" if entry.review else "")


def entry_text(entry: Entry) -> str:
    """All that the list knows of a scan, one fact a line."""
    lines = [state_text(entry)]
    if entry.failure is not None and entry.failure.hint:
        lines.append(sentence(entry.failure.hint))
    if entry.detection is not None:
        lines += [category_text(entry.detection), sentence(entry.detection.reason)]
    if entry.review_comment:
        lines.append(f"“{entry.review_comment}”")
    return "\n".join(line for line in lines if line)


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = on_screen(text.strip())
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "…", "!", "?")) else ".")


def category_text(detection: Detection) -> str:
    """`flange · 97 % sure`, and where only one side was seen, that."""
    side = " · one side seen" if detection.from_one_side else ""
    return f"{detection.category or 'unknown'} · {percent(detection.category_confidence)} sure{side}"


def number(value: float, like: float | None = None) -> str:
    """Three digits without an exponent: `1 230`, `12.3`, `−0.0123`. like: take as many decimals as this one has."""
    return on_screen(units.number(value, like)).replace("-", "−")


def length_text(length: float, unit: str, like: float | None = None) -> str:
    """`12.3 mm`, or `12.3` where the unit is not known."""
    return f"{number(length, like)} {symbol(unit)}".rstrip()


def area_text(area: float, unit: str) -> str:
    """`114 mm²`, or `114` where the unit is not known."""
    return f"{number(area)} {symbol(unit)}²" if symbol(unit) else number(area)


@dataclass(frozen=True)
class LengthWording:
    """Tells lengths in the scan's coordinates in the unit that people know. factor: from the one to the other.

    unit: as it is written; empty where nobody knows it.
    """

    factor: float = 1.0
    unit: str = ""

    def text(self, length: float, like: float | None = None) -> str:
        """`12.3 mm`. like: another length in the scan's coordinates, to be as exact as."""
        return length_text(self.factor * length, self.unit, None if like is None else self.factor * like)

    def signed(self, length: float, like: float | None = None) -> str:
        """`+0.42 mm`, `−0.42 mm`."""
        return ("+" if length > 0 else "") + self.text(length, like)

    def bare(self, length: float, like: float | None = None) -> str:
        """The number alone."""
        return length_text(self.factor * length, "", None if like is None else self.factor * like)

    def area(self, area: float) -> str:
        """`114 mm²`."""
        return area_text(self.factor**2 * area, self.unit)

    def size(self, extent: DoubleArray) -> str:
        """`12.3 × 0.8 × 0.4 mm`; the decimals are those of the longest side."""
        sides = " × ".join(self.bare(float(value), float(extent.max())) for value in extent)
        return f"{sides} {symbol(self.unit)}".rstrip()


def lengths_of(detection: Detection | None, unit: str) -> LengthWording:
    """In the model's unit where it has one, else as the file has them, called what the user calls them."""
    if detection is None or detection.unit == UNKNOWN:
        return LengthWording(1.0, unit)
    return LengthWording(detection.to_unit, detection.unit)


@dataclass(frozen=True)
class DefectWords:
    """A defect as its card says it: its number, what it is in pieces, and its measures in pieces."""

    rank: str
    title: tuple[str, ...]
    below: tuple[str, ...]


def defect_words(rank: int, defect: Defect, detection: Detection, unit: str) -> DefectWords:
    """Kind, depth, area, size and place as far as they are known; else how far it is over the limit."""
    lengths = lengths_of(detection, unit)
    size = lengths.size(defect.extent if defect.size is None else defect.size)
    area = area_words(lengths.factor**2 * defect.area, lengths.unit)
    if defect.kind is None:
        return DefectWords(str(rank), (peak_text(defect, detection),), (area, size))
    title = (defect.kind.capitalize(), *_measured(defect, lengths))
    return DefectWords(str(rank), title, (area, size, *([defect.place] if defect.place else [])))


def _measured(defect: Defect, lengths: LengthWording) -> tuple[str, ...]:
    """`0.42 mm deep`; nothing where it is not known."""
    return tuple(filter(None, (measure_text(defect, lengths.text),)))


def callout_text(defect: Defect, detection: Detection, unit: str) -> str:
    """What is written beside a defect's number in the 3D views."""
    if defect.kind is None:
        return _peak(defect, detection, percent)
    return ", ".join((defect.kind, *_measured(defect, lengths_of(detection, unit))))


def place_text(defect: Defect) -> str:
    """`12.3, -4.0, 0.5`, in the scan's own coordinates: as exact as the defect is large, wherever the origin is."""
    return ", ".join(number(value, float(defect.extent.max())) for value in defect.centroid)


def defect_text(rank: int, defect: Defect, detection: Detection, unit: str) -> str:
    """All of a defect in one line."""
    words = defect_words(rank, defect, detection, unit)
    peak = () if defect.kind is None else (f"peak {peak_text(defect, detection)}",)
    pieces = (*words.title, *words.below, *peak, f"at {place_text(defect)}")
    return f"defect {rank}: " + ", ".join(pieces).lower()


def deviation_text(detection: Detection, unit: str) -> str:
    """`−0.31 to +0.12 mm`: the lowest and the highest deviation; empty where none was measured."""
    ends = detection.deviation_range
    if any(map(math.isnan, ends)):
        return ""
    lengths = lengths_of(detection, unit)
    like = max(map(abs, ends))
    low, high = (("+" if end > 0 else "") + lengths.bare(end, like) for end in ends)
    return f"{low} to {high} {symbol(lengths.unit)}".rstrip()


def compared_text(entry: Entry, unit: str) -> str:
    """Name, score and deviation of one of two scans that stand beside each other."""
    found = entry.detection
    parts = [entry.path.stem if entry.scan is None else entry.scan.name]
    if found is not None:
        parts += [score_text(found), deviation_text(found, unit)]
    return " · ".join(part for part in parts if part)


def peak_text(defect: Defect, detection: Detection) -> str:
    """`194 % of the point limit`: the defect's highest point score."""
    return _peak(defect, detection, lambda share: of_limit(share, "the point limit"))


def _peak(defect: Defect, detection: Detection, words: Callable[[float], str]) -> str:
    limit = detection.point_threshold
    return words(defect.peak / limit) if limit > 0 else f"{defect.peak:.3g}"


def rests_text(detection: Detection) -> str:
    """`Rests on the network (80 %) and the surface (20 %)`; empty where there is one kind of evidence."""
    shares = sorted(detection.rests_on.items(), key=lambda item: -item[1])
    named = [(name, percent(share)) for name, share in shares if share >= 0.005]
    if len(named) == 1:
        return f"Rests on the {named[0][0]} alone"
    return "Rests on " + " and ".join(f"the {name} ({share})" for name, share in named) if named else ""


def summary(scan: Scan, detection: Detection, unit: str = "") -> str:
    """The whole result as plain text: one fact a line, then one defect a line."""
    word = VERDICT_WORDS[detection.verdict]
    lines = [
        f"{scan.name}: {word}, {score_text(detection)}",
        f"part: {category_text(detection)}",
        f"reason: {detection.reason}",
    ]
    lines += [defect_text(rank, defect, detection, unit) for rank, defect in enumerate(detection.defects, 1)]
    return "\n".join(lines)
