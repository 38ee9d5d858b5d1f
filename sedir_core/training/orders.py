"""What is to be trained, put into the queue: by the window and by `sedir train --queue` alike. No torch here."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from sedir_core.config import Config, to_toml
from sedir_core.io.atomic import write_text
from sedir_core.places import writable_folders
from sedir_core.training import queue


@dataclass(frozen=True)
class TrainOrder:
    """A training that may have to wait.

    categories: None takes all. device: cpu, cuda:0, mps. out: the run directory, not there yet. origin: a model to go
    on from.
    """

    dataset: Path
    categories: tuple[str, ...] | None
    config: Config
    out: Path
    device: str
    origin: Path | None = None


def enqueue(order: TrainOrder) -> None:
    """Put a training at the end of the queue. Raises CannotWrite, and RunLocked where it is ordered already."""
    settings = _kept(order.out, "toml")
    write_text(settings, to_toml(order.config))
    words = [str(order.dataset.absolute()), "--config", str(settings), "--out", str(order.out.absolute())]
    words += [] if order.categories is None else ["--categories", ",".join(order.categories)]
    words += [] if order.origin is None else ["--warm-start", str(order.origin.absolute())]
    _add(order.out, (*words, "--device", order.device), order.device)


def enqueue_rest(run_dir: Path, dataset: Path, device: str) -> None:
    """Put the rest of an interrupted training at the end of the queue. device: where it began.

    Raises CannotWrite, and RunLocked where it is ordered already.
    """
    _add(run_dir, (str(dataset.absolute()), "--resume", str(run_dir.absolute())), device)


def last_words(run_dir: Path) -> str:
    """What the process last said on its error stream: why it ended, if it ended before its run directory was there."""
    try:
        lines = _kept(run_dir, "log").read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-3:])


def _add(run_dir: Path, words: tuple[str, ...], device: str) -> None:
    notes = _kept(run_dir, "log")
    queue.add(queue.queue_folder(), queue.Job(run_dir=run_dir.absolute(), words=words, device=device, notes=notes))
    notes.unlink(missing_ok=True)  # what an earlier process of that name said


def _kept(run_dir: Path, kind: str) -> Path:
    """Where a training's settings (toml) and error stream (log) are kept until it has a run directory."""
    where = hashlib.sha256(os.fsencode(run_dir.absolute())).hexdigest()[:8]  # runs of one name lie in several folders
    return writable_folders()["cache"] / "trainings" / f"{run_dir.name}-{where}.{kind}"
