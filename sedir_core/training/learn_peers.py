"""Peers that memorise good parts: memories per category, and limits from held-out normal scans.

A held-out scan is scored by the *other* parts' entries in the bank, so that the limits hold for unseen parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor, nn

from sedir_core.config import Config
from sedir_core.detectors.bank import MemoryBank, choose_entries
from sedir_core.detectors.by_place import N_ANCHORS, top_mean
from sedir_core.detectors.inside import INSIDE_WIDTH
from sedir_core.detectors.memory_bank import RECIPES, Memory, MemoryBankDetector, PatchDistances
from sedir_core.detectors.peer_features import FeatureExtractor, Patches
from sedir_core.detectors.reference import Reference
from sedir_core.detectors.template import TemplateDetector, deviation
from sedir_core.errors import Cancelled
from sedir_core.evidence.combination import NormalStatistics, learn_statistics
from sedir_core.geometry.fpfh import WIDTH
from sedir_core.geometry.sampling import farthest_points
from sedir_core.rundir.encoder_weights import load_encoder
from sedir_core.rundir.imagenet_weights import load_lite0, load_resnet18, random_resnet18
from sedir_core.runtime import generator
from sedir_core.training.material import Learned
from sedir_core.training.part_material import HeldOutSampling, PartMaterial, Verdicts, with_limits
from sedir_core.training.run import Run
from sedir_core.types import DoubleArray, FloatArray, IntArray, Report, Stop

REMEMBER = "remember"


def learn_banks(material: PartMaterial, run: Run, report: Report, stop: Stop) -> Learned:
    """A memory bank per category and channel. Raises BadWeights, Cancelled."""
    config, recipe = material.config, RECIPES[material.config.method]
    encoder = load_encoder(config.encoder).to(material.device) if recipe.needs_encoder else None
    backbone = _backbone(config) if recipe.needs_backbone else None
    extractor = FeatureExtractor(
        config, encoder, None if backbone is None else backbone.to(material.device), material.device
    )
    detector = MemoryBankDetector(config, extractor, {}, {})
    memories: dict[str, Memory] = {}

    def judge(name: str, held_out: Sequence[HeldOutSampling]) -> Verdicts:
        memory = _remember(material, extractor, name, stop)
        judged = [detector.judge(one.cloud, memory.without(one.part)) for one in held_out]
        memories[name] = memory = replace(memory, scale=scale_of_banks(judged))
        found = [
            detector.conclude(one.cloud, memory.without(one.part), said)
            for one, said in zip(held_out, judged, strict=True)
        ]
        return Verdicts(np.array([one.object_score for one in found]), np.concatenate([one.scores for one in found]))

    known = with_limits(material, judge, REMEMBER, report, stop)
    return memorised(MemoryBankDetector(config, extractor, known, memories).tensors(), known)


def learn_template(material: PartMaterial, run: Run, report: Report, stop: Stop) -> Learned:
    """A golden surface per category. Raises Cancelled."""
    statistics: dict[str, NormalStatistics] = {}
    per_place = material.config.bank.standardise == "place"

    def judge(name: str, held_out: Sequence[HeldOutSampling]) -> Verdicts:
        fitted = material.fitted[name]
        found = [deviation(one.cloud.aligned, fitted.others[one.part].surface) for one in held_out]
        if per_place:
            surface = fitted.whole.surface.points
            anchors = surface[farthest_points(surface.astype(np.float32), min(N_ANCHORS, len(surface)))]
            evidence = [dev.evidence(one.cloud.aligned) for dev, one in zip(found, held_out, strict=True)]
            statistics[name] = learn_statistics(evidence, anchors)
        scores = [
            TemplateDetector.score(dev, one.cloud.aligned, fitted.frame.radius, statistics.get(name))
            for dev, one in zip(found, held_out, strict=True)
        ]
        wider = new_part_factor(len(fitted.parts))
        objects = np.array([top_mean(one) for one in scores])
        # A part's samplings share its shape, which dominates a template's score: they count as one observation.
        owners = np.array([one.part for one in held_out])
        by_part = np.array([objects[owners == part].mean() for part in sorted(set(owners))])
        return Verdicts(wider * by_part, wider * np.concatenate(scores))

    known = with_limits(material, judge, REMEMBER, report, stop)
    return memorised(TemplateDetector(material.config, known, statistics if per_place else None).tensors(), known)


def memorised(tensors: Mapping[str, Tensor], known: Mapping[str, Reference]) -> Learned:
    """The result of a detector without network training."""
    return Learned(tensors, {name: reference.threshold for name, reference in known.items()}, {}, 0)


def new_part_factor(n_parts: int) -> float:
    """Ratio of a new part's distance from the mean shape of n parts to that of a left-out one.

    The merged surface has the mean shape of all parts: one of them deviates from that mean by sqrt(1 - 1/n) of the
    standard deviation between parts, a new one by sqrt(1 + 1/n). 1 for a single part, which carries no information.
    """
    return float(np.sqrt((n_parts + 1) / (n_parts - 1))) if n_parts > 1 else 1.0


def _remember(material: PartMaterial, extractor: FeatureExtractor, name: str, stop: Stop) -> Memory:
    """A bank per channel, from all parts, without the scale."""
    config, recipe = material.config, RECIPES[material.config.method]
    random = generator(config.training.seed, "remember", name)
    clouds = material.clouds_of(name, random)
    banks: list[MemoryBank] = []
    for channel in recipe.channels:
        seen = []
        for cloud in clouds:
            if stop():
                raise Cancelled
            seen.append(extractor.extract(channel, cloud, banked=True))
        features, owners = candidates(seen, config.bank.candidates, random)
        gains = balanced(features) if channel == "slices and groups" and config.ismp.weights == "balanced" else None
        count = round(recipe.share * len(features)) or config.bank.coreset
        chosen = features if gains is None else features * gains
        bank = choose_entries(chosen, owners, count, config.bank.projection, random, stop)
        banks.append(replace(bank, gains=gains))
    return Memory(tuple(banks), np.array([[0.0, 1.0]] * len(banks)))


def balanced(features: FloatArray) -> FloatArray:
    """(d,) gains that equalise the mean norm of the blocks of ISMP's vectors (n, d)."""
    gains = np.ones(features.shape[1], dtype=np.float32)
    for part in (slice(0, INSIDE_WIDTH), slice(INSIDE_WIDTH, INSIDE_WIDTH + WIDTH), slice(INSIDE_WIDTH + WIDTH, None)):
        gains[part] = 1 / max(float(np.linalg.norm(features[:, part], axis=1).mean()), 1e-12)
    return gains


def _backbone(config: Config) -> nn.Module:
    """The picture backbone. Raises BadWeights."""
    if config.method != "cpmf" or config.cpmf.backbone == "lite0":
        return load_lite0()
    return load_resnet18(config.cpmf.file) if config.cpmf.backbone == "resnet18-file" else random_resnet18()


def candidates(seen: Sequence[Patches], most: int, random: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Features and their parts; at most `most`, equally many per part, unless it is 0."""
    rows, owners = [], []
    for part, patches in enumerate(seen):
        kept = patches.features
        if most:
            kept = kept[np.sort(random.permutation(len(kept))[: max(1, most // len(seen))])]
        rows.append(kept)
        owners.append(np.full(len(kept), part, dtype=np.int64))
    return np.concatenate(rows), np.concatenate(owners)


def scale_of_banks(judged: Sequence[Sequence[PatchDistances]]) -> DoubleArray:
    """(channels, 2) minimum and maximum distances of held-out scans; 0 and 1 for a single channel."""
    if len(judged[0]) == 1:
        return np.array([[0.0, 1.0]])
    channels = [np.concatenate([said[i].distances for said in judged]) for i in range(len(judged[0]))]
    return np.array([[values.min(), max(values.max(), values.min() + 1e-12)] for values in channels])
