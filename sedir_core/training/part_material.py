"""Training material of the category-given detectors: aligned good parts, and limits from held-out samplings of them.

The published codes have no limits; ours are set as SeDiR's are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from sedir_core.config import Config
from sedir_core.detectors.peer_features import Cloud
from sedir_core.detectors.reference import Reference
from sedir_core.evidence.fitted_parts import FittedParts
from sedir_core.evidence.limits import object_limits
from sedir_core.evidence.training_numbers import LIMITS
from sedir_core.runtime import generator
from sedir_core.training.parts_cache import cached_hold_outs
from sedir_core.types import DoubleArray, Report, Stop

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PartMaterial:
    """The good parts of every category. clouds: unaligned, (n, 3), in file coordinates.

    n_points: most points per sampling.
    """

    config: Config
    fitted: Mapping[str, FittedParts]
    clouds: Mapping[str, Sequence[DoubleArray]]
    n_points: int
    device: torch.device

    def raw(self, name: str, part: int, count: int, random: np.random.Generator) -> DoubleArray:
        """At most `count` points (n, 3) of an unaligned part, centred, in radii of the category."""
        points = some(self.clouds[name][part], count, random)
        return np.asarray((points - points.mean(axis=0)) / self.fitted[name].frame.radius)

    def clouds_of(self, name: str, random: np.random.Generator) -> list[Cloud]:
        """Every part of a category, of `n_points` points each."""
        found = []
        for i, part in enumerate(self.fitted[name].parts):
            aligned = some(part.points, self.n_points, random)
            found.append(Cloud(self.raw(name, i, len(aligned), random), aligned))
        return found


@dataclass(frozen=True)
class HeldOutSampling:
    """A held-out normal sampling of a part. residual: of the alignment."""

    part: int
    cloud: Cloud
    residual: float


@dataclass(frozen=True)
class Verdicts:
    """Scores of a category's held-out normal scans: object scores (h,), and all point scores."""

    scores: DoubleArray
    points: DoubleArray


Judge = Callable[[str, Sequence[HeldOutSampling]], Verdicts]


def with_limits(material: PartMaterial, judge: Judge, stage: str, report: Report, stop: Stop) -> dict[str, Reference]:
    """Every category's reference with limits from `judge`'s scores of held-out scans. Raises Cancelled."""
    known: dict[str, Reference] = {}
    scores: dict[str, DoubleArray] = {}
    for done, (name, fitted) in enumerate(material.fitted.items()):
        report(done / len(material.fitted), f"{stage} {name}")
        log.info("%s %s", stage, name)
        held_out = hold_out_all(material, name, stop)
        verdicts = judge(name, held_out)
        scores[name] = verdicts.scores
        point_threshold = float(np.quantile(verdicts.points, LIMITS.point_quantile))
        residual = float(np.median([one.residual for one in held_out]))
        known[name] = Reference(fitted.frame, fitted.size, fitted.whole.surface, residual, np.nan, point_threshold)
    limits = object_limits(scores, material.config.scoring.false_alarm_rate)
    return {
        name: replace(reference, threshold=limits[name], held_out=scores[name]) for name, reference in known.items()
    }


def hold_out_all(material: PartMaterial, name: str, stop: Stop) -> list[HeldOutSampling]:
    """Fresh samplings of every part of a category, aligned to the surface of the other parts. Raises Cancelled."""
    training = material.config.training
    seed = (training.seed, "held out", name)
    found = []
    for sampling in cached_hold_outs(material.fitted[name], material.n_points, training.held_out, stop, seed):
        random = generator(training.seed, "as scanned", name, sampling.part, sampling.turn)
        raw = material.raw(name, sampling.part, len(sampling.points), random)
        found.append(HeldOutSampling(sampling.part, Cloud(raw, sampling.points), sampling.residual))
    return found


def some(points: DoubleArray, count: int, random: np.random.Generator) -> DoubleArray:
    """At most `count` of the points (n, 3), in random order."""
    return points[random.permutation(len(points))[:count]]
