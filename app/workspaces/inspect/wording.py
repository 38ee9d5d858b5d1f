"""How numbers and verdicts are put into words, the same in list, panel and table."""

from __future__ import annotations

import math

from app.entries import Entry, State
from sedir_core.types import Defect, Detection, DoubleArray, Scan

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
    """`142 % of limit`."""
    share = limit_share(detection)
    return (
        f"{detection.object_score:.3g} (limit {detection.threshold:.3g})"
        if share is None
        else f"{percent(share)} of limit"
    )


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
    word = "Uncertain" if entry.detection.uncertain and entry.review is None else (entry.verdict or "").upper()
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
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "…", "!", "?")) else ".")


def margin_text(detection: Detection) -> str:
    """`42 % over the limit`, `13 % below the limit`."""
    share = limit_share(detection)
    if share is None:
        gap = detection.object_score - detection.threshold
        return f"{abs(gap):.3g} {'over' if gap > 0 else 'below'} the limit"
    return f"{percent(abs(share - 1))} {'over' if share > 1 else 'below'} the limit"


def category_text(detection: Detection) -> str:
    """`flange · 97 % sure`, and where only one side was seen, that."""
    side = " · one side seen" if detection.from_one_side else ""
    return f"{detection.category or 'unknown'} · {percent(detection.category_confidence)} sure{side}"


def percent(share: float) -> str:
    """Whole per cents up to 1000; `> 999 %` beyond."""
    return "> 999 %" if share >= 9.995 else f"{100 * share:.0f} %"


def number(value: float, like: float | None = None) -> str:
    """Three digits without an exponent: `1,230`, `12.3`, `0.0123`. like: take as many decimals as this one has."""
    size = abs(value if like is None else like)
    if size == 0 or not math.isfinite(size):
        return f"{value:.3g}"
    decimals = 2 - math.floor(math.log10(size))
    return f"{value:.2e}" if decimals > 8 else f"{value:,.{max(decimals, 0)}f}"


def length_text(length: float, unit: str, like: float | None = None) -> str:
    """`12.3 mm`, or `12.3` where the unit is not known."""
    return f"{number(length, like)} {unit}".rstrip().replace("-", "−")


def area_text(area: float, unit: str) -> str:
    """`114 mm²`, or `114` where the unit is not known."""
    return f"{number(area)} {unit}²" if unit else number(area)


def size_text(extent: DoubleArray) -> str:
    """`12.3 × 0.8 × 0.4`, in the scan's units; the decimals are those of the longest side."""
    return " × ".join(number(value, float(extent.max())) for value in extent)


def place_text(defect: Defect) -> str:
    """`12.3, -4.0, 0.5`, in the scan's units: as exact as the defect is large, wherever the origin is."""
    return ", ".join(number(value, float(defect.extent.max())) for value in defect.centroid)


def defect_text(rank: int, defect: Defect, detection: Detection) -> str:
    """All of a defect in one line."""
    return (
        f"defect {rank}: peak {peak_text(defect, detection)}, area {number(defect.area)}, "
        f"extent {size_text(defect.extent)}, at {place_text(defect)}"
    )


def peak_text(defect: Defect, detection: Detection) -> str:
    """The defect's highest point score as a share of the point limit."""
    limit = detection.point_threshold
    return percent(defect.peak / limit) if limit > 0 else f"{defect.peak:.3g}"


def summary(scan: Scan, detection: Detection) -> str:
    """The whole result as plain text: one fact a line, then one defect a line."""
    word = "uncertain" if detection.uncertain else detection.verdict.upper()
    lines = [
        f"{scan.name}: {word}, {score_text(detection)} ({margin_text(detection)})",
        f"part: {category_text(detection)}",
        f"reason: {detection.reason}",
    ]
    lines += [defect_text(rank, defect, detection) for rank, defect in enumerate(detection.defects, 1)]
    return "\n".join(lines)
