"""Queues trainings, for the window and `sedir train --queue`. No torch here."""

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
    """A training to queue.

    categories: None means all. device: cpu, cuda:0, mps. out: the future run directory. origin: a model to continue
    from.
    """

    dataset: Path
    categories: tuple[str, ...] | None
    config: Config
    out: Path
    device: str
    origin: Path | None = None


def enqueue(order: TrainOrder) -> None:
    """Append a training to the queue. Raises CannotWrite, and RunLocked if it is already queued."""
    settings = _kept(order.out, "toml")
    write_text(settings, to_toml(order.config))
    words = [str(order.dataset.absolute()), "--config", str(settings), "--out", str(order.out.absolute())]
    words += [] if order.categories is None else ["--categories", ",".join(order.categories)]
    words += [] if order.origin is None else ["--warm-start", str(order.origin.absolute())]
    _add(order.out, (*words, "--device", order.device), order.device)


def enqueue_rest(run_dir: Path, dataset: Path, device: str) -> None:
    """Queue the resumption of an interrupted training. device: the original one.

    Raises CannotWrite, and RunLocked if it is already queued.
    """
    _add(run_dir, (str(dataset.absolute()), "--resume", str(run_dir.absolute())), device)


def last_words(run_dir: Path) -> str:
    """The end of the process's stderr: the reason if it died before creating its run directory."""
    try:
        lines = _kept(run_dir, "log").read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-3:])


def _add(run_dir: Path, words: tuple[str, ...], device: str) -> None:
    notes = _kept(run_dir, "log")
    queue.add(queue.queue_folder(), queue.Job(run_dir=run_dir.absolute(), words=words, device=device, notes=notes))
    notes.unlink(missing_ok=True)  # stderr of an earlier process of that name


def _kept(run_dir: Path, kind: str) -> Path:
    """Path of a training's settings (toml) and stderr (log) until it has a run directory."""
    where = hashlib.sha256(os.fsencode(run_dir.absolute())).hexdigest()[:8]  # names recur in other folders
    return writable_folders()["cache"] / "trainings" / f"{run_dir.name}-{where}.{kind}"
