"""After Group3AD: Reg3D-AD's two banks, projected tokens, and more groups where the geometry deviates.

Group centres (`group3ad.agcs`): half of them by plain farthest points, the other half by farthest points among the
places whose local variation departs most from the template's there, or is simply highest [O]. Banks are made with plain
ones, so that a normal edge does not fill them twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from sedir_core.config import Config
from sedir_core.detectors.memory_bank import Memory, MemoryBankDetector, PatchDistances
from sedir_core.detectors.peer_features import Cloud, FeatureExtractor, Patches
from sedir_core.detectors.reference import Reference
from sedir_core.detectors.stored import stored_detector
from sedir_core.detectors.wide_features import geometry_change
from sedir_core.evidence.stages import below
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.sampling import farthest_points
from sedir_core.models.group3ad import Projector
from sedir_core.rundir.stored_nets import restored
from sedir_core.types import DoubleArray, FloatArray, IntArray

DEPARTING_SHARE = 0.3  # share of the points from which the other half of the centres is chosen [O]


@dataclass(frozen=True)
class Projected(Memory):
    """A memory of projected tokens. surface: the template's points (m, 3); changes: how fast it changes there, (m,)."""

    projector: nn.Module
    surface: Surface
    changes: DoubleArray

    def without(self, part: int) -> Projected:
        """Without that training part's entries in the banks; the projector was still trained on it."""
        return replace(self, banks=tuple(bank.without(part) for bank in self.banks))


class Group3adDetector(MemoryBankDetector):
    """A projector and two banks per category."""

    def __init__(
        self,
        config: Config,
        extractor: FeatureExtractor,
        known: Mapping[str, Reference],
        memories: Mapping[str, Projected],
    ) -> None:
        super().__init__(config, extractor, known, memories)

    def judge(self, cloud: Cloud, memory: Memory) -> list[PatchDistances]:
        """See `MemoryBankDetector.judge`."""
        assert isinstance(memory, Projected)
        picked = self._centres(cloud.aligned, memory)
        found = []
        for channel, bank in zip(self.recipe.channels, memory.banks, strict=True):
            if channel == "groups":
                patches = self.extractor.groups(cloud, picked)
                patches = replace(patches, features=project(memory.projector, patches.features, self.extractor.device))
            else:
                patches = self.extractor.extract(channel, cloud)
            distances, entries = bank.nearest(patches.features, self.extractor.device)
            found.append(PatchDistances(patches, distances**2, entries))
        return found

    def _centres(self, points: DoubleArray, memory: Projected) -> IntArray:
        """Distinct indices of the group centres."""
        count = min(self.config.grouping.n_groups, len(points))
        if self.config.group3ad.agcs == "off":
            return farthest_points(points.astype(np.float32), count)
        changes = geometry_change(points)
        if self.config.group3ad.agcs == "departure":
            changes = np.abs(changes - memory.changes[memory.surface.tree.nearest(points)[1]])
        return suspicious_centres(points, changes, count)

    def tensors(self) -> dict[str, Tensor]:
        """Everything `load` needs beside config.toml and about.json."""
        found = super().tensors()
        for i, name in enumerate(self.known):
            memory = self.memories[name]
            assert isinstance(memory, Projected)
            found |= {f"category.{i}.projector.{key}": value for key, value in memory.projector.state_dict().items()}
        return {name: value.detach().cpu().contiguous() for name, value in found.items()}

    @classmethod
    def load(cls, run_dir: Path, device: str = "auto") -> Self:
        """The detector of a finished run. Raises BadRun, DeviceUnavailable."""
        plain = MemoryBankDetector.load(run_dir, device)
        memories = {}
        with stored_detector(run_dir) as stored:
            for name, part in stored.parts.items():
                own = below(part, "projector.")
                width = own["layers.0.weight"].shape[1]
                projector = restored(lambda width=width: Projector(width), own, plain.extractor.device)  # type: ignore[misc]
                memories[name] = projected(plain.memories[name], projector, plain.known[name].surface)
        return cls(plain.config, plain.extractor, plain.known, memories)


def projected(memory: Memory, projector: nn.Module, surface: Surface) -> Projected:
    """A memory together with its projector and the template's rate of change."""
    return Projected(memory.banks, memory.scale, projector, surface, geometry_change(surface.points))


@torch.no_grad()
def project(projector: nn.Module, features: FloatArray, device: torch.device) -> FloatArray:
    """Project features (n, c) to (n, 256)."""
    found: FloatArray = projector(torch.from_numpy(features).to(device)).float().cpu().numpy()
    return found


def suspicious_centres(points: DoubleArray, changes: DoubleArray, count: int) -> IntArray:
    """Indices of at most `count` points (n, 3), half of them where `changes` (n,) are highest; each once."""
    cloud = points.astype(np.float32)
    plain = farthest_points(cloud, count - count // 2)
    cut = min(max(count // 2, 2, int(DEPARTING_SHARE * len(points))), len(points))
    high = np.argsort(-changes, kind="stable")[:cut]
    return np.union1d(plain, high[farthest_points(cloud[high], min(count // 2, len(high)))])


def plain_patches(extractor: FeatureExtractor, cloud: Cloud, projector: nn.Module) -> Patches:
    """Projected tokens at plain farthest points, for a bank."""
    patches = extractor.extract("groups", cloud, banked=True)
    return replace(patches, features=project(projector, patches.features, extractor.device))
