"""From a fitted basis of each category to what is usual for its good parts, judges and limits.

Only training parts are seen. A part's own values are always measured against the surface of the *other* parts, so
that what is called usual holds for a part never seen before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from sedir_core.config import Config
from sedir_core.errors import Cancelled
from sedir_core.evidence.basis import Basis, LaidSampling, hold_out, hold_out_view
from sedir_core.evidence.category import Category, Limit, Standard
from sedir_core.evidence.combination import (
    MEAN_SQUARE,
    TELLING,
    TYPICAL,
    Evidence,
    NormalStatistics,
    learn_statistics,
    object_score,
    paper_scores,
    point_map,
    raw_scores,
)
from sedir_core.evidence.judge import Judges, Lesson, channels_in, learn_judges, lesson_of
from sedir_core.evidence.judging import ALL_JUDGINGS, CALIBRATED, judging_of
from sedir_core.evidence.limits import object_limits
from sedir_core.evidence.normal_surface import (
    NormalSurface,
)
from sedir_core.evidence.peaks import LEAST_SPREAD, learn_peaks, log_peaks
from sedir_core.evidence.planted import plant
from sedir_core.evidence.tokens import resolutions
from sedir_core.geometry.elastic import random_displacement
from sedir_core.geometry.sampling import farthest_points
from sedir_core.runtime import generator
from sedir_core.types import DoubleArray, Report, Stop

N_ANCHORS, N_ANCHORS_OF_ONE = 2_048, 16
VIEW_TURNS = 2  # times as many held-out views as whole scans: each shows a part of the part
POINT_QUANTILE = 0.9995
# An only part: held-out samplings, whose tolerances are assumed; how much farther than they new parts reach.
LEAST_OF_ONE, MARGIN_OF_ONE = 8, 1.2
MARGIN_OF_FEW = 1.6  # the same for several parts, by the square of their number: two say little of how parts differ
MARGIN_OF_VIEWS = 1.25  # the same for scans from one side: a scanner loses more than virtual cameras do
LOUDER = 2.0  # the same, at most, for the samplings that judges learn from
SPARSEST, FEWEST = 0.5, 2_048  # share and number of points, at least, where defects are planted: density is no defect
PLANTED = 7  # defects in each held-out sampling that the judges learn from
PLANTED_FROM, JUDGED_FROM = 0.5, 0.9  # of the progress in a category, and of all
MISALIGNED = 1.5  # times the median residual
ODD = 6.0  # spreads between parts that one of them rises above the middle one
_TINY = 1e-9
PAPER_POINT_THRESHOLD = 0.5  # published scores are min-maxed in each scan, so no limit can be learned


class EvidenceFunction(Protocol):
    """Evidence of an aligned sampling of a part, whole or from one side, and what its tokens say by themselves."""

    def __call__(self, category: str, normal: NormalSurface, sampling: LaidSampling) -> tuple[Evidence, Residuals]:
        """category: its name. normal: the surface of its other parts."""


@dataclass(frozen=True)
class Residuals:
    """Object scores of the network's residuals by the rules that know nothing else, and a high point score by `raw`."""

    paper: float
    raw: float
    raw_point: float

    @staticmethod
    def of(residuals: DoubleArray, centres: DoubleArray) -> Residuals:
        """residuals: (N,) of tokens at centres (N, 3)."""
        smooth, raw = raw_scores(residuals, centres)
        return Residuals(float(paper_scores(residuals).max()), raw, float(np.quantile(smooth, POINT_QUANTILE)))


@dataclass(frozen=True)
class HeldOut:
    """A held-out normal sampling of a part: its evidence, what alignment left, what the tokens say by themselves.

    overlap, conflict: what alignment left, and what disagrees, where both the sampling and the surface show something.
    sampling: its index among all that were held out.
    """

    part: int
    evidence: Evidence
    residual: float
    tokens: Residuals
    overlap: float = np.nan
    conflict: float = np.nan
    sampling: int = 0


def calibrate(
    config: Config,
    bases: Mapping[str, Basis],
    evidence_of: EvidenceFunction,
    n_points: int,
    report: Report,
    stop: Stop,
    judges: Judges | None = None,
) -> dict[str, Category]:
    """Fitted categories. Thresholds hold for the configured rate of false alarms on held-out normal samplings.

    judges: of a model that these categories are to join; by default they are learned from these. Raises Cancelled.
    """
    drafts: dict[str, Draft] = {}
    views: dict[str, Standard] = {}
    lessons: list[Lesson] = []
    for done, (name, basis) in enumerate(bases.items()):

        def report_part(fraction: float, stage: str, done: int = done) -> None:
            report(JUDGED_FROM * (done + fraction) / len(bases), stage)

        held_out, laid = _hold_out_all(config, name, basis, evidence_of, n_points, report_part, stop)
        drafts[name] = _draft(basis, held_out)
        if judges is None and drafts[name].statistics.peaks:
            random = generator(config.training.seed, "planted", name)
            least = resolutions(config.grouping)[-1]
            lessons += _lessons(name, basis, drafts[name], laid, evidence_of, least, random, report_part, stop)
        drafts[name] = drafts[name].light()
        if basis.scanner is not None:
            held_out = _hold_out_views(config, name, basis, evidence_of, n_points, report_part, stop)
            views[name] = _standard(basis, _draft(basis, held_out))

    def report_judge(fraction: float, stage: str) -> None:
        report(JUDGED_FROM + (1 - JUDGED_FROM) * fraction, stage)

    if judges is None and lessons:
        channels = channels_in(next(iter(drafts.values())).statistics.values)
        n_steps, seed = config.training.judge_steps, config.training.seed
        judges = learn_judges(lessons, channels, n_steps, seed, report_judge, stop)
    whole = {name: _standard(bases[name], draft.judged_by(judges)) for name, draft in drafts.items()}
    whole, views = limited(config, whole), limited(config, views)
    return {
        name: Category(
            basis.frame,
            basis.size,
            basis.descriptor,
            basis.whole,
            whole[name],
            views.get(name),
            None if basis.scanner is None else basis.scanner.views,
        )
        for name, basis in bases.items()
    }


@dataclass(frozen=True)
class Draft:
    """What held-out samplings say before anybody judged them. all_standardised: each held against the other parts.

    by_owner: what is usual without each of the parts.
    """

    statistics: NormalStatistics
    held_out: tuple[HeldOut, ...]
    all_standardised: tuple[Mapping[str, DoubleArray], ...]
    by_owner: Mapping[int, NormalStatistics]

    def light(self) -> Draft:
        """What is needed to judge it: the drafts of all categories wait in memory until the judges have learned."""
        held_out = tuple(replace(one, evidence=replace(one.evidence, channels={})) for one in self.held_out)
        return replace(self, held_out=held_out, by_owner={})

    def judged_by(self, judges: Judges | None) -> Draft:
        """The same with what the judges make of it, where they have a say."""
        if judges is None or not self.statistics.peaks:
            return self
        statistics = self.statistics.judged_by(judges)
        pairs = zip(self.all_standardised, self.held_out, strict=True)
        all_standardised = tuple(
            {**one, **statistics.judged(one, held.evidence.places, held.part)} for one, held in pairs
        )
        judged = [{n: v for n, v in one.items() if n not in statistics.peaks} for one in all_standardised]
        statistics = replace(statistics, peaks={**statistics.peaks, **learn_peaks(judged)})
        return replace(self, statistics=statistics, all_standardised=all_standardised)


def _draft(basis: Basis, held_out: Sequence[HeldOut]) -> Draft:
    """What is usual, of those parts that do not depart from the others as a whole.

    An only part says nothing of how parts differ, so no judge can learn from it: its channels are combined as those of
    scans from one side.
    """
    surface = basis.whole.surface.points
    # Places of a single part show its own noise, again in every sampling of it: neighbourhoods say what is usual.
    n_anchors = N_ANCHORS_OF_ONE if basis.single else N_ANCHORS
    anchors = surface[farthest_points(surface.astype(np.float32), min(n_anchors, len(surface)))]
    from_one_side = held_out[0].evidence.from_one_side
    by_owner = _statistics_without(held_out, anchors)
    all_standardised = _standardised_unseen(held_out, by_owner)
    odd = set() if from_one_side else odd_parts(held_out, all_standardised)
    if odd:
        held_out = [one for one in held_out if one.part not in odd]
        by_owner = _statistics_without(held_out, anchors)
        all_standardised = _standardised_unseen(held_out, by_owner)
    judged = not from_one_side and not basis.single
    statistics = learn_statistics([one.evidence for one in held_out], anchors, TYPICAL if judged else MEAN_SQUARE)
    if judged:
        statistics = replace(statistics, peaks=learn_peaks(all_standardised))
    return Draft(statistics, tuple(held_out), tuple(all_standardised), by_owner)


def _lessons(
    name: str,
    basis: Basis,
    draft: Draft,
    laid: Sequence[LaidSampling],
    evidence_of: EvidenceFunction,
    least: int,
    random: np.random.Generator,
    report: Report,
    stop: Stop,
) -> list[Lesson]:
    """What judges learn from: the held-out samplings as they are, and, with another smooth tolerance, with defects.

    A judge that only knew how the few training parts differ would take every other good part for a defect.
    least: points that can be grouped.
    """
    peaks, lessons = draft.statistics.peaks, []
    louder = 1 + LOUDER / len({one.part for one in draft.held_out})
    normals, tree = basis.whole.surface.normals, basis.whole.surface.tree
    for done, (held, standardised) in enumerate(zip(draft.held_out, draft.all_standardised, strict=True)):
        if stop():
            raise Cancelled
        report(PLANTED_FROM + (1 - PLANTED_FROM) * done / len(draft.held_out), f"plant defects into {name}")
        good = np.ones(len(held.evidence.places), bool)
        lessons.append(lesson_of(held.part, standardised, peaks, held.evidence.places, ~good, good, louder, random))
        one = laid[held.sampling]
        shaped = one.every + random_displacement(basis.whole.controls, basis.amplitude, random)(one.every)
        planted = plant(shaped, normals[tree.nearest(shaped)[1]], PLANTED, random)
        thinned = random.uniform(min(1.0, max(SPARSEST, FEWEST / len(one.points))), 1.0)
        some = planted.share(len(one.points), random)
        some = some[: math.ceil(thinned * len(some))]
        if len(some) < least:
            continue  # what is left of so few points is no scan
        every = planted.points[random.permutation(len(planted.points))[: math.ceil(thinned * len(planted.points))]]
        others = basis.others[held.part]
        evidence, _ = evidence_of(name, others, replace(one, points=planted.points[some], every=every))
        departing = draft.by_owner[held.part].standardise(evidence)
        damaged, good = (told[some][evidence.picked] for told in (planted.damaged, planted.good))
        lessons.append(lesson_of(held.part, departing, peaks, evidence.places, damaged, good, louder, random))
    return lessons


def _standard(basis: Basis, draft: Draft) -> Standard:
    """What is usual, and for each way of judging the held-out scores; the thresholds follow from all categories."""
    statistics, held_out = draft.statistics, draft.held_out
    from_one_side = held_out[0].evidence.from_one_side
    few = MARGIN_OF_ONE if basis.single else 1 + MARGIN_OF_FEW / len({one.part for one in held_out}) ** 2
    margin = MARGIN_OF_VIEWS * (MARGIN_OF_ONE if basis.single else 1.0) if from_one_side else few
    limits = {}
    for judging in CALIBRATED:
        chosen = [judging.of(standardised) for standardised in draft.all_standardised]
        if not chosen[0]:
            continue
        scores = [object_score(one, from_one_side, statistics.peaks) for one in chosen]
        maps = [point_map(e, one.evidence.places, statistics.peaks) for e, one in zip(chosen, held_out, strict=True)]
        point_threshold = float(np.quantile(np.concatenate(maps), POINT_QUANTILE))
        limits[judging.name] = Limit(np.nan, point_threshold * margin, np.array(scores) * margin)
    tokens = [one.tokens for one in held_out]
    raw_point = float(np.mean([one.raw_point for one in tokens]))
    limits["network.raw"] = Limit(np.nan, raw_point, np.array([one.raw for one in tokens]))
    limits["network.paper"] = Limit(np.nan, PAPER_POINT_THRESHOLD, np.array([one.paper for one in tokens]))
    residual = float(np.median([one.residual for one in held_out]))
    overlap = float(np.median([one.overlap for one in held_out]))
    conflict = max(float(np.median([one.conflict for one in held_out])), _TINY)
    owners = np.array([one.part for one in held_out])
    return Standard(
        statistics, residual, np.nan, np.nan, limits=limits, overlap=overlap, conflict=conflict, owners=owners
    )


def limited(config: Config, standards: Mapping[str, Standard]) -> dict[str, Standard]:
    """With the thresholds of every way of judging; the configured one is the standard's own."""
    if not standards:
        return {}
    chosen = judging_of(config.scoring.evidence, config.scoring.rule)
    limits: dict[str, dict[str, Limit]] = {name: {} for name in standards}
    known = set.intersection(*(set(standard.limits) for standard in standards.values()))
    for judging in (one for one in ALL_JUDGINGS if one.name in known):
        scores = {name: standard.limits[judging.name].held_out for name, standard in standards.items()}
        for name, threshold in object_limits(scores, config.scoring.false_alarm_rate).items():
            limits[name][judging.name] = replace(standards[name].limits[judging.name], threshold=threshold)
    found = {}
    for name, standard in standards.items():
        own = limits[name][chosen.name]
        found[name] = replace(
            standard,
            threshold=own.threshold,
            point_threshold=own.point_threshold,
            held_out=own.held_out,
            limits=limits[name],
        )
    return found


def _statistics_without(held_out: Sequence[HeldOut], anchors: DoubleArray) -> dict[int, NormalStatistics]:
    """What is usual without each of the parts; of a single part, without each of its samplings, by their index.

    Of a single sampling with it.
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
    """The channels of each sampling held against what is usual for the other parts, in the order of the samplings."""
    return [by_owner[own].standardise(one.evidence) for one, own in zip(held_out, _owners(held_out), strict=True)]


def odd_parts(held_out: Sequence[HeldOut], all_standardised: Sequence[Mapping[str, DoubleArray]]) -> set[int]:
    """Parts that depart from the others far more than these do from each other, less than half of all.

    They lie on another side than the others, or are no good parts: they must not say what is usual for a good one.
    """
    peaks = log_peaks(all_standardised, [name for name in TELLING if name in all_standardised[0]])
    owners = np.array([one.part for one in held_out])
    parts = np.unique(owners)
    means = np.array([peaks[owners == part].mean(axis=0) for part in parts])  # (parts, channels)
    away = means - np.median(means, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(away), axis=0), LEAST_SPREAD)
    odd = parts[(away / spread).max(axis=1) > ODD]
    return {int(part) for part in odd} if 2 * len(odd) < len(parts) and len(parts) > 2 else set()


def _turns(config: Config, basis: Basis) -> int:
    """How many samplings of each part are held out."""
    return max(config.training.held_out, LEAST_OF_ONE) if basis.single else config.training.held_out


def _hold_out_all(
    config: Config, name: str, basis: Basis, evidence_of: EvidenceFunction, n_points: int, report: Report, stop: Stop
) -> tuple[list[HeldOut], list[LaidSampling]]:
    held_out: list[HeldOut] = []
    samplings: list[LaidSampling] = []
    turns = _turns(config, basis)
    for part in range(len(basis.parts)):
        for turn in range(turns):
            if stop():
                raise Cancelled
            report(PLANTED_FROM * len(held_out) / (len(basis.parts) * turns), f"calibrate {name}")
            random = generator(config.training.seed, "held out", name, part, turn)
            laid = hold_out(basis, part, n_points, random)
            evidence, tokens = evidence_of(name, basis.others[part], laid)
            held_out.append(HeldOut(part, evidence, laid.residual, tokens, laid.overlap, laid.conflict, len(samplings)))
            samplings.append(laid)
    return held_out, samplings


def _hold_out_views(
    config: Config, name: str, basis: Basis, evidence_of: EvidenceFunction, n_points: int, report: Report, stop: Stop
) -> list[HeldOut]:
    held_out: list[HeldOut] = []
    turns = VIEW_TURNS * _turns(config, basis)
    for part in range(len(basis.parts)):
        for turn in range(turns):
            if stop():
                raise Cancelled
            report(len(held_out) / (len(basis.parts) * turns), f"calibrate views of {name}")
            random = generator(config.training.seed, "held out view", name, part, turn)
            laid = hold_out_view(basis, part, n_points, random)
            evidence, tokens = evidence_of(name, basis.others[part], laid)
            held_out.append(HeldOut(part, evidence, laid.residual, tokens, sampling=len(held_out)))
    return _aligned(held_out)


def _aligned(held_out: Sequence[HeldOut]) -> list[HeldOut]:
    """Those that lie where they belong: one part laid the wrong way round would make every dent look usual."""
    limit = MISALIGNED * float(np.median([one.residual for one in held_out]))
    return [one for one in held_out if one.residual <= limit]
