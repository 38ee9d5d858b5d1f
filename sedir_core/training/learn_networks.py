"""Detectors with a network per category: trained together in one loop, limits from fresh samplings.

Each step draws clouds from all good parts of one category; an epoch has one step per training scan. A held-out sampling
is scored by a network that was trained on its part: leave-one-out would take one training per part [O].
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from sedir_core.config import override
from sedir_core.detectors.category_networks import NetworkDetector, NetworkOutput, scale_of
from sedir_core.detectors.peer_features import Cloud
from sedir_core.detectors.wide_features import geometry_change, oriented_normals
from sedir_core.errors import Cancelled
from sedir_core.evidence.fitted_parts import FittedParts, draw_sampling
from sedir_core.models.per_category import GoodParts, PerCategory
from sedir_core.runtime import generator
from sedir_core.training.loop import fit
from sedir_core.training.material import Learned
from sedir_core.training.part_material import HeldOutSampling, PartMaterial, Verdicts, with_limits
from sedir_core.training.preview_file import Preview
from sedir_core.training.previews import N_CATEGORIES, dented, every_few_epochs
from sedir_core.training.run import Run
from sedir_core.types import DoubleArray, Report, Stop

log = logging.getLogger(__name__)

PREVIEW_POINTS = 2_000


class PartsBank:
    """All parts of a category behind each of its scans; see `training.loop.Bank`."""

    n_samplings = 1

    def __init__(self, parts: Sequence[GoodParts]) -> None:
        self._parts = parts
        self._scans = [label for label, one in enumerate(parts) for _ in one.points]

    def __len__(self) -> int:
        return len(self._scans)

    def draw(self, scan: int, sampling: int) -> tuple[GoodParts, Tensor]:
        """See `training.loop.Bank`."""
        return self._parts[self._scans[scan]], torch.tensor([self._scans[scan]])


def learn_networks(
    material: PartMaterial,
    kind: type[NetworkDetector],
    trainee: Callable[[], nn.Module],
    run: Run,
    report: Report,
    stop: Stop,
) -> Learned:
    """trainee: creates a `models.per_category.Trainee`. Raises what `loop.fit` raises, and Cancelled."""
    config, device, names = material.config, material.device, tuple(material.fitted)
    torch.manual_seed(config.training.seed)
    objective = PerCategory(len(names), trainee).to(device)
    parts = [good_parts(fitted) for fitted in material.fitted.values()]
    settings = override(config, training={"batch_size": 1}).training  # the trainee draws a step's clouds
    on_epoch = every_few_epochs(_previews(material, kind, objective), objective, run, settings.epochs)
    result = fit(objective, PartsBank(parts), settings, run, device, stop, on_epoch)
    if result.status == "interrupted":
        raise Cancelled
    nets = {name: net.eval().requires_grad_(False) for name, net in zip(names, objective.networks, strict=True)}
    detector = kind(config, nets, {}, {}, device)
    scales: dict[str, DoubleArray] = {}

    def judge(name: str, held_out: Sequence[HeldOutSampling]) -> Verdicts:
        inferred: list[NetworkOutput] = []
        for one in held_out:
            if stop():
                raise Cancelled
            inferred.append(detector.infer_category(name, one.cloud))
        scales[name] = scale_of(inferred)
        found = [
            detector.conclude(output, one.cloud, scales[name]) for output, one in zip(inferred, held_out, strict=True)
        ]
        return Verdicts(np.array([one.object_score for one in found]), np.concatenate([one.scores for one in found]))

    known = with_limits(material, judge, "calibrate", report, stop)
    thresholds = {name: reference.threshold for name, reference in known.items()}
    tensors = kind(config, nets, known, scales, device).tensors()
    return Learned(tensors, thresholds, result.summary(), result.epoch)


def good_parts(fitted: FittedParts) -> GoodParts:
    """Every part of a category, with normals oriented like the reference surface's."""
    clouds = [part.points for part in fitted.parts]
    normals = [oriented_normals(points, fitted.whole.surface) for points in clouds]
    changes = [geometry_change(points) for points in clouds]
    return GoodParts(
        *(tuple(torch.from_numpy(one.astype(np.float32)) for one in of) for of in (clouds, normals, changes))
    )


def _previews(
    material: PartMaterial, kind: type[NetworkDetector], objective: PerCategory
) -> Callable[[], list[Preview]]:
    """A good and a dented sampling of the first few categories, scored by the current networks."""
    names = tuple(material.fitted)
    seed = material.config.training.seed
    clouds: list[tuple[str, bool, DoubleArray]] = []
    for name in names[:N_CATEGORIES]:
        fitted = material.fitted[name]
        good = draw_sampling(fitted, 0, min(material.n_points, 20_000), generator(seed, "preview", name, "good"))
        clouds += [(name, False, good), (name, True, dented(fitted, seed, name, material.n_points))]

    def make() -> list[Preview]:
        detector = kind(material.config, dict(zip(names, objective.networks, strict=True)), {}, {}, material.device)
        found = []
        for name, damaged, points in clouds:
            scores = detector.score_cloud(name, Cloud(points, points)).scores
            some = slice(0, PREVIEW_POINTS)
            found.append(Preview(name, damaged, points[some].astype(np.float32), scores[some].astype(np.float32)))
        return found

    return make
