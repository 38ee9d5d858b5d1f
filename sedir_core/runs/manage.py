"""Operations on whole runs: rename, archive, delete, restore, record an evaluation.

Each is one rename or one small file.

Runs in training and bundled runs are refused. Deleting moves a run into the trash folder beside it; only
`empty_trash` is irreversible.
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
from sedir_core.rundir.files import EVALUATION, place_mark, require_own_files
from sedir_core.rundir.lock import held, is_alive
from sedir_core.runs.catalogue import ARCHIVED, TRASH, is_run
from sedir_core.training.queue import order_of, queue_folder

FORBIDDEN = '<>:"/\\|?*'
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
"""Windows' device names, with any suffix."""
MAX_NAME = 120
_STAMP = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class Trashed:
    """A deleted run. place: its present path; restoring moves it back to `home` under its name."""

    place: Path
    home: Path
    when: datetime

    @property
    def name(self) -> str:
        return self.place.name


def valid_name(name: str) -> str:
    """The trimmed name, if valid for a run. Raises BadRun."""
    wanted = name.strip()
    if not wanted or wanted.startswith(".") or set(FORBIDDEN) & set(wanted) or not wanted.isprintable():
        what = "is not a valid name for a run"
        raise BadRun(name, what, "it must not be empty, begin with a dot, or have any of " + " ".join(FORBIDDEN))
    if wanted.startswith("-") or wanted.endswith(".") or wanted.partition(".")[0].upper() in RESERVED:
        what = "is not a portable name for a run: commands or Windows take it for something else"
        raise BadRun(name, what, "choose another name")
    if len(wanted) > MAX_NAME:
        raise BadRun(name[:60], f"is longer than {MAX_NAME} characters", "choose a shorter name")
    return wanted


def check_name(name: str, folder: Path) -> str:
    """A valid name that is not taken in `folder`. Raises BadRun."""
    wanted = valid_name(name)
    if os.path.lexists(folder / wanted):
        raise BadRun(name, "is the name of another run there", "choose another name")
    return wanted


def free_name(name: str, folder: Path) -> str:
    """The name, numbered if it is taken."""
    found, number = name, 2
    while os.path.lexists(folder / found):
        found, number = f"{name}-{number}", number + 1
    return found


def rename_run(path: Path, name: str) -> Path:
    """Rename a run; returns its new path. Raises BadRun, RunLocked, CannotWrite."""
    if name.strip() == path.name:
        return path
    target = path.with_name(check_name(name, path.parent))
    with _ours(path):
        _move(path, target)
    return target


def archive_run(path: Path, on: bool = True) -> None:
    """Archive a run, or undo that; nothing else changes. Raises BadRun, RunLocked, CannotWrite."""
    with _ours(path):
        try:
            place_mark(path / ARCHIVED) if on else (path / ARCHIVED).unlink(missing_ok=True)
            sync_folder(path)
        except OSError as error:
            raise CannotWrite(path, error.strerror or str(error), "check the permissions") from error


def check_keeps(path: Path) -> None:
    """Check that an evaluation can be recorded in this run. Raises BadRun, RunLocked."""
    with _ours(path):
        require_own_files(path)


def keep_evaluation(path: Path, document: Mapping[str, Any]) -> None:
    """Record an evaluation in its run, replacing an earlier one. Raises BadRun, RunLocked, CannotWrite.

    document: see `evaluation.benchmark.Evaluation.to_json`.
    """
    with _ours(path):
        require_own_files(path)
        write_text(path / EVALUATION, json.dumps(document, indent=2, allow_nan=False) + "\n")


def delete_run(path: Path) -> Trashed:
    """Move a run to the trash beside it. Raises BadRun, RunLocked, CannotWrite."""
    now = _now()
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
    """Restore a deleted run, numbered if its name has been taken. Raises BadRun, CannotWrite."""
    if not is_run(trashed.place):
        raise BadRun(trashed.name, "is no longer in the trash")
    target = trashed.home / free_name(trashed.name, trashed.home)
    _move(trashed.place, target)
    with suppress(OSError):  # an empty folder in the trash does no harm
        trashed.place.parent.rmdir()
    return target


def list_trash(folder: Path) -> list[Trashed]:
    """The deleted runs of a folder, last deleted first."""
    boxes = [box for box in _listed(folder / TRASH) if not box.is_symlink()]
    found = [Trashed(run, folder, _when(box)) for box in boxes for run in _listed(box) if is_run(run)]
    return sorted(found, key=lambda one: (-one.when.timestamp(), one.name))


def empty_trash(folder: Path) -> int:
    """Permanently delete the runs in a folder's trash; returns their number. Raises CannotWrite."""
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
    """Hold the run's lock, so that no training starts in it."""
    if path.parent == bundled_runs():
        raise BadRun(path.name, "ships with the program and cannot be changed", "export it and import a copy")
    if not is_run(path):
        raise BadRun(path, "is not a run", "see `sedir runs list`")
    if is_alive(path) or order_of(queue_folder(), path.absolute()) is not None:
        raise RunLocked(path.name, "is being trained, or waits to be", "stop the training first")
    if os.name == "nt":  # Windows cannot rename a folder that contains an open file
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


def _listed(folder: Path) -> list[Path]:
    """The entries of a folder; none if it is unreadable, gone or no folder, so that the others are still listed."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _when(box: Path) -> datetime:
    """Time of deletion, parsed from the name of its folder in the trash; now if that fails."""
    try:
        return moment_of(datetime.strptime(box.name.rpartition("-")[0], _STAMP).timestamp()) or _now()
    except (ValueError, OverflowError):
        return _now()


def _now() -> datetime:
    return datetime.now().astimezone()
