"""Text for past inspections, shared by table, details and charts."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePath

from sedir_core.evidence.wording import percent
from sedir_core.history.records import Inspection, Override
from sedir_core.types import VERDICT_WORDS


def when_text(when: datetime) -> str:
    """`2026-03-02 14:05`, in local time."""
    return f"{when.astimezone():%Y-%m-%d  %H:%M}"


def score_text(one: Inspection, words: Callable[[float], str] = percent) -> str:
    """`142 %`, or the score itself where there is no limit to divide by. words: for the share of the limit."""
    share = one.share
    return f"{one.score:.3g}" if share is None or math.isnan(share) else words(share)


def verdict_text(one: Inspection) -> str:
    """`NG`, `Uncertain`, or `OK · by hand` after a review."""
    if one.review is not None:
        return f"{one.review.upper()} · by hand"
    return VERDICT_WORDS[one.verdict]


def file_name(one: Inspection) -> str:
    """File name, also of paths from another operating system."""
    return PurePath(one.path.replace("\\", "/")).name


def folder(one: Inspection) -> str:
    """The folder the scan was read from."""
    return str(PurePath(one.path.replace("\\", "/")).parent)


def override_text(line: Override) -> str:
    """`2026-03-02 14:05 · anna: OK (the model said NG). Dust on the flange.`"""
    word = f"set to {line.verdict.upper()}" if line.verdict else "back to the model's verdict"
    limit = "" if line.limit_share == 1 else f" at {100 * line.limit_share:.0f} % of the calibrated limit"
    said = f", the model said {VERDICT_WORDS[line.model_verdict]}{limit}" if line.verdict else ""
    comment = f"\n“{line.comment}”" if line.comment else ""
    return f"{when_text(line.time)} · {line.operator or 'nobody named'}\n{word}{said}{comment}"


def size_text(n_bytes: int) -> str:
    """`1.2 GB`, `340 MB`."""
    if n_bytes >= 995_000_000:
        return f"{n_bytes / 1e9:.1f} GB"
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes >= 995_000 else f"{n_bytes / 1e3:.0f} kB"
