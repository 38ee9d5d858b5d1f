"""Memory-bank detectors: anomaly is the distance to stored features of good parts (method section 10).

- `btf-raw`, `btf-fpfh` (Horwitz & Hoshen 2023, as Real3D-AD's benchmark runs them): coordinates or point feature
  histograms of a few points of the scan as it lies, not aligned; the other points copy the nearest one.
- `patchcore-fpfh`, `patchcore-pointmae` (Roth et al. 2022, likewise): aligned; coreset; squared distances.
- `m3dm`: the point branch of M3DM (Wang et al. 2023), its memory bank alone: the one-class machine that the published
  code puts on top of two modalities' scores has nothing to combine here.
- `simple3d` (AAAI 2026): histograms of several sizes, averaged over neighbourhoods; not aligned; a smoothed map.
- `cpmf` (Cao et al. 2023): pictures from many sides, read by a network that knows pictures, beside histograms.
- `ismp` (Liang et al. 2025), its public re-creation's first form: Reg3D-AD with a longer vector, which begins with what
  that network sees in four projections of the whole scan.
- `reg3d-ad` (Liu et al. 2023): Point-MAE's features and aligned coordinates, a bank each. The published code brings
  both to one scale by their extremes over the whole test set; a scan that arrives alone has no test set, so ours are
  the extremes of held-out good scans. Theirs is not offered: it would let test scans judge each other.

All align by our own registration instead of RANSAC, as our MC3D-AD does: what is to be compared is the method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sedir_core.config import Config, EncoderConfig
from sedir_core.detectors.bank import MemoryBank
from sedir_core.detectors.by_place import smoothed
from sedir_core.detectors.category_given import NO_TOKEN, CategoryGivenDetector, CloudScores
from sedir_core.detectors.peer_features import NEEDS_BACKBONE, NEEDS_ENCODER, Channel, Cloud, FeatureExtractor, Patches
from sedir_core.detectors.reference import Reference, reference_to_tensors
from sedir_core.detectors.residuals import PlacedResiduals
from sedir_core.detectors.stored import stored_detector, to_store
from sedir_core.evidence.stages import LESS_MEMORY, below
from sedir_core.models.efficientnet import EfficientNetLite0, ResNet18
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.rundir.stored_nets import restored
from sedir_core.runtime import choose_device, memory_guard
from sedir_core.types import DoubleArray, FloatArray, IntArray

WEIGHING_NEIGHBOURS = 2
KNOWS_SCANS: frozenset[Channel] = frozenset({"raw wide histograms", "views"})
"""Channels whose mean feature distinguishes scans."""


@dataclass(frozen=True)
class Recipe:
    """channels: a bank each, the first one's mean features are the token. weighted: the object score is BTF's, else
    the highest point's. squared: distances are. smooth: point scores are averaged over their neighbours.
    share: of the features that is kept, if it is not a number of them."""

    channels: tuple[Channel, ...]
    weighted: bool = False
    squared: bool = False
    smooth: bool = False
    share: float = 0.0

    @property
    def needs_encoder(self) -> bool:
        """Whether it reads Point-MAE's features; these are its tokens."""
        return self.channels[0] in NEEDS_ENCODER

    @property
    def has_tokens(self) -> bool:
        """Whether the mean of its features stands for the scan."""
        return self.needs_encoder or self.channels[0] in KNOWS_SCANS

    @property
    def needs_backbone(self) -> bool:
        """Whether it needs the picture backbone."""
        return self.channels[0] in NEEDS_BACKBONE

    @property
    def unregistered(self) -> bool:
        """Whether scans are used without alignment."""
        return self.channels[0].startswith("raw ")


RECIPES: Mapping[str, Recipe] = {
    "btf-raw": Recipe(("raw coordinates",), weighted=True),
    "btf-fpfh": Recipe(("raw histograms",), weighted=True),
    "patchcore-fpfh": Recipe(("histograms",), squared=True),
    "patchcore-pointmae": Recipe(("groups",), squared=True),
    "m3dm": Recipe(("points",), weighted=True),
    "group3ad": Recipe(("groups", "coordinates"), squared=True),
    "reg3d-ad": Recipe(("groups", "coordinates"), squared=True),
    "cpmf": Recipe(("views",), weighted=True, share=0.1),
    "ismp": Recipe(("slices and groups", "coordinates"), squared=True),
    "simple3d": Recipe(("raw wide histograms",), smooth=True),
}


@dataclass(frozen=True)
class Memory:
    """The memory of a category: a bank per channel, and the scale (channels, 2), range of normal distances."""

    banks: tuple[MemoryBank, ...]
    scale: DoubleArray

    def without(self, part: int) -> Memory:
        """Without that training part's entries."""
        return Memory(tuple(bank.without(part) for bank in self.banks), self.scale)


@dataclass(frozen=True)
class PatchDistances:
    """A scan in one channel: its patches, their distances to the bank, and the nearest entries, (m,) each."""

    patches: Patches
    distances: DoubleArray
    entries: IntArray


class MemoryBankDetector(CategoryGivenDetector):
    """A memory bank per category and channel."""

    def __init__(
        self,
        config: Config,
        extractor: FeatureExtractor,
        known: Mapping[str, Reference],
        memories: Mapping[str, Memory],
    ) -> None:
        super().__init__(config, known)
        self.extractor, self.memories, self.recipe = extractor, dict(memories), RECIPES[config.method]

    def score_cloud(self, category: str, cloud: Cloud) -> CloudScores:
        """See `CategoryGivenDetector.score_cloud`."""
        with memory_guard(self.extractor.device, LESS_MEMORY):
            judged = self.judge(cloud, self.memories[category])
        return self.conclude(cloud, self.memories[category], judged)

    def judge(self, cloud: Cloud, memory: Memory) -> list[PatchDistances]:
        """The distances to the banks, channel by channel."""
        found = []
        for channel, bank in zip(self.recipe.channels, memory.banks, strict=True):
            patches = self.extractor.extract(channel, cloud)
            distances, entries = bank.nearest(patches.features, self.extractor.device)
            found.append(PatchDistances(patches, distances**2 if self.recipe.squared else distances, entries))
        return found

    def conclude(self, cloud: Cloud, memory: Memory, judged: Sequence[PatchDistances]) -> CloudScores:
        """One score per point and one for the scan."""
        layers = []
        for one, (low, high) in zip(judged, memory.scale, strict=True):
            layers.append((one.patches.to_points(one.distances, self._seen(cloud)) - low) / (high - low))
        scores = np.mean(layers, axis=0)
        if self.recipe.smooth:
            scores = smoothed(scores, self._seen(cloud))
        score = weighted_maximum(judged[0], memory.banks[0]) if self.recipe.weighted else float(scores.max())
        token = judged[0].patches.features.mean(axis=0) if self.recipe.has_tokens else NO_TOKEN
        return CloudScores(scores, score, token)

    def residuals(self, category: str, cloud: Cloud, left_out: int | None = None) -> PlacedResiduals:
        """See `detectors.residuals.ResidualDetector`: distances of patches, or of all banks together at the points."""
        memory = self.memories[category]
        memory = memory if left_out is None else memory.without(left_out)
        with memory_guard(self.extractor.device, LESS_MEMORY):
            judged = self.judge(cloud, memory)
        if len(judged) == 1:
            return PlacedResiduals(self._seen(cloud)[judged[0].patches.picked], judged[0].distances)
        return PlacedResiduals(cloud.aligned, self.conclude(cloud, memory, judged).scores)

    def _seen(self, cloud: Cloud) -> DoubleArray:
        return cloud.raw if self.recipe.unregistered else cloud.aligned

    def tensors(self) -> dict[str, Tensor]:
        """Everything `load` needs beside config.toml and about.json."""
        nets = {"encoder": self.extractor.encoder, "backbone": self.extractor.backbone}
        return to_store(nets, (self._tensors_of(name) for name in self.known))

    def _tensors_of(self, name: str) -> dict[str, Tensor]:
        memory = self.memories[name]
        own = reference_to_tensors(self.known[name]) | {"scale": torch.from_numpy(memory.scale)}
        for number, bank in enumerate(memory.banks):
            own[f"bank.{number}.entries"] = torch.from_numpy(bank.entries)
            own[f"bank.{number}.owners"] = torch.from_numpy(bank.owners)
            if bank.gains is not None:
                own[f"bank.{number}.gains"] = torch.from_numpy(bank.gains)
        return own

    @classmethod
    def load(cls, run_dir: Path, device: str = "auto") -> MemoryBankDetector:
        """The detector of a finished run. Raises BadRun, DeviceUnavailable."""
        with stored_detector(run_dir) as stored:
            config, target = stored.config, choose_device(device)[0]
            encoder = _encoder(config.encoder, below(stored.tensors, "encoder."), target)
            backbone = _backbone(config, below(stored.tensors, "backbone."), target)
            known, recipe = stored.references(), RECIPES[config.method]
            memories = {name: _memory(part, recipe.channels) for name, part in stored.parts.items()}
            if (encoder is None) == recipe.needs_encoder:
                raise ValueError("the encoder is missing")
            if (backbone is None) == recipe.needs_backbone:
                raise ValueError("the network that reads pictures is missing")
            return cls(config, FeatureExtractor(config, encoder, backbone, target), known, memories)


def weighted_maximum(judged: PatchDistances, bank: MemoryBank) -> float:
    """BTF's object score: the largest distance s, times 1 - exp(s / √D) / Σ exp(d / √D).

    d: from the same patch to the two entries that lie nearest to its own nearest entry; D: the features' width. Where a
    part is unlike its nearest memory but no less unlike the next ones, it is trusted more.
    """
    worst = int(judged.distances.argmax())
    largest = float(judged.distances[worst])
    others = bank.entries[bank.neighbours(int(judged.entries[worst]), WEIGHING_NEIGHBOURS)]
    patch = judged.patches.features[worst]
    away = np.linalg.norm(others - patch, axis=1).astype(np.float64)
    ratio = np.exp((largest - away) / np.sqrt(len(patch)))  # of exponentials that would overflow one by one
    return largest * (1 - 1 / float((1 / np.maximum(ratio, 1e-300)).sum())) if len(ratio) else largest


def _encoder(size: EncoderConfig, tensors: dict[str, Tensor], device: torch.device) -> LocalEncoder | None:
    if not tensors:
        return None
    return restored(lambda: LocalEncoder(size.width, size.hidden, size.heads, size.depth), tensors, device)


def _backbone(config: Config, tensors: dict[str, Tensor], device: torch.device) -> nn.Module | None:
    if not tensors:
        return None
    lite = config.method != "cpmf" or config.cpmf.backbone == "lite0"
    return restored(EfficientNetLite0, tensors, device) if lite else restored(ResNet18, tensors, device)


def _memory(tensors: Mapping[str, Tensor], channels: Sequence[Channel]) -> Memory:
    """Raises KeyError or ValueError where something is missing or misshapen."""
    banks = []
    for number in range(len(channels)):
        entries: FloatArray = tensors[f"bank.{number}.entries"].float().numpy()
        owners = tensors[f"bank.{number}.owners"].long().numpy()
        if entries.ndim != 2 or not entries.size or owners.shape != entries.shape[:1]:
            raise ValueError(f"bank {number} is {entries.shape} of {owners.shape} parts")
        gains = tensors.get(f"bank.{number}.gains")
        if gains is not None and gains.shape != entries.shape[1:]:
            raise ValueError(f"bank {number} is {entries.shape}, its gains {tuple(gains.shape)}")
        banks.append(MemoryBank(entries, owners, None if gains is None else gains.float().numpy()))
    scale = tensors["scale"].double().numpy()
    if scale.shape != (len(channels), 2) or not (scale[:, 0] < scale[:, 1]).all():
        raise ValueError("the scale is not one range per bank")
    return Memory(tuple(banks), scale)
