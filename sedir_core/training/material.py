"""Training material: aligned training parts, and the tokens of their normal samplings."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sedir_core.config import Config
from sedir_core.datasets.cache import TensorCache, cache_key
from sedir_core.datasets.index import Dataset, Sample
from sedir_core.errors import Cancelled, TooFewPoints
from sedir_core.evidence.fitted_parts import FittedParts, draw_sampling, fit_parts
from sedir_core.evidence.tokens import resolutions, tokenize
from sedir_core.geometry.frames import without_strays
from sedir_core.geometry.neighbours import has_neighbours
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import Tokens
from sedir_core.runtime import generator
from sedir_core.training.process_group import ProcessGroup
from sedir_core.types import DoubleArray, Report, Stop

log = logging.getLogger(__name__)

_SEEN = {"auto": None, "all round": False, "one side": True}
"""Whether training scans show one side, by the setting `training.seen`; None to detect it."""


@dataclass(frozen=True)
class SamplingBank:
    """Tokens of every normal sampling, by part and turn; see `training.loop.Bank`."""

    tokens: tuple[tuple[Tokens, ...], ...]
    categories: tuple[int, ...]

    @property
    def n_samplings(self) -> int:
        return len(self.tokens[0])

    def __len__(self) -> int:
        return len(self.tokens)

    def draw(self, scan: int, sampling: int) -> tuple[Tokens, Tensor]:
        return self.tokens[scan][sampling], torch.tensor([self.categories[scan]])


@dataclass(frozen=True)
class Material:
    """n_points: most points per sampling."""

    config: Config
    fitted: Mapping[str, FittedParts]
    encoder: LocalEncoder
    bank: SamplingBank
    n_points: int
    group: ProcessGroup

    @property
    def device(self) -> torch.device:
        return self.group.device


@dataclass(frozen=True)
class Learned:
    """A finished detector's tensors, its limits by category, and a summary of the training."""

    tensors: Mapping[str, Tensor]
    thresholds: Mapping[str, float]
    metrics: Mapping[str, object]
    epoch: int


def fit_all_parts(dataset: Dataset, config: Config, report: Report, stop: Stop) -> dict[str, FittedParts]:
    """The aligned training parts of every category. Raises UnreadableScan, TooFewPoints, Cancelled."""
    all_fitted: dict[str, FittedParts] = {}
    for done, name in enumerate(dataset.categories):
        report(done / len(dataset.categories), f"align {name}")
        clouds = usable_clouds(dataset, name, config, stop)
        log.info("align %d parts of %s", len(clouds), name)
        one_sided = _SEEN[config.training.seen]
        all_fitted[name] = fit_parts(clouds, config.training.seed, stop, config.training.views > 0, one_sided)
    return all_fitted


def usable_clouds(dataset: Dataset, name: str, config: Config, stop: Stop) -> list[DoubleArray]:
    """The training scans of a category for `fit_parts`. Raises UnreadableScan, TooFewPoints, Cancelled."""
    clouds: list[DoubleArray] = []
    for sample in dataset.train(name):
        if stop():
            raise Cancelled
        clouds.append(_usable_points(sample, resolutions(config.grouping)[-1]))
    return clouds


def _usable_points(sample: Sample, least: int) -> DoubleArray:
    """The finite points (n, 3) of a training scan without flying pixels."""
    scan = sample.read()
    points = without_strays(scan.points[scan.finite])
    points = points[has_neighbours(points)]
    if len(points) < least:
        raise TooFewPoints(
            sample.path, f"{len(points)} points, the model groups {least}", "scan more densely, or lower group_size"
        )
    return points


def fill_bank(
    all_fitted: Mapping[str, FittedParts],
    encoder: LocalEncoder,
    config: Config,
    n_points: int,
    device: torch.device,
    report: Report,
    stop: Stop,
) -> SamplingBank:
    """The tokens of all samplings of all parts, with a cache. Raises Cancelled."""
    cache, encoder_hash = TensorCache(), _hash_of(encoder)
    grouping = config.grouping.model_dump()
    rows: list[tuple[Tokens, ...]] = []
    categories: list[int] = []
    n_parts = sum(len(fitted.parts) for fitted in all_fitted.values())
    for label, (name, fitted) in enumerate(all_fitted.items()):
        log.info("encode the samplings of %s", name)
        for part in range(len(fitted.parts)):
            report(len(rows) / n_parts, f"encode {name}")
            rows.append(
                tuple(
                    _cached(
                        cache,
                        points,
                        grouping,
                        encoder_hash,
                        lambda points: tokenize(points, config.grouping, encoder, device),
                        stop,
                    )
                    for points in _samplings(fitted, name, part, n_points, config)
                )
            )
            categories.append(label)
    return SamplingBank(tuple(rows), tuple(categories))


def _samplings(fitted: FittedParts, name: str, part: int, n_points: int, config: Config) -> Iterator[DoubleArray]:
    for turn in range(config.training.samplings + config.training.views):
        random = generator(config.training.seed, "draw", name, part, turn)
        yield draw_sampling(fitted, part, n_points, random, from_one_side=turn >= config.training.samplings)


def _cached(
    cache: TensorCache,
    points: DoubleArray,
    grouping: Mapping[str, object],
    encoder_hash: str,
    make: Callable[[DoubleArray], Tokens],
    stop: Stop,
) -> Tokens:
    if stop():
        raise Cancelled
    content = hashlib.sha256(np.ascontiguousarray(points).tobytes()).hexdigest()

    def tensors() -> dict[str, Tensor]:
        tokens = make(points)
        return {"features": tokens.features, "centers": tokens.centers, "geometry": tokens.geometry}

    found = cache.get(cache_key(content, grouping, encoder_hash, 0), tensors)
    return Tokens(found["features"], found["centers"], found["geometry"])


def _hash_of(encoder: LocalEncoder) -> str:
    total = hashlib.sha256()
    for name, value in encoder.state_dict().items():
        total.update(name.encode())
        total.update(value.cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
