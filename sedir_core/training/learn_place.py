"""Descriptors by place: those of all good parts, and normal statistics of held-out ones' distances.

A held-out scan is compared with the *other* parts' descriptors, and standardised by statistics of these parts'
samplings: including its own would make it look more normal than a new part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedir_core.detectors.by_place import PlaceStatistics
from sedir_core.detectors.category_given import CloudScores
from sedir_core.detectors.place_bank import PlaceDetector, PlaceMemory, concluded, describe
from sedir_core.errors import Cancelled
from sedir_core.runtime import generator
from sedir_core.training.learn_peers import REMEMBER, memorised
from sedir_core.training.material import Learned
from sedir_core.training.part_material import HeldOutSampling, PartMaterial, Verdicts, with_limits
from sedir_core.training.run import Run
from sedir_core.types import DoubleArray, Report, Stop


def learn_place(material: PartMaterial, run: Run, report: Report, stop: Stop) -> Learned:
    """Raises Cancelled."""
    config = material.config
    memories: dict[str, PlaceMemory] = {}

    def judge(name: str, held_out: Sequence[HeldOutSampling]) -> Verdicts:
        memory, surface = _remember(material, name, stop), material.fitted[name].whole.surface
        shown = []
        for one in held_out:
            if stop():
                raise Cancelled
            places = one.cloud.aligned
            features = describe(config.method, places, surface)
            values = memory.without(one.part).distances(places, features, config.place.neighbours)
            shown.append((places, values))
        statistics = PlaceStatistics.learn(surface.points, shown)
        memories[name] = replace(memory, statistics=statistics)
        found = leave_one_out(surface.points, [one.part for one in held_out], shown)
        return Verdicts(np.array([one.object_score for one in found]), np.concatenate([one.scores for one in found]))

    known = with_limits(material, judge, REMEMBER, report, stop)
    return memorised(PlaceDetector(config, known, memories).tensors(), known)


def leave_one_out(
    surface: DoubleArray, parts: Sequence[int], shown: Sequence[tuple[DoubleArray, DoubleArray]]
) -> list[CloudScores]:
    """Held-out scans of `parts`, (places (n, 3), distances (n,)) each, standardised by the other parts' statistics.

    surface: (m, 3). A single part is standardised by its own.
    """
    statistics = {}
    for part in set(parts):
        others = [one for one, owner in zip(shown, parts, strict=True) if owner != part]
        statistics[part] = PlaceStatistics.learn(surface, others or shown)
    return [concluded(statistics[part], *one) for part, one in zip(parts, shown, strict=True)]


def _remember(material: PartMaterial, name: str, stop: Stop) -> PlaceMemory:
    """Random points of every part, with descriptors computed on the complete part."""
    config, surface = material.config, material.fitted[name].whole.surface
    random = generator(config.training.seed, "remember", name)
    places, features, owners = [], [], []
    clouds = material.clouds_of(name, random)
    for part, cloud in enumerate(clouds):
        if stop():
            raise Cancelled
        kept = np.sort(random.permutation(len(cloud))[: max(1, config.place.entries // len(clouds))])
        places.append(cloud.aligned[kept])
        features.append(describe(config.method, cloud.aligned, surface)[kept])
        owners.append(np.full(len(kept), part, dtype=np.int64))
    return PlaceMemory(np.concatenate(places), np.concatenate(features), np.concatenate(owners))
