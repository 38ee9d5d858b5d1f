"""Trains a run on a dataset: read, align, tokenise, train, calibrate, record. Test scans are never opened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from sedir_core.config import Config
from sedir_core.datasets.index import Dataset, open_dataset, refuse_called_defective
from sedir_core.detectors.registry import BY_NAME, code
from sedir_core.errors import BadDataset
from sedir_core.evidence.fitted_parts import MOST_POINTS, FittedParts
from sedir_core.io.columns import parse_columns
from sedir_core.names import printable, storable
from sedir_core.rundir import files as run_files
from sedir_core.rundir.encoder_weights import load_encoder
from sedir_core.runtime import choose_device, memory_guard
from sedir_core.training.events import EvaluatedEvent, StageEvent, Watch
from sedir_core.training.loop import LESS_MEMORY
from sedir_core.training.material import Learned, Material, fill_bank, usable_clouds
from sedir_core.training.part_material import PartMaterial
from sedir_core.training.parts_cache import cached_parts
from sedir_core.training.process_group import ProcessGroup, joined, own_device
from sedir_core.training.run import Follower, Run, create_run, describe, resume_run
from sedir_core.training.warm_start import Origin, grow, inheriting, open_to_grow, read_origin, require_same_sizes
from sedir_core.types import Report, Stop, never_stop

log = logging.getLogger(__name__)

LearnTokens = Callable[[Material, Run, Report, Stop], Learned | None]
LearnParts = Callable[[PartMaterial, Run, Report, Stop], Learned]


@dataclass(frozen=True)
class TrainRequest:
    """What to train. categories: None means all. out: the run directory, existing if resume is set.

    warm_start: a finished run to extend by new categories, see `warm_start`.
    """

    dataset: Path
    categories: tuple[str, ...] | None
    config: Config
    out: Path
    resume: bool = False
    device: str = "auto"
    warm_start: Path | None = None


def train(request: TrainRequest, watch: Watch, stop: Stop = never_stop) -> Path:
    """Train, calibrate and record a run; returns its directory. An interrupted one can be resumed exactly.

    With a launcher such as torchrun, several processes train together, on one or several hosts: the first writes the
    run, which the others must be able to read.

    Raises BadDataset, UnreadableScan, TooFewPoints, BadConfig, BadWeights, BadRun, RunLocked, DeviceUnavailable,
    TrainingDiverged, CannotWrite, Cancelled (stopped; the checkpoint, if training had begun, is kept).
    """
    wanted, categories, known = request.device, request.categories, tuple[str, ...]()
    origin = None if request.warm_start is None or request.resume else read_origin(request.warm_start)
    if origin is not None:
        require_same_sizes(request.config, origin)
        known = origin.about.categories
    if request.resume:  # a run is resumed on its original device
        about = run_files.read_about(request.out)
        wanted, categories = about.device if wanted == "auto" else wanted, about.categories
        known = about.inherited
        torch.set_num_threads(about.threads)
    device, why = choose_device(own_device(wanted))
    log.info("device: %s", why)
    if known:
        fresh = None if categories is None else [name for name in categories if name not in known]
        dataset = open_to_grow(request.dataset, fresh, known, parse_columns(request.config.data.columns))
    else:
        dataset = open_dataset(request.dataset, categories, parse_columns(request.config.data.columns))
    _refuse_odd_names(dataset)
    if request.config.data.defective_names == "refuse":
        refuse_called_defective(dataset)
    with (
        joined(device) as group,
        _open_run(request, dataset, group, watch, origin) as run,
        memory_guard(device, LESS_MEMORY),
    ):
        return _train_in(run, dataset, group, bool(known), lambda: stop() or run.stop_requested())


def _refuse_odd_names(dataset: Dataset) -> None:
    """Reject category names that cannot be stored or displayed. Raises BadDataset."""
    for name in dataset.categories:
        if printable(name) != name or len(name) > run_files.MAX_NAME:
            what = "is not a valid category name: it has control characters, is not valid text, or is too long"
            raise BadDataset(name, what, "rename the folder")


@contextmanager
def _open_run(
    request: TrainRequest, dataset: Dataset, group: ProcessGroup, watch: Watch, origin: Origin | None
) -> Iterator[Run]:
    if not group.leads:
        yield Follower(request.out, request.config)
        return
    about = describe(
        request.config, dataset.categories, dataset.content_hash, group.device, storable(dataset.root.resolve())
    )
    if origin is not None:
        about = inheriting(about, origin)
    if not request.resume:
        weights = None if origin is None else origin.weights
        with create_run(request.out, request.config, about, watch, origin=weights) as run:
            yield run
        return
    with resume_run(request.out, watch) as run:
        if run.about.data_hash != about.data_hash:
            raise BadDataset(request.dataset, "its training scans have changed since this run began", "train a new run")
        yield run


def _train_in(run: Run, dataset: Dataset, group: ProcessGroup, grows: bool, stop: Stop) -> Path:
    config = run.config

    def report(fraction: float, stage: str) -> None:
        run.emit(StageEvent(stage=printable(stage), fraction=fraction))

    if grows:
        learned: Learned | None = grow(run, dataset, group, report, stop)
    else:
        all_fitted = cached_parts(dataset, config, report, stop)
        learn = _from_tokens if BY_NAME[config.method].from_tokens else _from_parts
        learned = learn(run, dataset, all_fitted, group, report, stop)
    if learned is None:
        return run.path
    thresholds = {f"threshold.{name}": value for name, value in learned.thresholds.items()}
    run.emit(EvaluatedEvent(epoch=learned.epoch, metrics=thresholds))
    run.finish(learned.tensors, {**learned.metrics, "thresholds": dict(learned.thresholds)})
    return run.path


def _from_tokens(
    run: Run, dataset: Dataset, all_fitted: Mapping[str, FittedParts], group: ProcessGroup, report: Report, stop: Stop
) -> Learned | None:
    """Train with all processes of the group."""
    config = run.config
    encoder = load_encoder(config.encoder).to(group.device)
    n_points = config.grouping.working_points or MOST_POINTS
    with group.leader_first():
        bank = fill_bank(all_fitted, encoder, config, n_points, group.device, report, stop)
    learn: LearnTokens = code(BY_NAME[config.method].learner)
    return learn(Material(config, all_fitted, encoder, bank, n_points, group), run, report, stop)


def _from_parts(
    run: Run, dataset: Dataset, all_fitted: Mapping[str, FittedParts], group: ProcessGroup, report: Report, stop: Stop
) -> Learned | None:
    """Train in one process."""
    if not group.leads:
        return None
    config = run.config
    clouds = {name: usable_clouds(dataset, name, config, stop) for name in all_fitted}
    for name in clouds:
        dataset.require_unchanged(name)
    n_points = config.grouping.working_points or MOST_POINTS
    learn: LearnParts = code(BY_NAME[config.method].learner)
    return learn(PartMaterial(config, all_fitted, clouds, n_points, group.device), run, report, stop)
