"""The networks of a SeDiR run: built from a configuration, kept as tensors, restored from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from sedir_core.config import Config
from sedir_core.evidence.network_surface import NetworkSurface
from sedir_core.evidence.stages import below
from sedir_core.models.folds import folds_without
from sedir_core.models.implicit import ImplicitSurface
from sedir_core.models.patch_decoder import PatchDecoder
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import SeDiR
from sedir_core.rundir.stored_nets import halved, restored, widened

MOST_KEPT = 8  # expected surfaces in memory, some 20 MB each


@dataclass(frozen=True)
class Nets:
    """What was learned: the frozen encoder, the network, and what shows as points what it expects of a part.

    surface: where it rebuilds from identity and place; patches: else, a decoder of its rebuilt features.
    """

    encoder: LocalEncoder
    network: SeDiR
    surface: ImplicitSurface | None = None
    patches: PatchDecoder | None = None
    _surfaces: dict[tuple[int, tuple[int, ...]], NetworkSurface] = field(default_factory=dict, init=False, repr=False)

    def surface_of(self, category: int, unseen_by: int | None = None) -> NetworkSurface | None:
        """What is expected of a category; None where the network rebuilds from the scan.

        unseen_by: a training part, whose own fold is not asked.
        """
        if self.surface is None:
            return None
        folds = tuple(folds_without(unseen_by))
        if (category, folds) not in self._surfaces:
            if len(self._surfaces) == MOST_KEPT:
                self._surfaces.pop(next(iter(self._surfaces)))
            self._surfaces[category, folds] = NetworkSurface(self.surface, category, folds)
        return self._surfaces[category, folds]

    def tensors(self) -> dict[str, Tensor]:
        """The weights of all networks, named; see `restore`."""
        nets: dict[str, nn.Module | None] = {"encoder": self.encoder, "network": self.network}
        nets |= {"surface": self.surface, "patches": self.patches}
        states: dict[str, Mapping[str, Tensor]] = {n: net.state_dict() for n, net in nets.items() if net is not None}
        states["network"] = halved(states["network"])
        return {f"{name}.{key}": value for name, state in states.items() for key, value in state.items()}

    @staticmethod
    def restore(config: Config, n_categories: int, tensors: Mapping[str, Tensor], device: torch.device) -> Nets:
        """The inverse of `tensors`, among a run's others.

        Raises KeyError, ValueError where something is missing or misshapen.
        """
        enc = config.encoder
        encoder = restored(
            lambda: LocalEncoder(enc.width, enc.hidden, enc.heads, enc.depth), below(tensors, "encoder."), device
        )
        network = restored(lambda: build_network(config, n_categories), widened(below(tensors, "network.")), device)
        if network.rebuilt_from == "scan":
            patches = restored(lambda: PatchDecoder(enc.width), below(tensors, "patches."), device)
            return Nets(encoder, network, patches=patches)
        own = below(tensors, "surface.")
        surface = restored(lambda: ImplicitSurface.restorable(own), own, device)
        if len(surface.grids) != n_categories:
            raise ValueError(f"surfaces of {len(surface.grids)} categories, expected {n_categories}")
        return Nets(encoder, network, surface)


def build_network(config: Config, n_categories: int) -> SeDiR:
    """The untrained network of a configuration."""
    net = config.network
    return SeDiR(
        width=net.width,
        depth=net.depth,
        heads=net.heads,
        feedforward=net.feedforward,
        dropout=net.dropout,
        token_width=config.encoder.width,
        n_categories=n_categories,
        jitter_scale=net.jitter_scale,
        jitter_probability=net.jitter_probability,
        global_token=net.global_token,
        geometric_prior=net.geometric_prior,
        rebuilt_from=net.rebuilt_from,
    )
