"""Catalogue of runs: every started, stopped, failed or finished training in some folders, with its results.

No torch here: the window lists runs before it is loaded. Files are not trusted: folders that are not runs are skipped,
damaged runs are listed with their problem.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from sedir_core.config import Config
from sedir_core.documents import LARGE_BYTES, LARGEST, moment_of, number, numbers, read_json
from sedir_core.errors import BadRun
from sedir_core.names import storable
from sedir_core.places import bundled_runs, user_runs
from sedir_core.rundir import files as run_files
from sedir_core.rundir.files import About
from sedir_core.rundir.lock import is_alive
from sedir_core.training.events import DoneEvent, EpochEvent, FailedEvent, last_event, read_events
from sedir_core.training.queue import order_of, queue_folder

log = logging.getLogger(__name__)

TRASH = ".trash"
"""Folder beside the runs for deleted ones."""
ARCHIVED = "ARCHIVED"
"""Marker file of an archived run."""
MOST_CURVES = 64
"""Quantities of a run that are shown; no training of ours has half as many."""
MEASURES = ("o_auroc", "p_auroc", "o_aupr", "p_aupr")
_OURS = (run_files.ABOUT, run_files.LOCK, run_files.WEIGHTS)


class RunState(Enum):
    """State of a run. WAITING: queued for resumption. STOPPED: can be resumed exactly where it was.

    DAMAGED: unreadable.
    """

    WAITING = "waiting"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    FINISHED = "finished"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class RunEntry:
    """One row of the list.

    bundled: ships with the program and is read-only. trouble: what is wrong with a failed or damaged run.
    measured: category -> metric -> 0..1, from an evaluation recorded in the run; empty without one.
    seconds: training time. changed: last modification of its files.
    """

    path: Path
    state: RunState
    about: About | None = None
    preset: str = ""
    epochs: int = 0
    n_bytes: int = 0
    changed: datetime | None = None
    seconds: float | None = None
    measured: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    archived: bool = False
    bundled: bool = False
    trouble: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def method(self) -> str:
        return "" if self.about is None else self.about.method

    @property
    def categories(self) -> tuple[str, ...]:
        return () if self.about is None else self.about.categories

    @property
    def created(self) -> datetime | None:
        """When its training began; None if unknown."""
        return None if self.about is None else self.about.begun

    @property
    def means(self) -> dict[str, float]:
        """Metrics available for every evaluated category, averaged over the categories."""
        rows = list(self.measured.values())
        return {m: sum(row[m] for row in rows) / len(rows) for m in MEASURES if rows and all(m in row for row in rows)}

    def to_json(self) -> dict[str, Any]:
        """For `sedir runs list --json`."""
        return {
            "name": storable(self.name),
            "path": storable(self.path),
            "state": self.state.value,
            "method": self.method,
            "preset": self.preset,
            "epochs": self.epochs,
            "categories": list(self.categories),
            "created": None if self.created is None else self.created.isoformat(),
            "bytes": self.n_bytes,
            "training_seconds": self.seconds,
            "mean": self.means,
            "archived": self.archived,
            "bundled": self.bundled,
            "trouble": self.trouble,
        }


@dataclass(frozen=True)
class RunDetail:
    """Everything shown about one run.

    thresholds: by category. curves: quantity -> [(epoch, value)]. old_categories: for a warm-started run, how the
    inherited categories have changed, see `training.warm_check`.
    """

    entry: RunEntry
    config: Config | None
    thresholds: Mapping[str, float]
    curves: Mapping[str, list[tuple[float, float]]]
    old_categories: Mapping[str, Mapping[str, Any]]


def list_runs(folders: Iterable[Path] | None = None, archived: bool = False) -> list[RunEntry]:
    """The runs directly in these folders, newest first; a folder may itself be a run.

    folders: the user's and the bundled runs by default. archived: list the archived runs instead.
    """
    found: dict[Path, RunEntry] = {}
    for folder in (user_runs(), bundled_runs()) if folders is None else folders:
        for path in _candidates(folder):
            if path not in found and (path / ARCHIVED).exists() == archived:
                found[path] = read_entry(path)
    return sorted(found.values(), key=_age)


def is_run(path: Path) -> bool:
    """Whether this folder was created by a training, finished or not; False if the system refuses to tell."""
    try:
        return path.is_dir() and any((path / name).exists() for name in _OURS)
    except OSError:
        return False


def read_entry(path: Path) -> RunEntry:
    """Read one run; problems are reported in the entry rather than raised."""
    alive = is_alive(path)
    order = None if alive else order_of(queue_folder(), path.absolute())
    bundled = path.parent == bundled_runs()
    common: dict[str, Any] = {
        "n_bytes": _size(path),
        "changed": _changed(path),
        "archived": (path / ARCHIVED).exists(),
        "bundled": bundled,
    }
    try:
        about, config = run_files.read_about(path), run_files.read_run_config(path)
    except BadRun as error:
        if alive or order is not None:  # it has just started
            return RunEntry(path, RunState.RUNNING, **common)
        return RunEntry(path, RunState.DAMAGED, trouble=str(error), **common)
    if alive or order is not None:
        state, trouble = RunState.RUNNING if order is None or order.started is not None else RunState.WAITING, ""
    else:
        state, trouble = _ended(path)
    return RunEntry(
        path,
        state,
        about,
        config.preset,
        config.training.epochs,
        seconds=number(_json_object(path / run_files.METRICS).get("seconds"), low=0.0),
        measured=measured_of(path),
        trouble=trouble,
        **common,
    )


def read_detail(path: Path) -> RunDetail:
    """Read everything about a run; unreadable parts are left empty."""
    entry = read_entry(path)
    try:
        config = run_files.read_run_config(path)
    except BadRun:
        config = None
    metrics = _json_object(path / run_files.METRICS)
    old = metrics.get("old_categories")
    fates = {name: _fate(row) for name, row in old.items() if isinstance(row, dict)} if isinstance(old, dict) else {}
    return RunDetail(entry, config, numbers(metrics.get("thresholds")), curves_of(path), fates)


def measured_of(path: Path) -> dict[str, dict[str, float]]:
    """Metrics by category from the evaluation recorded in the run."""
    categories = _json_object(path / run_files.EVALUATION).get("categories")
    if not isinstance(categories, dict):
        return {}
    return {name: numbers(row, 0.0, 1.0) for name, row in categories.items() if isinstance(row, dict)}


def damage_of(path: Path) -> str:
    """Why a run cannot be read, as text; empty if it can."""
    try:
        run_files.read_about(path)
        run_files.read_run_config(path)
    except BadRun as error:
        return str(error)
    return ""


def curves_of(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Losses, learning rate and speed over the epochs; epochs repeated after a resume replace the earlier ones."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for event in read_events(path / run_files.EVENTS):
        if isinstance(event, EpochEvent):
            rates = {"learning rate": event.lr, "steps/s": event.steps_per_second}
            memory = {"memory": event.memory_bytes / 1e9} if event.memory_bytes else {}
            for name, value in {**rates, **memory, **event.losses}.items():
                if name not in curves and len(curves) >= MOST_CURVES:
                    continue
                points = curves.setdefault(name, [])
                while points and points[-1][0] >= event.epoch:
                    points.pop()
                if abs(value) <= LARGEST:
                    points.append((float(event.epoch), value))
    return curves


def _candidates(folder: Path) -> list[Path]:
    if is_run(folder):
        return [folder]
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and is_run(path))
    except OSError as error:
        if folder.exists():
            log.warning("cannot list %s: %s", folder, error)
        return []


def _ended(path: Path) -> tuple[RunState, str]:
    last = last_event(path / run_files.EVENTS)
    if (path / run_files.WEIGHTS).is_file() and not isinstance(last, FailedEvent):
        return RunState.FINISHED, ""
    if isinstance(last, FailedEvent):
        return RunState.FAILED, last.message
    if isinstance(last, DoneEvent) and last.status == "complete":
        return RunState.DAMAGED, f"{run_files.WEIGHTS} is missing"
    return RunState.STOPPED, ""


def _age(entry: RunEntry) -> tuple[float, str]:
    """Sort key: newest first, then by name."""
    when = entry.created or entry.changed
    return (0.0 if when is None else -when.timestamp(), entry.name)


def _size(path: Path) -> int:
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):  # deleted in the meantime
                total += (Path(folder) / name).lstat().st_size
    return total


def _changed(path: Path) -> datetime | None:
    try:
        times = [(path / name).stat().st_mtime for name in (*_OURS, run_files.EVENTS) if (path / name).exists()]
    except OSError:
        return None
    return moment_of(max(times)) if times else None


def _fate(row: Mapping[str, Any]) -> dict[str, Any]:
    """The valid parts of `training.warm_check`'s report on a category: a word, reasons, pairs of numbers."""
    reasons = row.get("reasons")
    found: dict[str, Any] = {"worse": row.get("worse") is True}
    found["reasons"] = [str(reason) for reason in reasons] if isinstance(reasons, list) else []
    for name, pair in row.items():
        if isinstance(pair, list) and len(pair) == 2 and None not in (both := [number(value) for value in pair]):
            found[name] = both
    return found


def _json_object(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; empty if missing or invalid."""
    try:
        return read_json(path, BadRun, LARGE_BYTES)
    except BadRun:
        return {}
