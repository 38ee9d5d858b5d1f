"""Descriptors by place: those of all good parts, and how far held-out ones usually are from them.

A held-out scan is compared with what the *other* parts left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sedir_core.detectors.by_place import UsualByPlace
from sedir_core.detectors.place_bank import PlaceDetector, PlaceMemory, concluded, describe
from sedir_core.errors import Cancelled
from sedir_core.runtime import generator
from sedir_core.training.learn_peers import REMEMBER, memorised
from sedir_core.training.material import Learned
from sedir_core.training.run import Run
from sedir_core.training.shelf import HeldOutSampling, Shelf, Verdicts, with_limits
from sedir_core.types import Report, Stop


def learn_place(shelf: Shelf, run: Run, report: Report, stop: Stop) -> Learned:
    """Raises Cancelled."""
    config = shelf.config
    memories: dict[str, PlaceMemory] = {}

    def judge(name: str, held_out: Sequence[HeldOutSampling]) -> Verdicts:
        memory, surface = _remember(shelf, name, stop), shelf.bases[name].whole.surface
        shown = []
        for one in held_out:
            if stop():
                raise Cancelled
            places = one.cloud.aligned
            features = describe(config.method, places, surface)
            values = memory.without(one.part).distances(places, features, config.place.neighbours)
            shown.append((places, values))
        usual = UsualByPlace.learn(surface.points, shown)
        memories[name] = replace(memory, usual=usual)
        found = [concluded(usual, *one) for one in shown]
        return Verdicts(np.array([one.object_score for one in found]), np.concatenate([one.scores for one in found]))

    known = with_limits(shelf, judge, REMEMBER, report, stop)
    return memorised(PlaceDetector(config, known, memories).tensors(), known)


def _remember(shelf: Shelf, name: str, stop: Stop) -> PlaceMemory:
    """Random points of every part; their descriptors are taken on the whole of it."""
    config, surface = shelf.config, shelf.bases[name].whole.surface
    random = generator(config.training.seed, "remember", name)
    places, features, owners = [], [], []
    clouds = shelf.clouds_of(name, random)
    for part, cloud in enumerate(clouds):
        if stop():
            raise Cancelled
        kept = np.sort(random.permutation(len(cloud))[: max(1, config.place.entries // len(clouds))])
        places.append(cloud.aligned[kept])
        features.append(describe(config.method, cloud.aligned, surface)[kept])
        owners.append(np.full(len(kept), part, dtype=np.int64))
    return PlaceMemory(np.concatenate(places), np.concatenate(features), np.concatenate(owners))
