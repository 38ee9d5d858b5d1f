"""Detectors with a small network per category, which must be given."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from sedir_core.config import Config
from sedir_core.detectors.category_given import CategoryGivenDetector, CloudScores
from sedir_core.detectors.peer_features import Cloud
from sedir_core.detectors.reference import Reference, reference_to_tensors
from sedir_core.detectors.residuals import PlacedResiduals
from sedir_core.detectors.stored import stored_detector, to_store
from sedir_core.evidence.stages import LESS_MEMORY, below
from sedir_core.geometry.sampling import repeatable_order
from sedir_core.rundir.stored_nets import restored
from sedir_core.runtime import choose_device, memory_guard, torch_generator
from sedir_core.types import DoubleArray, FloatArray


@dataclass(frozen=True)
class NetworkOutput:
    """A network's output for a cloud of n points. channels: (c, n) point scores. score: of the scan, if not derived
    from these. rebuilt: (m, 3) its reconstruction, in the frame. token: (d,) global feature, in a space specific to the
    category's network."""

    channels: DoubleArray
    rebuilt: DoubleArray
    token: FloatArray
    score: float = float("nan")


class NetworkDetector(CategoryGivenDetector):
    """nets: one per category, frozen, on `device`. scales: (c, 2) minimum and maximum on held-out good scans, for
    normalising several channels."""

    def __init__(
        self,
        config: Config,
        nets: Mapping[str, nn.Module],
        known: Mapping[str, Reference],
        scales: Mapping[str, DoubleArray],
        device: torch.device,
    ) -> None:
        super().__init__(config, known)
        self.nets, self.scales, self.device = dict(nets), dict(scales), device

    @staticmethod
    @abstractmethod
    def build(config: Config) -> nn.Module:
        """The untrained network of one category."""

    @abstractmethod
    def infer(self, network: nn.Module, cloud: Cloud) -> NetworkOutput:
        """Run a category's network on a cloud."""

    def conclude(self, inferred: NetworkOutput, cloud: Cloud, scale: DoubleArray) -> CloudScores:
        """Scores of points and scan; by default those of the only channel."""
        return CloudScores(inferred.channels[0], inferred.score, inferred.token, rebuilt=inferred.rebuilt)

    def infer_category(self, category: str, cloud: Cloud) -> NetworkOutput:
        """The output of the category's network."""
        with memory_guard(self.device, LESS_MEMORY), torch.no_grad():
            return self.infer(self.nets[category], cloud)

    def score_cloud(self, category: str, cloud: Cloud) -> CloudScores:
        """See `CategoryGivenDetector.score_cloud`."""
        inferred = self.infer_category(category, cloud)
        return self.conclude(inferred, cloud, self.scales.get(category, unscaled(len(inferred.channels))))

    def residuals(self, category: str, cloud: Cloud, left_out: int | None = None) -> PlacedResiduals:
        """See `detectors.residuals.ResidualDetector`; a network has seen every part and leaves none out."""
        return PlacedResiduals(cloud.aligned, self.score_cloud(category, cloud).scores)

    def tensors(self) -> dict[str, Tensor]:
        """Everything `load` needs beside config.toml and about.json."""
        return to_store({}, (self._tensors_of(name) for name in self.known))

    def _tensors_of(self, name: str) -> dict[str, Tensor]:
        own = reference_to_tensors(self.known[name]) | {"scale": torch.from_numpy(self.scales[name])}
        return own | {f"network.{key}": value for key, value in self.nets[name].state_dict().items()}

    @classmethod
    def load(cls, run_dir: Path, device: str = "auto") -> Self:
        """The detector of a finished run. Raises BadRun, DeviceUnavailable."""
        with stored_detector(run_dir) as stored:
            target = choose_device(device)[0]
            nets = {
                name: restored(lambda: cls.build(stored.config), below(part, "network."), target)
                for name, part in stored.parts.items()
            }
            scales = {name: _scale(part) for name, part in stored.parts.items()}
            return cls(stored.config, nets, stored.references(ignored="network."), scales, target)


def unscaled(n_channels: int) -> DoubleArray:
    """(c, 2) the identity scale."""
    return np.tile([0.0, 1.0], (n_channels, 1))


def scale_of(inferred: Sequence[NetworkOutput]) -> DoubleArray:
    """(c, 2) the extremes on held-out good scans; the identity for a single channel.

    The published codes use those of the whole test set, which leaks between test scans.
    """
    if len(inferred[0].channels) == 1:
        return unscaled(1)
    channels = [np.concatenate(rows) for rows in zip(*(one.channels for one in inferred), strict=True)]
    return np.array([[values.min(), max(values.max(), values.min() + 1e-12)] for values in channels])


def content_generator(points: DoubleArray, device: torch.device | str, *words: str | int) -> torch.Generator:
    """A generator seeded by the cloud (n, 3), independent of the points' order."""
    ordered = np.round(points, 6) + 0.0  # no negative zeros
    ordered = ordered[np.lexsort(ordered.T)]
    return torch_generator(device, 0, hashlib.sha256(np.ascontiguousarray(ordered).tobytes()).hexdigest(), *words)


def some_of(points: DoubleArray, count: int) -> DoubleArray:
    """At most `count` of the points (n, 3), independent of their order."""
    return points[repeatable_order(points)[:count]]


def to_tensor(points: DoubleArray, device: torch.device) -> Tensor:
    """(n, 3) float32 on the device."""
    return torch.from_numpy(points.astype(np.float32)).to(device)


def _scale(tensors: Mapping[str, Tensor]) -> DoubleArray:
    """Raises KeyError or ValueError if it is missing or has the wrong shape."""
    scale = tensors["scale"].double().numpy()
    if scale.ndim != 2 or scale.shape[1] != 2 or not (scale[:, 0] < scale[:, 1]).all():
        raise ValueError("the scale is not one range per channel")
    return np.asarray(scale)
