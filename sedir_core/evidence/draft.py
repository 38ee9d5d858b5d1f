"""Normal statistics of a category from its held-out samplings, before any judge has evaluated them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sedir_core.evidence.combination import (
    MEAN_SQUARE,
    TELLING,
    TYPICAL,
    NormalStatistics,
    learn_statistics,
)
from sedir_core.evidence.fitted_parts import FittedParts
from sedir_core.evidence.held_out import HeldOut
from sedir_core.evidence.judge import OF_THE_WHOLE, Judges
from sedir_core.evidence.numbers import PEAKS, SCORES
from sedir_core.evidence.peaks import learn_peaks, log_peaks
from sedir_core.geometry.robust import SIGMA_PER_MEDIAN
from sedir_core.geometry.sampling import farthest_points
from sedir_core.types import DoubleArray, FloatArray


@dataclass(frozen=True)
class Draft:
    """The statistics of held-out samplings. all_standardised: each sampling, relative to the other parts.

    by_owner: what is usual without each of the parts.
    """

    statistics: NormalStatistics
    held_out: tuple[HeldOut, ...]
    all_standardised: tuple[Mapping[str, DoubleArray], ...]
    by_owner: Mapping[int, NormalStatistics]

    def light(self) -> LightDraft:
        """The drafts of all categories wait in memory until the judges have learned."""
        held_out = tuple(replace(one, evidence=replace(one.evidence, channels={})) for one in self.held_out)
        short = tuple({n: v.astype(np.float32) for n, v in one.items()} for one in self.all_standardised)
        return LightDraft(replace(self, held_out=held_out, all_standardised=(), by_owner={}), short)


@dataclass(frozen=True)
class LightDraft:
    """What judging needs of a draft. short: the channels of all samplings, in single precision."""

    draft: Draft
    short: tuple[Mapping[str, FloatArray], ...]

    def judged_by(self, judges: Judges | None) -> Draft:
        """The draft with the judges' output, if they apply."""
        held_out, statistics = self.draft.held_out, self.draft.statistics
        standardised = tuple({n: v.astype(np.float64) for n, v in one.items()} for one in self.short)
        if judges is None or not statistics.peaks:
            return replace(self.draft, all_standardised=standardised)
        statistics = statistics.judged_by(judges)
        pairs = zip(standardised, held_out, strict=True)
        all_standardised = tuple(
            {**one, **statistics.judged(one, held.evidence.around, held.part)} for one, held in pairs
        )
        judged = [{n: v for n, v in one.items() if n not in statistics.peaks} for one in all_standardised]
        peaks = {**statistics.peaks, **learn_peaks(judged, [one.part for one in held_out])}
        statistics = replace(statistics, peaks=peaks)
        return replace(self.draft, statistics=statistics, all_standardised=all_standardised)


def draft_of(fitted: FittedParts, held_out: Sequence[HeldOut]) -> Draft:
    """Statistics of the parts that do not depart from the others as a whole.

    A single part does not show how parts differ, so no judge can learn from it: its channels are combined like those of
    single-view scans.
    """
    surface = fitted.whole.surface.points
    # Places of a single part show its own noise, again in every sampling of it: neighbourhoods say what is usual.
    n_anchors = SCORES.anchors_of_one if fitted.single else SCORES.anchors
    anchors = surface[farthest_points(surface.astype(np.float32), min(n_anchors, len(surface)))]
    from_one_side = held_out[0].evidence.from_one_side
    by_owner = _statistics_without(held_out, anchors)
    all_standardised = _standardised_unseen(held_out, by_owner)
    odd = set() if from_one_side else odd_parts(held_out, all_standardised)
    if odd:
        held_out = [one for one in held_out if one.part not in odd]
        by_owner = _statistics_without(held_out, anchors)
        all_standardised = _standardised_unseen(held_out, by_owner)
    judged = not from_one_side and not fitted.single
    statistics = learn_statistics([one.evidence for one in held_out], anchors, TYPICAL if judged else MEAN_SQUARE)
    if judged:
        statistics = replace(statistics, peaks=learn_peaks(all_standardised, [one.part for one in held_out]))
    return Draft(statistics, tuple(held_out), tuple(all_standardised), by_owner)


def _statistics_without(held_out: Sequence[HeldOut], anchors: DoubleArray) -> dict[int, NormalStatistics]:
    """Statistics without each of the parts; for a single part, without each of its samplings, by their index.

    A single sampling is included in its own.
    """
    owners = _owners(held_out)
    chosen = MEAN_SQUARE if held_out[0].evidence.from_one_side or len({one.part for one in held_out}) == 1 else TYPICAL
    statistics = {}
    for owner in set(owners):
        others = [one.evidence for one, own in zip(held_out, owners, strict=True) if own != owner]
        seen = others or [one.evidence for one in held_out]
        statistics[owner] = learn_statistics(seen, anchors, chosen)
    return statistics


def _owners(held_out: Sequence[HeldOut]) -> list[int]:
    single = len({one.part for one in held_out}) == 1
    return [one.sampling if single else one.part for one in held_out]


def _standardised_unseen(
    held_out: Sequence[HeldOut], by_owner: Mapping[int, NormalStatistics]
) -> list[dict[str, DoubleArray]]:
    """The channels of each sampling relative to the statistics of the other parts, in the order of the samplings."""
    return [by_owner[own].standardise(one.evidence) for one, own in zip(held_out, _owners(held_out), strict=True)]


def odd_parts(held_out: Sequence[HeldOut], all_standardised: Sequence[Mapping[str, DoubleArray]]) -> set[int]:
    """Parts that depart from the others far more than these do from each other; fewer than half of all.

    They lie on another side than the others, or are not good parts: they must not contribute to the statistics.
    """
    names = [name for name in TELLING if name in all_standardised[0]]
    peaks = log_peaks(all_standardised, names)
    owners = np.array([one.part for one in held_out])
    parts = np.unique(owners)
    means = np.array([peaks[owners == part].mean(axis=0) for part in parts])  # (parts, channels)
    away = means - np.median(means, axis=0)
    least = np.array([PEAKS.least_of_whole if name in OF_THE_WHOLE else PEAKS.least_spread for name in names])
    spread = np.maximum(SIGMA_PER_MEDIAN * np.median(np.abs(away), axis=0), least)
    odd = parts[(away / spread).max(axis=1) > PEAKS.odd]
    return {int(part) for part in odd} if 2 * len(odd) < len(parts) and len(parts) > 2 else set()
