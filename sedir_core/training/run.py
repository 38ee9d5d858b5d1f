"""Access to a run directory by the process that trains in it."""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sedir_core.config import Config, to_toml
from sedir_core.errors import BadRun, BadWeights, Cancelled, CannotWrite, UserError
from sedir_core.io.atomic import write_bytes, write_text
from sedir_core.io.tensor_file import read_tensors, write_tensors
from sedir_core.names import PlainFormatter, printable
from sedir_core.rundir import files as run_files
from sedir_core.rundir.files import FORMAT, About
from sedir_core.rundir.lock import held
from sedir_core.training.events import (
    AnyEvent,
    DoneEvent,
    EpochEvent,
    EventLog,
    FailedEvent,
    SavedEvent,
    Watch,
)

log = logging.getLogger(__name__)


def describe(
    config: Config, categories: tuple[str, ...], data_hash: str, device: torch.device, dataset: str = ""
) -> About:
    """The about.json of a training that starts now on this machine."""
    return About(
        method=config.method,
        categories=categories,
        seed=config.training.seed,
        dataset=dataset,
        data_hash=data_hash,
        device=str(device),
        threads=torch.get_num_threads(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={
            "sedir": version("sedir-inspect"),
            "python": platform.python_version(),
            "torch": version("torch"),
            "numpy": version("numpy"),
        },
        settings=run_files.settings_hash(config.settings()),
        false_alarm_rate=config.scoring.false_alarm_rate,
    )


class Run:
    """An open run directory; created by `create_run` and `resume_run`, which hold its lock."""

    def __init__(self, path: Path, config: Config, about: About, events: EventLog, watchers: tuple[Watch, ...]) -> None:
        self.path, self.config, self.about = path, config, about
        self._events, self._watchers = events, watchers
        self.ended = False
        """Whether the last event was done or failed."""

    def emit(self, event: AnyEvent) -> None:
        """Append to events.jsonl and notify the watchers. Raises CannotWrite."""
        self._events.emit(event)
        if isinstance(event, EpochEvent | SavedEvent | DoneEvent | FailedEvent):
            log.info("%s", event)
        self.ended = isinstance(event, DoneEvent | FailedEvent)
        for watch in self._watchers:
            watch(event)

    def stop_requested(self) -> bool:
        """Whether the run directory contains a file named STOP."""
        return (self.path / run_files.STOP).exists()

    def stop_after_epoch_requested(self) -> bool:
        """Whether the run directory contains a file named STOP-AFTER-EPOCH."""
        return (self.path / run_files.STOP_AFTER_EPOCH).exists()

    def forget_stops(self) -> None:
        """Remove requests to stop that have been handled or are stale."""
        for name in (run_files.STOP, run_files.STOP_AFTER_EPOCH):
            (self.path / name).unlink(missing_ok=True)

    def save_state(self, tensors: Mapping[str, Tensor], meta: Mapping[str, str]) -> None:
        """Replace the checkpoint: everything for an exact resume in one file. Raises CannotWrite."""
        write_tensors(self.path / run_files.STATE, tensors, {**meta, "format": str(FORMAT)})

    def load_state(self) -> tuple[dict[str, Tensor], dict[str, str]] | None:
        """The last checkpoint, or None before the first. Raises BadRun (damaged, newer format)."""
        path = self.path / run_files.STATE
        if not path.exists():
            return None
        try:
            tensors, meta = read_tensors(path)
        except BadWeights as error:
            raise BadRun(path, error.what, "the checkpoint is lost: train again in another folder") from error
        run_files.check_format(path, meta)
        return tensors, meta

    def finish(self, tensors: Mapping[str, Tensor], metrics: Mapping[str, Any]) -> None:
        """Record the finished detector: metrics.json, then weights.safetensors, whose presence makes the run usable.

        Raises ValueError if a tensor holds NaN or infinity, CannotWrite.
        """
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise ValueError(f"{name} is not finite")
        write_text(self.path / run_files.METRICS, json.dumps(metrics, indent=2, allow_nan=False) + "\n")
        write_tensors(self.path / run_files.WEIGHTS, tensors, {"format": str(FORMAT)})
        with suppress(OSError):  # no longer needed
            (self.path / run_files.ORIGIN).unlink(missing_ok=True)
        self.emit(DoneEvent(status="complete"))


@contextmanager
def create_run(path: Path, config: Config, about: About, *watchers: Watch, origin: Path | None = None) -> Iterator[Run]:
    """Create a run directory, locked until the block ends; an error that ends the block is recorded as an event.

    origin: initial weights, which are copied. `path` may be missing or empty. Raises BadRun if it contains a run or
    foreign files, RunLocked, CannotWrite.
    """
    if path.exists() and not path.is_dir():
        raise BadRun(path, "is not a folder", "choose another --out")
    if path.is_dir() and any(path.iterdir()) and not (path / run_files.LOCK).exists():
        raise BadRun(path, "is not empty and not a run", "choose another --out")
    with held(path):
        run_files.require_own_files(path)
        if (path / run_files.ABOUT).exists():
            raise BadRun(path, "already holds a run", "continue it with --resume, or choose another --out")
        write_text(path / run_files.CONFIG, to_toml(config))
        if origin is not None:
            _copy(origin, path / run_files.ORIGIN)
        # Last, because it makes the folder a run: after a crash before this line it can be created again.
        write_text(path / run_files.ABOUT, about.model_dump_json(indent=2) + "\n")
        with _recorded(path, config, about, watchers) as run:
            yield run


def _copy(source: Path, target: Path) -> None:
    try:
        content = source.read_bytes()
    except OSError as error:
        raise BadRun(source, f"cannot be read: {error.strerror}", "choose another model to start from") from error
    write_bytes(target, content)


@contextmanager
def resume_run(path: Path, *watchers: Watch) -> Iterator[Run]:
    """Open an existing run directory, otherwise as `create_run`; stale requests to stop are removed.

    Raises BadRun if it is not a run, damaged or of a newer format, RunLocked, CannotWrite.
    """
    about, config = run_files.read_about(path), run_files.read_run_config(path)
    with held(path):
        run_files.require_own_files(path)
        for name in (run_files.EVENTS, run_files.LOG):
            _unshare(path / name)
        with _recorded(path, config, about, watchers) as run:
            run.forget_stops()
            yield run


def _unshare(path: Path) -> None:
    """Replace a file to append to by a copy if it has further names, as in a backup made of hard links."""
    if path.exists() and path.stat().st_nlink > 1:
        write_bytes(path, path.read_bytes())


class Follower(Run):
    """The same run in a non-leading process: reads what the leader writes, and writes nothing."""

    def __init__(self, path: Path, config: Config) -> None:
        self.path, self.config, self.ended = path, config, False

    def emit(self, event: AnyEvent) -> None:
        self.ended = isinstance(event, DoneEvent | FailedEvent)

    def save_state(self, tensors: Mapping[str, Tensor], meta: Mapping[str, str]) -> None: ...

    def finish(self, tensors: Mapping[str, Tensor], metrics: Mapping[str, Any]) -> None: ...


@contextmanager
def _recorded(path: Path, config: Config, about: About, watchers: tuple[Watch, ...]) -> Iterator[Run]:
    handler = logging.FileHandler(path / run_files.LOG, encoding="utf-8")
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    package = logging.getLogger("sedir_core")
    package.addHandler(handler)
    level = package.level
    if not package.isEnabledFor(logging.INFO):  # without this only warnings, which are rare, would be logged
        package.setLevel(logging.INFO)
    log.info("training %s on %s with %d threads, %s", path, about.device, about.threads, about.versions)
    events = EventLog(path / run_files.EVENTS)
    run = Run(path, config, about, events, watchers)
    try:
        yield run
    except BaseException as error:
        _record_end(run, error)
        raise
    finally:
        events.close()
        package.removeHandler(handler)
        package.setLevel(level)
        handler.close()


def _record_end(run: Run, error: BaseException) -> None:
    event: AnyEvent
    match error:
        case Cancelled() if run.ended:  # already recorded by the loop
            return
        case Cancelled() | KeyboardInterrupt():
            event = DoneEvent(status="interrupted")
        case UserError():
            event = FailedEvent(kind=error.kind, message=str(error))
        case _:
            log.error("the training failed", exc_info=error)
            event = FailedEvent(kind="bug", message=printable(f"{type(error).__name__}: {error}"))
    try:
        run.emit(event)
    except CannotWrite:
        # On a full disk, the error that ended the training is more important than this one.
        log.warning("could not record the end of the training", exc_info=True)
