"""Trains a patch decoder for this run's parts: from normal tokens to neighbourhood points (method section 6)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from sedir_core.config import Config
from sedir_core.evidence.fitted_parts import FittedParts, draw_sampling
from sedir_core.evidence.tokens import tokenize
from sedir_core.geometry.neighbours import nearest_groups
from sedir_core.models.patch_decoder import PatchDecoder, chamfer_distance
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.steps import take_steps
from sedir_core.runtime import generator, torch_generator
from sedir_core.types import Report, Stop

BATCH, LEARNING_RATE = 256, 2e-3
TARGET_POINTS = 64  # points of a neighbourhood that the decoded ones are compared with


def fit_patch_decoder(
    all_fitted: Mapping[str, FittedParts],
    encoder: LocalEncoder,
    config: Config,
    n_points: int,
    device: torch.device,
    report: Report,
    stop: Stop,
    start: PatchDecoder | None = None,
) -> PatchDecoder:
    """Train on one sampling of every part with the frozen encoder, starting from `start` if given. Raises Cancelled."""
    seed, n_steps = config.training.seed, config.training.patch_steps
    pairs = [
        _pairs(fitted, part, encoder, config, n_points, device, generator(seed, "patches", name, part))
        for name, fitted in all_fitted.items()
        for part in range(len(fitted.parts))
    ]
    tokens, patches = (torch.cat(column) for column in zip(*pairs, strict=True))
    torch.manual_seed(seed)
    decoder = PatchDecoder(config.encoder.width).to(device)
    if start is not None:
        decoder.load_state_dict(start.state_dict())
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    random = torch_generator("cpu", seed, "patch order")

    def next_loss() -> Tensor:
        picked = torch.randint(len(tokens), (BATCH,), generator=random).to(device)
        return chamfer_distance(decoder(tokens[picked]), patches[picked]).mean()

    take_steps(n_steps, optimizer, schedule, next_loss, "learn to draw surfaces", report, stop)
    return decoder.eval().requires_grad_(False)


def _pairs(
    fitted: FittedParts,
    part: int,
    encoder: LocalEncoder,
    config: Config,
    n_points: int,
    device: torch.device,
    random: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Tokens (N, c) and their neighbourhoods (N, 64, 3) in units of the radius."""
    k = config.grouping.group_size
    cloud = draw_sampling(fitted, part, n_points, random)
    tokens = tokenize(cloud, config.grouping, encoder, device)
    centres = tokens.centers[0].cpu().numpy()
    points = cloud.astype(np.float32)
    distances, members = nearest_groups(points, centres, k)
    few = members[:, np.linspace(0, k - 1, min(k, TARGET_POINTS)).astype(int)]
    patches = (points[few] - centres[:, None]) / distances[:, -1][:, None, None]
    return tokens.features[1, 0], torch.from_numpy(patches).to(device)
