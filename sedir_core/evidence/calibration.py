"""From each category's fitted parts to their normal statistics, judges and limits.

Only training parts are used. A part's own values are always measured against the surface of the *other* parts, so that
normal statistics hold for a part never seen before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sedir_core.config import Config
from sedir_core.evidence.category import Category, Limit, Standard
from sedir_core.evidence.combination import object_score, point_map
from sedir_core.evidence.draft import Draft, LightDraft, draft_of
from sedir_core.evidence.fitted_parts import FittedParts
from sedir_core.evidence.held_out import EvidenceFunction, hold_out_views, hold_out_wholes
from sedir_core.evidence.judge import Judges, Lesson, channels_in, learn_judges
from sedir_core.evidence.judging import ALL_JUDGINGS, CALIBRATED, judging_of
from sedir_core.evidence.lessons import lessons_of
from sedir_core.evidence.limits import object_limits
from sedir_core.evidence.stages import compared_points
from sedir_core.evidence.training_numbers import LIMITS
from sedir_core.runtime import generator
from sedir_core.types import Report, Stop

PLANTED_FROM, JUDGED_FROM = 0.4, 0.9  # of the progress in a category, and of all
_TINY = 1e-9


def calibrate(
    config: Config,
    all_fitted: Mapping[str, FittedParts],
    evidence_of: EvidenceFunction,
    n_points: int,
    report: Report,
    stop: Stop,
    judges: Judges | None = None,
) -> dict[str, Category]:
    """Fitted categories. Thresholds hold for the configured rate of false alarms on held-out normal samplings.

    n_points: most points of a sampling, of whole ones as many as are compared if these are more.
    judges: those of the model that these categories extend; by default they are learned from these. Raises Cancelled.
    """
    most = max(n_points, compared_points(config.grouping))
    drafts: dict[str, LightDraft] = {}
    views: dict[str, Standard] = {}
    lessons: list[Lesson] = []
    for done, (name, fitted) in enumerate(all_fitted.items()):

        def of_part(start: float, end: float, done: int = done) -> Report:
            def report_part(fraction: float, stage: str) -> None:
                report(JUDGED_FROM * (done + start + (end - start) * fraction) / len(all_fitted), stage)

            return report_part

        held_out = hold_out_wholes(config, name, fitted, evidence_of, most, of_part(0.0, PLANTED_FROM), stop)
        draft = draft_of(fitted, held_out)
        if judges is None and draft.statistics.peaks:
            random, planting = generator(config.training.seed, "planted", name), of_part(PLANTED_FROM, 1.0)
            lessons += lessons_of(config, name, fitted, draft, evidence_of, most, random, planting, stop)
        drafts[name] = draft.light()
        if fitted.scanner is not None:
            held_out = hold_out_views(config, name, fitted, evidence_of, n_points, of_part(0.0, 1.0), stop)
            views[name] = _standard(fitted, draft_of(fitted, held_out))

    def report_judge(fraction: float, stage: str) -> None:
        report(JUDGED_FROM + (1 - JUDGED_FROM) * fraction, stage)

    if judges is None and lessons:
        channels = channels_in(next(iter(drafts.values())).draft.statistics.values)
        n_steps, seed = config.training.judge_steps, config.training.seed
        judges = learn_judges(lessons, channels, n_steps, seed, report_judge, stop)
    whole = {name: _standard(all_fitted[name], draft.judged_by(judges)) for name, draft in drafts.items()}
    whole, views = limited(config, whole), limited(config, views)
    return {
        name: Category(
            fitted.frame,
            fitted.size,
            fitted.descriptor,
            fitted.whole,
            whole[name],
            views.get(name),
            None if fitted.scanner is None else fitted.scanner.views,
            fitted.one_sided,
        )
        for name, fitted in all_fitted.items()
    }


def _standard(fitted: FittedParts, draft: Draft) -> Standard:
    """Normal statistics, and held-out scores for each way of judging; the thresholds follow from all categories."""
    statistics, held_out = draft.statistics, draft.held_out
    from_one_side = held_out[0].evidence.from_one_side
    few = LIMITS.margin_of_one if fitted.single else 1 + LIMITS.margin_of_few / len({one.part for one in held_out}) ** 2
    margin = LIMITS.margin_of_views * (LIMITS.margin_of_one if fitted.single else 1.0) if from_one_side else few
    limits = {}
    for judging in CALIBRATED:
        chosen = [judging.of(standardised) for standardised in draft.all_standardised]
        if not chosen[0]:
            continue
        scores = [object_score(one, from_one_side, statistics.peaks) for one in chosen]
        maps = [point_map(e, one.evidence.around, statistics.peaks) for e, one in zip(chosen, held_out, strict=True)]
        point_threshold = float(np.quantile(np.concatenate(maps), LIMITS.point_quantile))
        limits[judging.name] = Limit(np.nan, point_threshold * margin, np.array(scores) * margin)
    tokens = [one.tokens for one in held_out]
    raw_point = float(np.mean([one.raw_point for one in tokens]))
    limits["network.raw"] = Limit(np.nan, raw_point, np.array([one.raw for one in tokens]))
    limits["network.paper"] = Limit(np.nan, LIMITS.paper_point_threshold, np.array([one.paper for one in tokens]))
    residual = float(np.median([one.residual for one in held_out]))
    overlap = float(np.median([one.overlap for one in held_out]))
    conflict = max(float(np.median([one.conflict for one in held_out])), _TINY)
    owners = np.array([one.part for one in held_out])
    return Standard(
        statistics,
        residual,
        np.nan,
        np.nan,
        limits=limits,
        overlap=overlap,
        conflict=conflict,
        owners=owners,
        ranges=np.empty((0, 2)) if from_one_side else np.array([one.deviations for one in held_out]),
    )


def limited(config: Config, standards: Mapping[str, Standard]) -> dict[str, Standard]:
    """The standards with thresholds for every way of judging; the configured one is the standard's own."""
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
