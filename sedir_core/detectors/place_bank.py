"""Compares local descriptors with those of good parts at the same place.

Scans are aligned and normals oriented like the template's, so that descriptors can depend on position and side [O].

- `simple3d-place`: the histograms of Simple3D.
- `curvature-place`: curvature at several scales and nothing else, which CASL (2025) found to beat several learned
  methods.

A point's distance is that to the most similar of the good descriptors nearest to it in space.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sedir_core.config import Config
from sedir_core.detectors.by_place import PlaceStatistics, smoothed, top_mean
from sedir_core.detectors.category_given import NO_TOKEN, CategoryGivenDetector, CloudScores
from sedir_core.detectors.peer_features import Cloud
from sedir_core.detectors.reference import Reference, reference_to_tensors
from sedir_core.detectors.residuals import PlacedResiduals
from sedir_core.detectors.stored import stored_detector, to_store
from sedir_core.detectors.wide_features import curvatures, oriented_normals, wide_histograms
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray, FloatArray, IntArray

AT_ONCE = 1_000  # points, each of which is compared with its neighbours' descriptors


@dataclass(frozen=True)
class PlaceMemory:
    """features (m, d) at places (m, 3), from parts `owners` (m,). statistics: the distances of held-out good scans."""

    places: DoubleArray
    features: FloatArray
    owners: IntArray
    statistics: PlaceStatistics | None = None

    def without(self, part: int) -> PlaceMemory:
        """The memory without that part's entries; the whole memory if there are no others."""
        others = self.owners != part
        if not others.any():
            return self
        return PlaceMemory(self.places[others], self.features[others], self.owners[others], self.statistics)

    @cached_property
    def tree(self) -> PointTree:
        """Of the places."""
        return PointTree(self.places)

    def distances(self, places: DoubleArray, features: FloatArray, k: int) -> DoubleArray:
        """(n,) distance of features (n, d) at places (n, 3) to the most similar of the k spatially nearest."""
        near = self.tree.nearest_k(places, k)[1]
        found = np.empty(len(places))
        for start in range(0, len(places), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            away = self.features[near[rows]] - features[rows, None]
            found[rows] = np.sqrt(np.einsum("nkd,nkd->nk", away, away).min(axis=1))
        return found


class PlaceDetector(CategoryGivenDetector):
    """Descriptors by place, per category."""

    def __init__(self, config: Config, known: Mapping[str, Reference], memories: Mapping[str, PlaceMemory]) -> None:
        super().__init__(config, known)
        self.memories = dict(memories)

    def score_cloud(self, category: str, cloud: Cloud) -> CloudScores:
        """See `CategoryGivenDetector.score_cloud`."""
        statistics = self.memories[category].statistics
        assert statistics is not None
        features = self._describe(category, cloud)
        values = self.memories[category].distances(cloud.aligned, features, self.config.place.neighbours)
        return replace(concluded(statistics, cloud.aligned, values), token=features.mean(axis=0))

    def residuals(self, category: str, cloud: Cloud, left_out: int | None = None) -> PlacedResiduals:
        """See `detectors.residuals.ResidualDetector`."""
        memory = self.memories[category]
        memory = memory if left_out is None else memory.without(left_out)
        features = self._describe(category, cloud)
        return PlacedResiduals(cloud.aligned, memory.distances(cloud.aligned, features, self.config.place.neighbours))

    def _describe(self, category: str, cloud: Cloud) -> FloatArray:
        return describe(self.method, cloud.aligned, self.known[category].surface)

    def tensors(self) -> dict[str, Tensor]:
        """Everything `load` needs beside config.toml and about.json."""
        return to_store({}, (self._tensors_of(name) for name in self.known))

    def _tensors_of(self, name: str) -> dict[str, Tensor]:
        memory = self.memories[name]
        assert memory.statistics is not None
        arrays = {"places": memory.places, "features": memory.features, "owners": memory.owners}
        own = reference_to_tensors(self.known[name]) | memory.statistics.tensors()
        return own | {key: torch.from_numpy(array) for key, array in arrays.items()}

    @classmethod
    def load(cls, run_dir: Path, device: str = "auto") -> PlaceDetector:
        """The detector of a finished run; it computes on the CPU. Raises BadRun."""
        with stored_detector(run_dir) as stored:
            memories = {name: _memory(part) for name, part in stored.parts.items()}
            return cls(stored.config, stored.references(), memories)


def concluded(statistics: PlaceStatistics, places: DoubleArray, values: DoubleArray) -> CloudScores:
    """One score per point and one for the scan, from distances (n,) at places (n, 3)."""
    scores = smoothed(statistics.standardised(places, values), places)
    return CloudScores(scores, top_mean(scores), NO_TOKEN)


def describe(method: str, aligned: DoubleArray, surface: Surface) -> FloatArray:
    """(n, d) descriptors of an aligned scan (n, 3), by the method's name."""
    return _DESCRIPTORS[method](aligned, oriented_normals(aligned, surface))


_DESCRIPTORS: Mapping[str, Callable[[DoubleArray, DoubleArray], FloatArray]] = {
    "simple3d-place": wide_histograms,
    "curvature-place": curvatures,
}


def _memory(tensors: Mapping[str, Tensor]) -> PlaceMemory:
    """Raises KeyError or ValueError if something is missing or has the wrong shape."""
    places, owners = tensors["places"].double().numpy(), tensors["owners"].long().numpy()
    features: FloatArray = tensors["features"].float().numpy()
    if features.ndim != 2 or not features.size or places.shape != (len(features), 3) or owners.shape != (len(places),):
        raise ValueError(f"features {features.shape} at places {places.shape}")
    return PlaceMemory(places, features, owners, PlaceStatistics.from_tensors(tensors))
