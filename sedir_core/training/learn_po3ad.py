"""PO3AD: a network per category, trained to predict the displacement of a patch of a good part."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sedir_core.config import Po3adConfig
from sedir_core.detectors.po3ad import Po3adDetector
from sedir_core.models.per_category import GoodParts
from sedir_core.models.po3ad import Po3ad, offset_loss
from sedir_core.models.pseudo_defects import Moved, family, norm_as, random_turn
from sedir_core.training.learn_networks import learn_networks
from sedir_core.training.material import Learned
from sedir_core.training.part_material import PartMaterial
from sedir_core.training.run import Run
from sedir_core.types import Report, Stop


class Po3adTrainee(nn.Module):
    """See `models.per_category.Trainee`."""

    def __init__(self, network: Po3ad, cfg: Po3adConfig) -> None:
        super().__init__()
        self.network, self.cfg = network, cfg

    def loss(self, parts: GoodParts, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Offset loss on fresh pseudo-defects; every cloud has one, unless the family leaves it intact."""
        made = [self._made(parts, generator) for _ in range(self.cfg.clouds)]
        offsets = self.network([one.points for one in made])
        loss = offset_loss(offsets, torch.cat([one.offsets for one in made]))
        return {"offset": loss, "total": loss}

    def _made(self, parts: GoodParts, generator: torch.Generator) -> Moved:
        points, normals, _ = parts.draw(self.cfg.points, generator)
        if self.cfg.norm == "published":
            points = points - points.mean(dim=0)
            points = points / points.norm(dim=1).max().clamp(min=1e-12)
        if self.cfg.rotate == "published":
            turn = random_turn(generator, points.device)
            points, normals = points @ turn.T, normals @ turn.T
        if self.cfg.pseudo == "af":
            return family(points, normals, generator)
        return norm_as(points, normals, generator, absolute=self.cfg.normals == "published")


def learn_po3ad(material: PartMaterial, run: Run, report: Report, stop: Stop) -> Learned:
    """Raises what `loop.fit` raises, and Cancelled."""
    config = material.config

    def trainee() -> nn.Module:
        return Po3adTrainee(Po3adDetector.build(config), config.po3ad)

    return learn_networks(material, Po3adDetector, trainee, run, report, stop)
