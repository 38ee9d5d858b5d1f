"""Scores of what is said of a part as a whole, which no place of it explains: its size, and what is absent."""

from __future__ import annotations

from collections.abc import Mapping

from sedir_core.evidence.combination import Evidence, NormalStatistics, object_score
from sedir_core.evidence.judge import OF_THE_WHOLE
from sedir_core.types import DoubleArray


def scores_of_whole(
    statistics: NormalStatistics, evidence: Evidence, standardised: Mapping[str, DoubleArray]
) -> dict[str, float]:
    """By channel, what a scan would score by it alone; empty for a rule without such channels.

    standardised: the scan's channels that count, see `NormalStatistics.standardise`.
    """
    if not statistics.peaks:
        return {}
    leniency = 1 + statistics.strangeness(evidence).untold
    names = [name for name in OF_THE_WHOLE if name in standardised]
    return {name: object_score({name: standardised[name]}, peaks=statistics.peaks) / leniency for name in names}
