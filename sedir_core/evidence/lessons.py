"""What judges learn from: samplings of good parts, others with more smooth variation, and these with defects. [O]

A judge that only knew the variation of a few training parts would take every other good part for a defect; and if more
variation came with defects only, it would take the variation for one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sedir_core.config import Config
from sedir_core.errors import Cancelled
from sedir_core.evidence.around import Around
from sedir_core.evidence.draft import Draft
from sedir_core.evidence.fitted_parts import AlignedSampling, FittedParts, hold_out
from sedir_core.evidence.held_out import EvidenceFunction
from sedir_core.evidence.judge import Lesson, lesson_of
from sedir_core.evidence.planted import plant
from sedir_core.evidence.tokens import resolutions
from sedir_core.evidence.training_numbers import LESSONS
from sedir_core.types import BoolArray, DoubleArray, Report, Stop


def lessons_of(
    config: Config,
    name: str,
    fitted: FittedParts,
    draft: Draft,
    evidence_of: EvidenceFunction,
    n_points: int,
    random: np.random.Generator,
    report: Report,
    stop: Stop,
) -> list[Lesson]:
    """Lessons from every held-out sampling of a category. Raises Cancelled."""
    lessons: list[Lesson] = []
    louder = 1 + LESSONS.louder / len({one.part for one in draft.held_out})

    def learn(
        part: int, standardised: Mapping[str, DoubleArray], around: Around, damaged: BoolArray, good: BoolArray
    ) -> None:
        lessons.append(lesson_of(part, standardised, draft.statistics.peaks, around, damaged, good, louder, random))

    for done, (held, standardised) in enumerate(zip(draft.held_out, draft.all_standardised, strict=True)):
        if stop():
            raise Cancelled
        report(done / len(draft.held_out), f"plant defects into {name}")
        good = np.ones(len(held.evidence.places), bool)
        learn(held.part, standardised, held.evidence.around, ~good, good)
        others, usual = fitted.others[held.part], draft.by_owner[held.part]
        one = hold_out(fitted, held.part, n_points, random, displaced=True)
        if done % 2 == 0:  # enough of them, at half the time
            evidence = evidence_of(name, others, one)[0]
            good = np.ones(len(evidence.places), bool)
            learn(held.part, usual.standardise(evidence), evidence.around, ~good, good)
        one, damaged, good = _with_defects(fitted, one, random)
        if len(one.points) >= resolutions(config.grouping)[-1]:  # what is left of so few points is no scan
            evidence = evidence_of(name, others, one)[0]
            picked = evidence.picked
            learn(held.part, usual.standardise(evidence), evidence.around, damaged[picked], good[picked])
    return lessons


def _with_defects(
    fitted: FittedParts, one: AlignedSampling, random: np.random.Generator
) -> tuple[AlignedSampling, BoolArray, BoolArray]:
    """A thinned sampling with defects; which of its points (n,) are damaged, and which are surely not."""
    surface = fitted.whole.surface
    planted = plant(one.every, surface.normals[surface.tree.nearest(one.every)[1]], LESSONS.defects, random)
    thinned = random.uniform(min(1.0, max(LESSONS.sparsest, LESSONS.fewest / len(one.points))), 1.0)
    some = planted.share(len(one.points), random)
    some = some[: math.ceil(thinned * len(some))]
    every = planted.points[random.permutation(len(planted.points))[: math.ceil(thinned * len(planted.points))]]
    return replace(one, points=planted.points[some], every=every), planted.damaged[some], planted.good[some]
