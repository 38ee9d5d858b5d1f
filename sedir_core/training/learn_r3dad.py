"""R3D-AD: a diffusion model per category, trained to generate good parts.

The released code samples 2,048 clouds of a category once and reuses them; ours samples fresh ones [O].
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sedir_core.config import R3dadConfig
from sedir_core.detectors.r3dad import R3dadDetector
from sedir_core.models.per_category import GoodParts
from sedir_core.models.pseudo_defects import patch_gen, random_turn, viewpoints
from sedir_core.models.r3dad import N_STEPS, R3dad
from sedir_core.training.learn_networks import learn_networks
from sedir_core.training.material import Learned
from sedir_core.training.part_material import PartMaterial
from sedir_core.training.run import Run
from sedir_core.types import Report, Stop

# Patch-Gen parameters as used by a third party; the release never calls it, and the authors' are unknown.
DAMAGED_SHARE, SMALLEST, LARGEST, MOST_SCALE = 0.5, 1 / 32, 1 / 4, 0.2


class R3dadTrainee(nn.Module):
    """See `models.per_category.Trainee`."""

    def __init__(self, network: R3dad, cfg: R3dadConfig) -> None:
        super().__init__()
        self.network, self.cfg = network, cfg

    def loss(self, parts: GoodParts, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Error of the predicted noise, or in the variant `paper` of the displacement."""
        clean = torch.stack([self._drawn(parts, generator) for _ in range(self.cfg.clouds)])
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        steps = torch.randint(1, N_STEPS + 1, (len(clean),), generator=generator, device=clean.device)
        if self.cfg.variant == "released":
            loss = self.network.noise_loss(clean, noise, steps)
        else:
            damaged = torch.stack([_maybe_damaged(one, generator) for one in clean])
            loss = self.network.displacement_loss(damaged, clean, noise, steps)
        return {self.cfg.variant: loss, "total": loss}

    def _drawn(self, parts: GoodParts, generator: torch.Generator) -> Tensor:
        points = parts.draw(self.cfg.points, generator)[0]
        if len(points) < self.cfg.points:  # with repetition for sparse parts, since clouds of a batch have equal size
            points = points.repeat(-(-self.cfg.points // len(points)), 1)[: self.cfg.points]
        return points @ random_turn(generator, points.device).T if self.cfg.rotate == "published" else points


def _maybe_damaged(points: Tensor, generator: torch.Generator) -> Tensor:
    coin, size, scale, sign = torch.rand(4, generator=generator, device=points.device).tolist()
    seen_from = viewpoints().to(points.device)
    place = int(torch.randint(len(seen_from), (1,), generator=generator, device=points.device))
    if coin >= DAMAGED_SHARE:
        return points
    n_moved = int((SMALLEST + (LARGEST - SMALLEST) * size) * len(points))
    push = MOST_SCALE * scale * (1.0 if sign < 0.5 else -1.0)
    # Defined for a unit box, while a part in radii fills a box of side two.
    moved = patch_gen(points / 2, seen_from[place], n_moved, push, generator)
    return 2 * moved.points


def learn_r3dad(material: PartMaterial, run: Run, report: Report, stop: Stop) -> Learned:
    """Raises what `loop.fit` raises, and Cancelled."""
    config = material.config

    def trainee() -> nn.Module:
        return R3dadTrainee(R3dadDetector.build(config), config.r3dad)

    return learn_networks(material, R3dadDetector, trainee, run, report, stop)
