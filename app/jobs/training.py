"""Trainings as processes of their own: started so that they outlive the window, followed by their files alone.

A training is `python -m sedir_core train …`, detached. What the window knows of it is in its run directory, so that
closing the window, a crash of it, or opening another one changes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QProcess, QProcessEnvironment

from sedir_core.config import Config, to_toml
from sedir_core.detectors.run_files import ABOUT, EVENTS, STOP, STOP_AFTER_EPOCH, WEIGHTS, read_about
from sedir_core.errors import BadDataset, BadRun, CannotWrite
from sedir_core.io.atomic import write_text
from sedir_core.places import writable_folders
from sedir_core.training.events import DoneEvent, FailedEvent, read_events
from sedir_core.training.run_lock import is_alive


class Phase(Enum):
    """Where a training is. STARTING: its process has said nothing yet. INTERRUPTED: can be resumed."""

    STARTING = "starting"
    RUNNING = "training"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    COMPLETE = "complete"


@dataclass(frozen=True)
class TrainOrder:
    """What to train. device: auto, cpu, cuda, ... out: the run directory, not there yet."""

    dataset: Path
    categories: tuple[str, ...]
    config: Config
    out: Path
    device: str


def launch(order: TrainOrder) -> None:
    """Start a training. Raises CannotWrite where its process cannot be started or its settings not be written."""
    settings = _notes(order.out).with_suffix(".toml")
    settings.parent.mkdir(parents=True, exist_ok=True)
    write_text(settings, to_toml(order.config))
    words = [str(order.dataset), "--categories", ",".join(order.categories), "--config", str(settings)]
    _start(order.out, [*words, "--out", str(order.out), "--device", order.device])


def resume(run_dir: Path, dataset: Path) -> None:
    """Go on with an interrupted training where it stopped. Raises CannotWrite."""
    _start(run_dir, [str(dataset), "--resume", str(run_dir)])


def ask_to_stop(run_dir: Path) -> None:
    """Save and stop before the next step. Raises CannotWrite."""
    try:
        (run_dir / STOP).touch()
    except OSError as error:
        raise CannotWrite(run_dir / STOP, error.strerror or str(error), "stop the process by hand") from error


def ask_to_stop_after_epoch(run_dir: Path, wanted: bool) -> None:
    """Save and stop before the next epoch, or go on after all. Raises CannotWrite."""
    try:
        if wanted:
            (run_dir / STOP_AFTER_EPOCH).touch()
        else:
            (run_dir / STOP_AFTER_EPOCH).unlink(missing_ok=True)
    except OSError as error:
        raise CannotWrite(run_dir / STOP_AFTER_EPOCH, error.strerror or str(error), "stop the training now") from error


def stops_after_epoch(run_dir: Path) -> bool:
    """Whether it was asked to, and has not done so yet."""
    return (run_dir / STOP_AFTER_EPOCH).exists()


def last_words(run_dir: Path) -> str:
    """What the process last said on its error stream: why it ended, if it ended before its run directory was there."""
    try:
        lines = _notes(run_dir).with_suffix(".log").read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-3:])


def phase_of(run_dir: Path, alive: bool, ended: str) -> Phase:
    """ended: "", or what the last event says: complete, interrupted, failed."""
    if alive:
        return Phase.RUNNING
    if (run_dir / WEIGHTS).exists() and ended in ("", "complete"):
        return Phase.COMPLETE
    if ended == "failed":
        return Phase.FAILED
    return Phase.INTERRUPTED if (run_dir / ABOUT).exists() else Phase.STARTING


def runs_in(folder: Path) -> list[Path]:
    """Runs, begun or finished, the newest first."""
    try:
        found = [path for path in folder.iterdir() if (path / ABOUT).is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda path: (path / ABOUT).stat().st_mtime, reverse=True)


def phase_now(run_dir: Path) -> Phase:
    """The phase of a run that nobody follows."""
    events = read_events(run_dir / EVENTS)
    ended = ""
    if events:
        last = events[-1]
        ended = last.status if isinstance(last, DoneEvent) else "failed" if isinstance(last, FailedEvent) else ""
    return phase_of(run_dir, is_alive(run_dir), ended)


def dataset_of(run_dir: Path) -> Path:
    """The folder that a run was trained on. Raises BadRun, BadDataset where it is not known or gone."""
    found = read_about(run_dir).dataset
    if not found:
        raise BadRun(run_dir, "does not say what it was trained on", "use `sedir train DATASET --resume RUN`")
    if not Path(found).is_dir():
        raise BadDataset(found, "is no longer there", "put it back, or use `sedir train DATASET --resume RUN`")
    return Path(found)


def _start(run_dir: Path, words: Sequence[str]) -> None:
    process = QProcess()
    process.setProgram(sys.executable)
    process.setArguments(["-m", "sedir_core", "train", *words, "--progress", "none"])
    process.setProcessEnvironment(QProcessEnvironment.systemEnvironment())
    notes = _notes(run_dir).with_suffix(".log")
    notes.parent.mkdir(parents=True, exist_ok=True)
    process.setStandardInputFile(QProcess.nullDevice())
    process.setStandardOutputFile(QProcess.nullDevice())
    process.setStandardErrorFile(str(notes))
    started = process.startDetached()
    if not (started[0] if isinstance(started, tuple) else started):
        raise CannotWrite(sys.executable, "the training's process could not be started", "see the log")


def _notes(run_dir: Path) -> Path:
    """Where a training's settings and error stream are kept until it has a run directory."""
    return writable_folders()["cache"] / "trainings" / run_dir.name
