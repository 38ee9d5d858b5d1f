"""After Group3AD: a projector per category, trained in under a minute on cached tokens, then the banks.

An interrupted training starts again, which is cheap; it is seeded, so the result is the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from sedir_core.detectors.bank import MemoryBank, choose_entries
from sedir_core.detectors.group3ad import Group3adDetector, Projected, plain_patches, projected
from sedir_core.detectors.memory_bank import RECIPES, Memory
from sedir_core.detectors.peer_features import Channel, Cloud, FeatureExtractor, Patches
from sedir_core.errors import Cancelled
from sedir_core.evidence.fitted_parts import draw_sampling
from sedir_core.models.group3ad import N_CLUSTERS, GroupObjective, k_means
from sedir_core.rundir.encoder_weights import load_encoder
from sedir_core.runtime import generator, torch_generator
from sedir_core.training.learn_peers import REMEMBER, candidates, memorised, scale_of_banks
from sedir_core.training.material import Learned
from sedir_core.training.part_material import HeldOutSampling, PartMaterial, Verdicts, with_limits
from sedir_core.training.run import Run
from sedir_core.types import Report, Stop

SAMPLINGS = 4  # samplings per part for training [O]
GROUPS_A_STEP = 2_048  # [O]
CLUSTERED_EVERY = 5  # epochs [O]


def learn_group3ad(material: PartMaterial, run: Run, report: Report, stop: Stop) -> Learned:
    """Raises BadWeights, Cancelled."""
    config = material.config
    extractor = FeatureExtractor(config, load_encoder(config.encoder).to(material.device), None, material.device)
    detector = Group3adDetector(config, extractor, {}, {})
    memories: dict[str, Projected] = {}

    def judge(name: str, held_out: Sequence[HeldOutSampling]) -> Verdicts:
        projector = fit_projector(_tokens(material, extractor, name, stop), material, name, stop)
        memory = projected(
            _remember(material, extractor, projector, name, stop), projector, material.fitted[name].whole.surface
        )
        judged = []
        for one in held_out:
            if stop():
                raise Cancelled
            judged.append(detector.judge(one.cloud, memory.without(one.part)))
        memories[name] = memory = replace(memory, scale=scale_of_banks(judged))
        found = [
            detector.conclude(one.cloud, memory.without(one.part), said)
            for one, said in zip(held_out, judged, strict=True)
        ]
        return Verdicts(np.array([one.object_score for one in found]), np.concatenate([one.scores for one in found]))

    known = with_limits(material, judge, REMEMBER, report, stop)
    return memorised(Group3adDetector(config, extractor, known, memories).tensors(), known)


def fit_projector(tokens: Tensor, material: PartMaterial, name: str, stop: Stop) -> nn.Module:
    """Train and freeze a projector of tokens (n, c) of good samplings. Raises Cancelled."""
    seed, cfg = material.config.training.seed, material.config.group3ad
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(seed, "projector", name).integers(2**62)))
        objective = GroupObjective(tokens.shape[1]).to(tokens.device)
    random = torch_generator("cpu", seed, "projector order", name)
    optimizer = torch.optim.AdamW(objective.parameters(), lr=1e-3, weight_decay=1e-4)
    n_steps = math.ceil(len(tokens) / GROUPS_A_STEP)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, cfg.projector_epochs * n_steps)
    clusters = torch.zeros(len(tokens), dtype=torch.int64, device=tokens.device)
    for epoch in range(cfg.projector_epochs):
        if epoch % CLUSTERED_EVERY == 0:
            clusters = _clustered(objective, tokens, clusters, epoch, random)
        objective.train()
        # Equal batch sizes: a last batch of a single token could not be normalised.
        for rows in torch.tensor_split(torch.randperm(len(tokens), generator=random), n_steps):
            if stop():
                raise Cancelled
            chosen = rows.to(tokens.device)
            loss = objective(tokens[chosen], clusters[chosen]).total
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
    return objective.projector.eval().requires_grad_(False)


@torch.no_grad()
def _clustered(
    objective: GroupObjective, tokens: Tensor, before: Tensor, epoch: int, random: torch.Generator
) -> Tensor:
    """(n,) clusters of the projected tokens, beginning with the former ones' centres, at first with random tokens."""
    seen = objective.eval().projector(tokens)
    if epoch == 0:
        start = seen[torch.randperm(len(seen), generator=random)[:N_CLUSTERS].to(seen.device)]
    else:
        means = torch.zeros(N_CLUSTERS, seen.shape[1], device=seen.device).index_add_(0, before, seen)
        start = nn.functional.normalize(means, dim=1)
    return k_means(seen, start)


def _tokens(material: PartMaterial, extractor: FeatureExtractor, name: str, stop: Stop) -> Tensor:
    """(n, c) of several samplings of every part."""
    found = []
    for part in range(len(material.fitted[name].parts)):
        for turn in range(SAMPLINGS):
            if stop():
                raise Cancelled
            random = generator(material.config.training.seed, "groups", name, part, turn)
            points = draw_sampling(material.fitted[name], part, material.n_points, random)
            found.append(torch.from_numpy(extractor.extract("groups", Cloud(points, points)).features))
    return torch.cat(found).to(material.device)


def _remember(
    material: PartMaterial, extractor: FeatureExtractor, projector: nn.Module, name: str, stop: Stop
) -> Memory:
    """Banks of projected tokens and of aligned coordinates, without the scale."""
    config = material.config
    random = generator(config.training.seed, "remember", name)
    clouds = material.clouds_of(name, random)

    def extract(channel: Channel, cloud: Cloud) -> Patches:
        if stop():
            raise Cancelled
        if channel == "groups":
            return plain_patches(extractor, cloud, projector)
        return extractor.extract(channel, cloud, banked=True)

    banks: list[MemoryBank] = []
    for channel in RECIPES[config.method].channels:
        features, owners = candidates([extract(channel, cloud) for cloud in clouds], config.bank.candidates, random)
        banks.append(choose_entries(features, owners, config.bank.coreset, config.bank.projection, random, stop))
    return Memory(tuple(banks), np.array([[0.0, 1.0]] * len(banks)))
