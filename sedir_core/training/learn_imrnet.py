"""After IMRNet: a masked autoencoder per category, initialised from the local encoder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from sedir_core.config import ImrnetConfig
from sedir_core.detectors.imrnet import ImrnetDetector, changing_points, patches_of
from sedir_core.geometry.sampling import farthest_points
from sedir_core.models.imrnet import MaskedAutoencoder
from sedir_core.models.per_category import GoodParts
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.rundir.encoder_weights import load_encoder
from sedir_core.training.learn_networks import learn_networks
from sedir_core.training.material import Learned
from sedir_core.training.part_material import PartMaterial
from sedir_core.training.run import Run
from sedir_core.types import Report, Stop

CHOSEN_FROM = 2  # times as many points as are sampled


class ImrnetTrainee(nn.Module):
    """See `models.per_category.Trainee`."""

    def __init__(self, network: MaskedAutoencoder, cfg: ImrnetConfig) -> None:
        super().__init__()
        self.network, self.cfg = network, cfg

    def loss(self, parts: GoodParts, generator: torch.Generator) -> Mapping[str, Tensor]:
        """Reconstruction loss of masked patches of a fresh sampling; all clouds of a step share the mask."""
        drawn = [self._patches(parts, generator) for _ in range(self.cfg.clouds)]
        groups, centres = (torch.stack(column) for column in zip(*drawn, strict=True))
        n_patches = groups.shape[1]
        order = torch.randperm(n_patches, generator=generator, device=groups.device)
        hidden = torch.zeros(n_patches, dtype=torch.bool, device=groups.device)
        hidden[order[: max(1, int(self.cfg.ratio * n_patches))]] = True
        loss = self.network.loss(groups, centres, hidden, generator)
        return {"rebuilt": loss, "total": loss}

    def _patches(self, parts: GoodParts, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        points, _, changes = parts.draw(CHOSEN_FROM * self.cfg.points, generator)
        cloud = points.double().cpu().numpy()
        few = cloud[changing_points(cloud, changes.double().cpu().numpy(), self.cfg.points)].astype(np.float32)
        centres = few[farthest_points(few, min(self.cfg.patches, len(few)))]
        groups = patches_of(few, centres, self.cfg.patch_size)
        return torch.from_numpy(groups).to(points.device), torch.from_numpy(centres).to(points.device)


def learn_imrnet(material: PartMaterial, run: Run, report: Report, stop: Stop) -> Learned:
    """Raises what `loop.fit` raises, BadWeights and Cancelled."""
    config = material.config
    encoder = load_encoder(config.encoder)

    def trainee() -> nn.Module:
        network = ImrnetDetector.build(config)
        begin_with(network, encoder)
        return ImrnetTrainee(network, config.imrnet)

    return learn_networks(material, ImrnetDetector, trainee, run, report, stop)


def begin_with(network: MaskedAutoencoder, encoder: LocalEncoder) -> None:
    """Initialise from the encoder's weights; additional blocks and the decoder stay untrained."""
    own = network.state_dict()
    known = {name: value for name, value in encoder.state_dict().items() if name in own}
    network.load_state_dict(known, strict=False)
