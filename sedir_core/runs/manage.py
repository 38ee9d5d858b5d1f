"""What can be done with runs as a whole: rename, archive, delete and bring back, keep an evaluation.

Each is one rename or one small file.

A run that is being trained is left alone, and so are the bundled ones. Deleting moves a run into the trash folder
beside it; only `empty_trash` destroys anything.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sedir_core.documents import moment_of
from sedir_core.errors import BadRun, CannotWrite, RunLocked
from sedir_core.io.atomic import sync_folder, write_text
from sedir_core.places import bundled_runs
from sedir_core.rundir.files import EVALUATION, place_mark
from sedir_core.rundir.lock import held, is_alive
from sedir_core.runs.catalogue import ARCHIVED, TRASH, is_run
from sedir_core.training.queue import order_of, queue_folder

FORBIDDEN = '<>:"/\\|?*'
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
"""Devices of Windows, whatever follows after a dot."""
MAX_NAME = 120
_STAMP = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class Trashed:
    """A deleted run. place: where it lies now; restoring puts it back under its name into `home`."""

    place: Path
    home: Path
    when: datetime

    @property
    def name(self) -> str:
        return self.place.name


def valid_name(name: str) -> str:
    """The name, trimmed, if a run can bear it. Raises BadRun."""
    wanted = name.strip()
    if not wanted or wanted.startswith(".") or set(FORBIDDEN) & set(wanted) or not wanted.isprintable():
        what = "is no name for a run"
        raise BadRun(name, what, "it must not be empty, begin with a dot, or hold any of " + " ".join(FORBIDDEN))
    if wanted.startswith("-") or wanted.endswith(".") or wanted.partition(".")[0].upper() in RESERVED:
        what = "is no name for a run everywhere: commands or Windows take it for something else"
        raise BadRun(name, what, "choose another name")
    if len(wanted) > MAX_NAME:
        raise BadRun(name[:60], f"is longer than {MAX_NAME} characters", "choose a shorter name")
    return wanted


def check_name(name: str, folder: Path) -> str:
    """A valid name that is free in `folder`. Raises BadRun."""
    wanted = valid_name(name)
    if os.path.lexists(folder / wanted):
        raise BadRun(name, "is the name of another run there", "choose another name")
    return wanted


def free_name(name: str, folder: Path) -> str:
    """The name, or with a number where it is taken."""
    found, number = name, 2
    while os.path.lexists(folder / found):
        found, number = f"{name}-{number}", number + 1
    return found


def rename_run(path: Path, name: str) -> Path:
    """Give a run another name; returns its new path. Raises BadRun, RunLocked, CannotWrite."""
    if name.strip() == path.name:
        return path
    target = path.with_name(check_name(name, path.parent))
    with _ours(path):
        _move(path, target)
    return target


def archive_run(path: Path, on: bool = True) -> None:
    """Take a run off the list, or back onto it; nothing else changes. Raises BadRun, RunLocked, CannotWrite."""
    with _ours(path):
        try:
            place_mark(path / ARCHIVED) if on else (path / ARCHIVED).unlink(missing_ok=True)
            sync_folder(path)
        except OSError as error:
            raise CannotWrite(path, error.strerror or str(error), "check the permissions") from error


def check_keeps(path: Path) -> None:
    """That an evaluation can be kept in this run. Raises BadRun, RunLocked."""
    with _ours(path):
        pass


def keep_evaluation(path: Path, document: Mapping[str, Any]) -> None:
    """Keep what `sedir evaluate` found in its run, in place of an earlier one. Raises BadRun, RunLocked, CannotWrite.

    document: see `evaluation.benchmark.Evaluation.to_json`.
    """
    with _ours(path):
        write_text(path / EVALUATION, json.dumps(document, indent=2, allow_nan=False) + "\n")


def delete_run(path: Path) -> Trashed:
    """Move a run to the trash beside it. Raises BadRun, RunLocked, CannotWrite."""
    now = datetime.now().astimezone()
    place = path.parent / TRASH / f"{now:{_STAMP}}-{uuid.uuid4().hex[:8]}" / path.name
    with _ours(path):
        if (path.parent / TRASH).is_symlink():
            raise CannotWrite(path.parent / TRASH, "is a link", "replace it by a folder")
        try:
            place.parent.mkdir(parents=True)
        except OSError as error:
            raise CannotWrite(place.parent, error.strerror or str(error), "check the permissions") from error
        try:
            _move(path, place)
        except CannotWrite:
            with suppress(OSError):
                place.parent.rmdir()
            raise
    return Trashed(place, path.parent, now)


def restore_run(trashed: Trashed) -> Path:
    """Bring a deleted run back; under a number where its name is taken meanwhile. Raises BadRun, CannotWrite."""
    if not is_run(trashed.place):
        raise BadRun(trashed.name, "is no longer in the trash")
    target = trashed.home / free_name(trashed.name, trashed.home)
    _move(trashed.place, target)
    with suppress(OSError):  # an empty folder in the trash does no harm
        trashed.place.parent.rmdir()
    return target


def list_trash(folder: Path) -> list[Trashed]:
    """The deleted runs of a folder, the last deleted first."""
    found = []
    with suppress(OSError):
        for box in (folder / TRASH).iterdir():
            found += [Trashed(run, folder, _when(box)) for run in box.iterdir() if not box.is_symlink() and is_run(run)]
    return sorted(found, key=lambda one: (-one.when.timestamp(), one.name))


def empty_trash(folder: Path) -> int:
    """Destroy the deleted runs of a folder; returns how many there were. Raises CannotWrite."""
    count, trash = len(list_trash(folder)), folder / TRASH
    if trash.is_symlink():
        raise CannotWrite(trash, "is a link", "replace it by a folder")
    try:
        if trash.is_dir():
            shutil.rmtree(trash)
    except OSError as error:
        raise CannotWrite(trash, error.strerror or str(error), "check the permissions") from error
    return count


@contextmanager
def _ours(path: Path) -> Iterator[None]:
    """Hold the run's lock, so that nobody begins to train in it meanwhile."""
    if path.parent == bundled_runs():
        raise BadRun(path.name, "ships with the program and stays as it is", "export it and import a copy")
    if not is_run(path):
        raise BadRun(path, "is not a run", "see `sedir runs list`")
    if is_alive(path) or order_of(queue_folder(), path.absolute()) is not None:
        raise RunLocked(path.name, "is being trained, or waits to be", "stop the training first")
    if os.name == "nt":  # a folder with an open file in it cannot be renamed there
        yield
        return
    with held(path):
        yield


def _move(path: Path, target: Path) -> None:
    try:
        path.rename(target)
        sync_folder(path.parent)
        sync_folder(target.parent)
    except OSError as error:
        raise CannotWrite(target, error.strerror or str(error), "check the permissions and the drive") from error


def _when(box: Path) -> datetime:
    """When a run was deleted, from the name of its box in the trash."""
    try:
        said = datetime.strptime(box.name.rpartition("-")[0], _STAMP).timestamp()
    except (ValueError, OverflowError):
        said = box.stat().st_mtime
    return moment_of(said) or datetime.now().astimezone()
