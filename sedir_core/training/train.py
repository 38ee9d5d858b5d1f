"""A run from a dataset: read, align, tokenise, train, calibrate, record. Test scans are never opened."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sedir_core.config import Config
from sedir_core.datasets.cache import TensorCache, cache_key
from sedir_core.datasets.index import Dataset, Sample, open_dataset
from sedir_core.detectors import run_files
from sedir_core.detectors.category import View
from sedir_core.detectors.encoder_weights import load_encoder
from sedir_core.detectors.fitting import MOST_POINTS, Basis, calibrate, draw_sampling, fit_basis
from sedir_core.detectors.frames import without_strays
from sedir_core.detectors.normal_surface import NormalSurface
from sedir_core.detectors.scoring import Evidence, paper_scores
from sedir_core.detectors.sedir import Nets, SedirDetector, build_network, gather_evidence, residuals_of
from sedir_core.detectors.tokens import resolutions, tokenize
from sedir_core.errors import BadConfig, BadDataset, Cancelled, TooFewPoints
from sedir_core.models.pointmae import LocalEncoder
from sedir_core.models.sedir import SedirObjective, Tokens
from sedir_core.runtime import choose_device, generator, memory_guard
from sedir_core.training.events import EvaluatedEvent, StageEvent, Watch
from sedir_core.training.loop import fit
from sedir_core.training.patch_fit import fit_patch_decoder
from sedir_core.training.run import Run, create_run, describe, resume_run
from sedir_core.types import DoubleArray, Report, Stop, never_stop

log = logging.getLogger(__name__)

METHODS = ("sedir",)
LESS_MEMORY = "lower grouping.n_groups or grouping.working_points, or train with --device cpu"


@dataclass(frozen=True)
class TrainRequest:
    """What to train. categories: None takes all. out: the run directory; where resume is set it holds the run."""

    dataset: Path
    categories: tuple[str, ...] | None
    config: Config
    out: Path
    resume: bool = False
    device: str = "auto"


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


def train(request: TrainRequest, watch: Watch, stop: Stop = never_stop) -> Path:
    """Train, calibrate and record a run; returns its directory. An interrupted one can be resumed exactly.

    Raises BadDataset, UnreadableScan, TooFewPoints, BadConfig, BadWeights, BadRun, RunLocked, DeviceUnavailable,
    TrainingDiverged, CannotWrite, Cancelled (stopped; the checkpoint, if training had begun, is kept).
    """
    if request.config.method not in METHODS:
        raise BadConfig(request.config.method, "no such method", "use " + ", ".join(METHODS))
    wanted, categories = request.device, request.categories
    if request.resume:  # the rest of a run is computed where and as it began
        about = run_files.read_about(request.out)
        wanted, categories = about.device if wanted == "auto" else wanted, about.categories
        torch.set_num_threads(about.threads)
    device, why = choose_device(wanted)
    log.info("device: %s", why)
    dataset = open_dataset(request.dataset, categories)
    with _open_run(request, dataset, device, watch) as run, memory_guard(device, LESS_MEMORY):
        return _train_in(run, dataset, device, lambda: stop() or run.stop_requested())


@contextmanager
def _open_run(request: TrainRequest, dataset: Dataset, device: torch.device, watch: Watch) -> Iterator[Run]:
    about = describe(request.config, dataset.categories, dataset.content_hash, device)
    if not request.resume:
        with create_run(request.out, request.config, about, watch) as run:
            yield run
        return
    with resume_run(request.out, watch) as run:
        if run.about.data_hash != about.data_hash:
            raise BadDataset(request.dataset, "its training scans have changed since this run began", "train a new run")
        yield run


def _train_in(run: Run, dataset: Dataset, device: torch.device, stop: Stop) -> Path:
    config = run.config

    def report(fraction: float, stage: str) -> None:
        run.emit(StageEvent(stage=stage, fraction=fraction))

    bases = _fit_bases(dataset, config, report, stop)
    encoder = load_encoder(config.encoder).to(device)
    n_points = config.grouping.working_points or MOST_POINTS
    bank = _fill_bank(bases, encoder, config, n_points, device, report, stop)
    torch.manual_seed(config.training.seed)
    network = build_network(config, len(bases)).to(device)
    loss = config.loss
    objective = SedirObjective(
        network, loss.supervised_contrastive, loss.classification, loss.cosine, loss.temperature, loss.buffer_size
    ).to(device)
    result = fit(objective, bank, config.training, run, device, stop)
    if result.status == "interrupted":
        raise Cancelled
    patches = fit_patch_decoder(bases, encoder, config, n_points, device, report, stop)
    nets = Nets(encoder, network.eval().requires_grad_(False), patches)
    detector = _calibrated(nets, bases, config, n_points, device, report, stop)
    metrics = {"epochs": result.epoch, "seconds": result.seconds, "losses": dict(result.losses)}
    thresholds = {name: category.whole.threshold for name, category in detector.known.items()}
    run.emit(EvaluatedEvent(epoch=result.epoch, metrics={f"threshold.{k}": v for k, v in thresholds.items()}))
    run.finish(detector.tensors(), metrics | {"thresholds": thresholds})
    return run.path


def _fit_bases(dataset: Dataset, config: Config, report: Report, stop: Stop) -> dict[str, Basis]:
    bases: dict[str, Basis] = {}
    for done, name in enumerate(dataset.categories):
        report(done / len(dataset.categories), f"align {name}")
        clouds: list[DoubleArray] = []
        for sample in dataset.train(name):
            if stop():
                raise Cancelled
            clouds.append(_usable_points(sample, resolutions(config.grouping.group_size)[-1]))
        log.info("align %d parts of %s", len(clouds), name)
        bases[name] = fit_basis(clouds, config.training.seed, stop, from_one_side=config.training.views > 0)
    return bases


def _usable_points(sample: Sample, least: int) -> DoubleArray:
    """The finite points (n, 3) of a training scan, flying pixels left out."""
    scan = sample.read()
    points = without_strays(scan.points[scan.finite])
    if len(points) < least:
        raise TooFewPoints(
            sample.path, f"{len(points)} points, the model groups {least}", "scan more densely, or lower group_size"
        )
    return points


def _fill_bank(
    bases: Mapping[str, Basis],
    encoder: LocalEncoder,
    config: Config,
    n_points: int,
    device: torch.device,
    report: Report,
    stop: Stop,
) -> SamplingBank:
    cache, encoder_hash = TensorCache(), _hash_of(encoder)
    grouping = config.grouping.model_dump()
    rows: list[tuple[Tokens, ...]] = []
    categories: list[int] = []
    n_parts = sum(len(basis.parts) for basis in bases.values())
    for label, (name, basis) in enumerate(bases.items()):
        log.info("encode the samplings of %s", name)
        for part in range(len(basis.parts)):
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
                    for points in _samplings(basis, name, part, n_points, config)
                )
            )
            categories.append(label)
    return SamplingBank(tuple(rows), tuple(categories))


def _samplings(basis: Basis, name: str, part: int, n_points: int, config: Config) -> Iterator[DoubleArray]:
    for turn in range(config.training.samplings + config.training.views):
        random = generator(config.training.seed, "draw", name, part, turn)
        yield draw_sampling(basis, part, n_points, random, from_one_side=turn >= config.training.samplings)


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


def _calibrated(
    nets: Nets,
    bases: Mapping[str, Basis],
    config: Config,
    n_points: int,
    device: torch.device,
    report: Report,
    stop: Stop,
) -> SedirDetector:
    def gather(normal: NormalSurface, points: DoubleArray, view: View | None) -> tuple[Evidence, float]:
        tokens = tokenize(points, config.grouping, nets.encoder, device)
        with torch.no_grad():
            residuals = residuals_of(tokens, nets.network(tokens))
        evidence = gather_evidence(normal, points, tokens, residuals, view)[1]
        return evidence, float(paper_scores(residuals).max())

    log.info("calibrate")
    return SedirDetector(config, nets, calibrate(config, bases, gather, n_points, report, stop), device)


def _hash_of(encoder: LocalEncoder) -> str:
    total = hashlib.sha256()
    for name, value in encoder.state_dict().items():
        total.update(name.encode())
        total.update(value.cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
