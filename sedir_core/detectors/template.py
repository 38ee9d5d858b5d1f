"""Golden template, as in metrology software: registration, then signed distances between scan and good surface.

Registration is our own (24 axis pairings, method section 0). Distances go both ways: from the scan to the surface,
where material is added or dented, and from the surface to the scan, where it is missing. Each is taken along the
surface's normal and averaged over a few neighbours, so that noise cancels and a dent does not (Lague et al. 2013,
M3C2); beyond an edge, where nothing lies opposite, the distance itself counts. The surface is merged from the training
parts [O].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sedir_core.config import Config
from sedir_core.detectors.by_place import top_mean
from sedir_core.detectors.category_given import NO_TOKEN, CategoryGivenDetector, CloudScores
from sedir_core.detectors.peer_features import Cloud
from sedir_core.detectors.reference import Reference, reference_to_tensors
from sedir_core.detectors.residuals import PlacedResiduals
from sedir_core.detectors.stored import stored_detector, to_store
from sedir_core.evidence.combination import Evidence, NormalStatistics
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray

SMOOTHING = 16  # neighbours for averaging a distance
BEYOND = 3.0  # multiple of the median distance beyond which there is no opposite surface
THERE, BACK = "there", "back"


@dataclass(frozen=True)
class SurfaceDistances:
    """Both (n,), in radii, at the points of a scan. there: signed, positive outside the surface. back: how far the
    surface around is from the scan, at least 0."""

    there: DoubleArray
    back: DoubleArray

    def evidence(self, places: DoubleArray) -> Evidence:
        """Both distances as evidence at places (n, 3) of the golden surface."""
        return Evidence(places, {THERE: np.abs(self.there), BACK: self.back})


class TemplateDetector(CategoryGivenDetector):
    """A golden template per category. statistics: normal statistics by place; None unless standardised."""

    def __init__(
        self, config: Config, known: Mapping[str, Reference], statistics: Mapping[str, NormalStatistics] | None = None
    ) -> None:
        super().__init__(config, known)
        self.statistics = statistics

    def score_cloud(self, category: str, cloud: Cloud) -> CloudScores:
        """See `CategoryGivenDetector.score_cloud`. Scores are distances in the training unit, unless standardised."""
        mine = self.known[category]
        found = deviation(cloud.aligned, mine.surface)
        statistics = None if self.statistics is None else self.statistics[category]
        scores = self.score(found, cloud.aligned, mine.frame.radius, statistics)
        worst = int(np.abs(found.there).argmax())
        distance = mine.frame.radius * found.there[worst]
        side = "outside" if distance > 0 else "inside"
        remark = f"farthest point {abs(distance):.3g} {side} the golden surface"
        return CloudScores(scores, top_mean(scores), NO_TOKEN, remark)

    def residuals(self, category: str, cloud: Cloud, left_out: int | None = None) -> PlacedResiduals:
        """See `detectors.residuals.ResidualDetector`; the golden surface merges all parts and cannot exclude one."""
        mine = self.known[category]
        return PlacedResiduals(
            cloud.aligned, self.score(deviation(cloud.aligned, mine.surface), cloud.aligned, 1.0, None)
        )

    @staticmethod
    def score(
        found: SurfaceDistances, places: DoubleArray, radius: float, statistics: NormalStatistics | None
    ) -> DoubleArray:
        """(n,) the larger of both distances."""
        if statistics is not None:
            return np.maximum(*statistics.standardise(found.evidence(places)).values())
        return radius * np.maximum(np.abs(found.there), found.back)

    def tensors(self) -> dict[str, Tensor]:
        """Everything `load` needs beside config.toml and about.json."""
        return to_store({}, (self._tensors_of(name) for name in self.known))

    def _tensors_of(self, name: str) -> dict[str, Tensor]:
        own = reference_to_tensors(self.known[name])
        return own if self.statistics is None else own | _statistics_to_tensors(self.statistics[name])

    @classmethod
    def load(cls, run_dir: Path, device: str = "auto") -> TemplateDetector:
        """The detector of a finished run; it computes on the CPU. Raises BadRun."""
        with stored_detector(run_dir) as stored:
            per_place = stored.config.bank.standardise == "place"
            statistics = (
                {name: _statistics_from_tensors(part) for name, part in stored.parts.items()} if per_place else None
            )
            return cls(stored.config, stored.references(), statistics)


def deviation(points: DoubleArray, surface: Surface) -> SurfaceDistances:
    """Distances in both directions between an aligned scan (n, 3) and a surface."""
    tree = PointTree(points)
    distances, nearest = surface.tree.nearest(points)
    along = np.einsum("ij,ij->i", points - surface.points[nearest], surface.normals[nearest])
    there = _or_beyond(along, distances)
    gaps, beside = tree.nearest(surface.points)
    across = np.einsum("ij,ij->i", points[beside] - surface.points, surface.normals)
    back = np.abs(_or_beyond(across, gaps))
    around = tree.nearest_k(points, SMOOTHING)[1]
    covered = surface.tree.nearest_k(points, SMOOTHING)[1]
    return SurfaceDistances(there[around].mean(axis=1), back[covered].mean(axis=1))


def _or_beyond(along: DoubleArray, distances: DoubleArray) -> DoubleArray:
    """Distances along the normal, or the full distance with the same sign without an opposite surface."""
    beyond = distances > BEYOND * np.median(distances)
    return np.where(beyond, np.where(along < 0, -distances, distances), along)


def _statistics_to_tensors(statistics: NormalStatistics) -> dict[str, Tensor]:
    numbers = {"anchors": statistics.anchors, "limits": np.array([statistics.limits[name] for name in (THERE, BACK)])}
    numbers |= {name: statistics.values[name] for name in (THERE, BACK)}
    return {f"usual.{name}": torch.from_numpy(np.ascontiguousarray(value)) for name, value in numbers.items()}


def _statistics_from_tensors(tensors: Mapping[str, Tensor]) -> NormalStatistics:
    """Raises KeyError or ValueError if something is missing or has the wrong shape."""
    anchors, limits, there, back = (tensors[f"usual.{n}"].double().numpy() for n in ("anchors", "limits", THERE, BACK))
    if anchors.shape != (len(there), 3) or limits.shape != (2,) or there.shape != back.shape or not len(there):
        raise ValueError("the usual distances do not belong to their places")
    if min(limits.min(), there.min(), back.min()) <= 0:
        raise ValueError("a usual distance is not above 0")
    return NormalStatistics(anchors, {THERE: there, BACK: back}, {THERE: float(limits[0]), BACK: float(limits[1])})
