"""Peers from good parts: what is remembered of each category, and limits from held-out normal scans.

The published codes have no limits; ours are set as SeDiR's are. A held-out scan is judged by what the *other* parts
left in the bank, so that what is called usual holds for a part never seen before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from sedir_core.config import Config
from sedir_core.detectors.bank import Bank, choose_entries
from sedir_core.detectors.encoder_weights import load_encoder
from sedir_core.detectors.fitting import N_ANCHORS, POINT_QUANTILE, Basis, hold_out
from sedir_core.detectors.limits import object_limits
from sedir_core.detectors.memory_bank import RECIPES, Judged, Memory, MemoryBankDetector
from sedir_core.detectors.peer_features import Cloud, Eyes, Patches
from sedir_core.detectors.reference import Reference
from sedir_core.detectors.scoring import Usual, learn_usual
from sedir_core.detectors.template import TemplateDetector, deviation, top_mean
from sedir_core.errors import Cancelled
from sedir_core.geometry.sampling import farthest_points
from sedir_core.runtime import generator
from sedir_core.training.material import Learned
from sedir_core.types import DoubleArray, FloatArray, IntArray, Report, Stop

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shelf:
    """The good parts to remember. clouds: as each was scanned, (n, 3), in file coordinates.

    n_points: of every sampling, at most.
    """

    config: Config
    bases: Mapping[str, Basis]
    clouds: Mapping[str, Sequence[DoubleArray]]
    n_points: int
    device: torch.device

    def raw(self, name: str, part: int, count: int, random: np.random.Generator) -> DoubleArray:
        """At most `count` points (n, 3) of a part that lies as it was scanned, centred, in radii of the category."""
        points = _some(self.clouds[name][part], count, random)
        return np.asarray((points - points.mean(axis=0)) / self.bases[name].frame.radius)


@dataclass(frozen=True)
class HeldOut:
    """A held-out normal sampling of a part. residual: what alignment left."""

    part: int
    cloud: Cloud
    residual: float


@dataclass(frozen=True)
class Verdicts:
    """Of a category's held-out normal scans: object scores (h,), and all their point scores."""

    scores: DoubleArray
    points: DoubleArray


def learn_peer(shelf: Shelf, report: Report, stop: Stop) -> Learned:
    """Raises BadWeights, Cancelled."""
    detector = (_learn_template if shelf.config.method == "template" else _learn_banks)(shelf, report, stop)
    thresholds = {name: reference.threshold for name, reference in detector.known.items()}
    return Learned(detector.tensors(), thresholds, {}, 0)


def _learn_banks(shelf: Shelf, report: Report, stop: Stop) -> MemoryBankDetector:
    config, recipe = shelf.config, RECIPES[shelf.config.method]
    encoder = load_encoder(config.encoder).to(shelf.device) if recipe.needs_encoder else None
    eyes = Eyes(config.grouping, encoder, shelf.device)
    detector = MemoryBankDetector(config, eyes, {}, {})
    memories: dict[str, Memory] = {}

    def judge(name: str, held_out: Sequence[HeldOut]) -> Verdicts:
        memory = _remember(shelf, eyes, name, stop)
        judged = [detector.judge(one.cloud, memory.without(one.part)) for one in held_out]
        memories[name] = memory = replace(memory, scale=_scale(judged))
        found = [
            detector.conclude(one.cloud, memory.without(one.part), said)
            for one, said in zip(held_out, judged, strict=True)
        ]
        return Verdicts(np.array([one.object_score for one in found]), np.concatenate([one.scores for one in found]))

    known = _with_limits(shelf, judge, report, stop)
    return MemoryBankDetector(config, eyes, known, memories)


def _learn_template(shelf: Shelf, report: Report, stop: Stop) -> TemplateDetector:
    usual: dict[str, Usual] = {}
    per_place = shelf.config.bank.standardise == "place"

    def judge(name: str, held_out: Sequence[HeldOut]) -> Verdicts:
        basis = shelf.bases[name]
        found = [deviation(one.cloud.aligned, basis.others[one.part].surface) for one in held_out]
        if per_place:
            surface = basis.whole.surface.points
            anchors = surface[farthest_points(surface.astype(np.float32), min(N_ANCHORS, len(surface)))]
            evidence = [dev.evidence(one.cloud.aligned) for dev, one in zip(found, held_out, strict=True)]
            usual[name] = learn_usual(evidence, anchors)
        scores = [
            TemplateDetector.score(dev, one.cloud.aligned, basis.frame.radius, usual.get(name))
            for dev, one in zip(found, held_out, strict=True)
        ]
        wider = as_of_a_new_part(len(basis.parts))
        objects = np.array([top_mean(one) for one in scores])
        # A part's samplings all have its shape, which is most of what a template sees: together they say one thing.
        owners = np.array([one.part for one in held_out])
        by_part = np.array([objects[owners == part].mean() for part in sorted(set(owners))])
        return Verdicts(wider * by_part, wider * np.concatenate(scores))

    known = _with_limits(shelf, judge, report, stop)
    return TemplateDetector(shelf.config, known, usual if per_place else None)


def as_of_a_new_part(n_parts: int) -> float:
    """How many times as far from the mean shape of n parts a further one lies as one of them that was left out.

    What is merged has the mean shape of all parts, also where one of them is left out: it differs from that mean by
    sqrt(1 - 1/n) of the usual difference between parts, a new one by sqrt(1 + 1/n). 1 for a single part, which tells
    nothing of others.
    """
    return float(np.sqrt((n_parts + 1) / (n_parts - 1))) if n_parts > 1 else 1.0


def _with_limits(
    shelf: Shelf, judge: Callable[[str, Sequence[HeldOut]], Verdicts], report: Report, stop: Stop
) -> dict[str, Reference]:
    """Every category's reference, judged by its held-out scans."""
    known: dict[str, Reference] = {}
    scores: dict[str, DoubleArray] = {}
    for done, (name, basis) in enumerate(shelf.bases.items()):
        report(done / len(shelf.bases), f"remember {name}")
        log.info("remember %s", name)
        held_out = _hold_out(shelf, name, stop)
        verdicts = judge(name, held_out)
        scores[name] = verdicts.scores
        point_threshold = float(np.quantile(verdicts.points, POINT_QUANTILE))
        residual = float(np.median([one.residual for one in held_out]))
        known[name] = Reference(basis.frame, basis.size, basis.whole.surface, residual, np.nan, point_threshold)
    limits = object_limits(scores, shelf.config.scoring.false_alarm_rate)
    return {
        name: replace(reference, threshold=limits[name], held_out=scores[name]) for name, reference in known.items()
    }


def _hold_out(shelf: Shelf, name: str, stop: Stop) -> list[HeldOut]:
    basis, training = shelf.bases[name], shelf.config.training
    found = []
    for part in range(len(basis.parts)):
        for turn in range(training.held_out):
            if stop():
                raise Cancelled
            random = generator(training.seed, "held out", name, part, turn)
            aligned, residual = hold_out(basis, part, shelf.n_points, random)
            found.append(HeldOut(part, Cloud(shelf.raw(name, part, len(aligned), random), aligned), residual))
    return found


def _remember(shelf: Shelf, eyes: Eyes, name: str, stop: Stop) -> Memory:
    """A bank per channel, from all parts; the scale is yet to be found."""
    config, basis = shelf.config, shelf.bases[name]
    random = generator(config.training.seed, "remember", name)
    clouds = []
    for i, part in enumerate(basis.parts):
        aligned = _some(part.points, shelf.n_points, random)
        clouds.append(Cloud(shelf.raw(name, i, len(aligned), random), aligned))
    banks: list[Bank] = []
    for channel in RECIPES[config.method].channels:
        seen = []
        for cloud in clouds:
            if stop():
                raise Cancelled
            seen.append(eyes.look(channel, cloud, banked=True))
        features, owners = _candidates(seen, config.bank.candidates, random)
        banks.append(choose_entries(features, owners, config.bank.coreset, config.bank.projection, random, stop))
    return Memory(tuple(banks), np.array([[0.0, 1.0]] * len(banks)))


def _candidates(seen: Sequence[Patches], most: int, random: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Features and the parts they come from; `most` of them, the same number of each part, unless it is 0."""
    rows, owners = [], []
    for part, patches in enumerate(seen):
        kept = patches.features
        if most:
            kept = kept[np.sort(random.permutation(len(kept))[: max(1, most // len(seen))])]
        rows.append(kept)
        owners.append(np.full(len(kept), part, dtype=np.int64))
    return np.concatenate(rows), np.concatenate(owners)


def _scale(judged: Sequence[Sequence[Judged]]) -> DoubleArray:
    """(channels, 2) the lowest and highest distances of held-out scans; 0 and 1 where nothing is to be combined."""
    if len(judged[0]) == 1:
        return np.array([[0.0, 1.0]])
    channels = [np.concatenate([said[i].distances for said in judged]) for i in range(len(judged[0]))]
    return np.array([[values.min(), max(values.max(), values.min() + 1e-12)] for values in channels])


def _some(points: DoubleArray, count: int, random: np.random.Generator) -> DoubleArray:
    """At most `count` of the points (n, 3), in random order."""
    return points[random.permutation(len(points))[:count]]
