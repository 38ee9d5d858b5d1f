"""How numbers and verdicts are put into words, the same in list, panel and table."""

from __future__ import annotations

from sedir_core.types import Defect, Detection, DoubleArray, Scan


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


def margin_text(detection: Detection) -> str:
    """`42 % over the limit`, `13 % below the limit`."""
    share = limit_share(detection)
    if share is None:
        gap = detection.object_score - detection.threshold
        return f"{abs(gap):.3g} {'over' if gap > 0 else 'below'} the limit"
    return f"{percent(abs(share - 1))} {'over' if share > 1 else 'below'} the limit"


def category_text(detection: Detection) -> str:
    """`flange · 97 % sure`."""
    return f"{detection.category or 'unknown'} · {percent(detection.category_confidence)} sure"


def percent(share: float) -> str:
    """Whole per cents up to 1000; `> 999 %` beyond."""
    return "> 999 %" if share >= 9.995 else f"{100 * share:.0f} %"


def size_text(extent: DoubleArray) -> str:
    """`1.2 × 0.8 × 0.4`, in the scan's units."""
    return " × ".join(f"{value:.3g}" for value in extent)


def place_text(place: DoubleArray) -> str:
    """`12.3, -4, 0.5`, in the scan's units; as many digits as a georeferenced position needs."""
    return ", ".join(f"{value:.7g}" if abs(value) >= 1e4 else f"{value:.3g}" for value in place)


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
    for number, defect in enumerate(detection.defects, 1):
        lines.append(
            f"defect {number}: peak {peak_text(defect, detection)}, area {defect.area:.3g}, "
            f"extent {size_text(defect.extent)}, at {place_text(defect.centroid)}"
        )
    return "\n".join(lines)
