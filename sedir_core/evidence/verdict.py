"""From a compared scan to scores and limits, by the chosen way of judging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sedir_core.evidence.category import Limit, Standard
from sedir_core.evidence.combination import (
    Strangeness,
    decisive_shares,
    object_score,
    paper_scores,
    point_map,
    raw_scores,
)
from sedir_core.evidence.comparison import Compared
from sedir_core.evidence.judge import OF_THE_WHOLE
from sedir_core.evidence.judging import Judging
from sedir_core.evidence.tokens import centres_of
from sedir_core.geometry.neighbours import interpolate
from sedir_core.types import DoubleArray


@dataclass(frozen=True)
class ScoredScan:
    """A score for each aligned point (n,) and for the scan, their limits, and what the latter is based on.

    of_whole: the score by each whole-part channel alone; empty if the rule has no such channels.
    """

    point_scores: DoubleArray
    score: float
    threshold: float
    point_threshold: float
    rests_on: Mapping[str, float]
    of_whole: Mapping[str, float] = field(default_factory=dict)

    @property
    def whole(self) -> tuple[str, ...]:
        """The whole-part channels that alone would make the part NG."""
        return tuple(name for name, score in self.of_whole.items() if score > self.threshold)

    @property
    def condemned(self) -> bool:
        """Whether the scan is NG."""
        return self.score > self.threshold


def judge(
    compared: Compared,
    standard: Standard,
    judging: Judging,
    standardised: Mapping[str, DoubleArray],
    strangeness: Strangeness,
) -> ScoredScan:
    """standardised: the scan's channels; strangeness: its dissimilarity to the training scans, see `NormalStatistics`.

    Rules other than `calibrated` need no channels.

    Raises KeyError if the standard keeps no limit for that way of judging.
    """
    limit = standard.limit(judging)
    if judging.rule == "calibrated":
        return _calibrated(compared, standard, limit, judging.of(standardised), strangeness.untold)
    centres = centres_of(compared.tokens)
    if judging.rule == "raw":
        token_scores, score = raw_scores(compared.residuals, centres)
    else:
        token_scores = paper_scores(compared.residuals)
        score = float(token_scores.max())
    scores = interpolate(token_scores, centres, compared.aligned)
    return ScoredScan(scores, score, limit.threshold, limit.point_threshold, {"network": 1.0, "surface": 0.0})


def coloured_by(
    again: Compared, judged: ScoredScan, standard: Standard, judging: Judging, strangeness: Strangeness
) -> ScoredScan:
    """The same verdict with point scores from a second comparison, in which defects did not influence the fit."""
    standardised = standard.statistics.standardise(again.evidence, {judging.evidence})
    return replace(judged, point_scores=judge(again, standard, judging, standardised, strangeness).point_scores)


def _calibrated(
    compared: Compared, standard: Standard, limit: Limit, standardised: Mapping[str, DoubleArray], untold: float
) -> ScoredScan:
    """standardised: the channels that count. untold: see `Strangeness`.

    A scan that lies differently from the training scans is judged more leniently the less of it they showed: next to
    unknown places, normal statistics come from few samplings.
    """
    peaks, leniency = standard.statistics.peaks, 1 + untold
    at_places = point_map(standardised, compared.evidence.around, peaks, leniency)
    scores = compared.at_aligned(at_places)
    score = object_score(standardised, compared.evidence.from_one_side, peaks, leniency)
    network, surface = decisive_shares(standardised, peaks)
    said = [name for name in OF_THE_WHOLE if peaks and name in standardised]
    of_whole = {name: object_score({name: standardised[name]}, peaks=peaks, leniency=leniency) for name in said}
    rests_on = {"network": network, "surface": surface}
    return ScoredScan(scores, score, limit.threshold, limit.point_threshold, rests_on, of_whole)
