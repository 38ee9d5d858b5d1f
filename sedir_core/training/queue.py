"""Trainings that wait for their turn: one file each in a folder, so that a list outlives every window.

A runner process (`run_queue`) starts the first waiting one of every device, one at a time on each. It keeps nothing in
its memory that is not in the folder: killed at any moment, the next runner goes on where it was.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from sedir_core.documents import read_json
from sedir_core.errors import BadRun, CannotWrite, RunLocked
from sedir_core.io.atomic import write_text
from sedir_core.places import own_command, writable_folders
from sedir_core.rundir.files import EVENTS
from sedir_core.rundir.lock import is_alive
from sedir_core.training.events import DoneEvent, FailedEvent, last_event
from sedir_core.types import Stop, never_stop

log = logging.getLogger(__name__)

LOOK_S = 0.5
DETACHED = 0x00000208
"""Windows: a process group of its own and no console."""
START_PATIENCE_S = 90.0
"""A training that has been started and holds no lock after so long has ended, or never began."""


class Job(BaseModel):
    """One training. words: what follows `sedir train`. device: cpu, cuda:0, mps; one training at a time on each.

    started: seconds since 1970 when its process was started, None while it waits. notes: where that process writes
    what it says. place: orders those that wait, the lowest first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_dir: Path
    words: tuple[str, ...]
    device: str
    notes: Path
    place: float = 0.0
    started: float | None = None
    pid: int | None = None


@dataclass(frozen=True)
class Waiting:
    """A job and the file that holds it."""

    file: Path
    job: Job


def queue_folder() -> Path:
    """Where the user's jobs are."""
    return writable_folders()["data"] / "queue"


def jobs_in(folder: Path) -> list[Waiting]:
    """Every job, those that were started first, then in the order of their turn. Files that make no sense are left."""
    found = []
    for file in folder.glob("*.json") if folder.is_dir() else ():
        try:
            found.append(Waiting(file, Job.model_validate(read_json(file, BadRun))))
        except (BadRun, ValidationError):
            if not file.exists():  # its turn has come and gone meanwhile
                continue
            log.warning("left out a waiting training that makes no sense: %s", file)
    return sorted(found, key=lambda one: (one.job.started is None, one.job.place, one.file.name))


def add(folder: Path, job: Job) -> Waiting:
    """Put a job at the end. Raises CannotWrite, and RunLocked where its run is ordered already."""
    with _turn(folder):
        if (known := order_of(folder, job.run_dir)) is not None:
            what = "waits for its turn already" if known.started is None else "is being trained already"
            raise RunLocked(job.run_dir.name, what, "stop it first")
        last = max((one.job.place for one in jobs_in(folder)), default=0.0)
        placed = job.model_copy(update={"place": last + 1.0})
        file = folder / f"{time.time_ns():020d}-{os.getpid()}.json"
        _keep(file, placed)
    return Waiting(file, placed)


def order_of(folder: Path, run_dir: Path) -> Job | None:
    """The job that trains in a run or is to do so; None if nobody ordered it, or it has ended."""
    return next((job for job in orders_in(folder) if job.run_dir == run_dir), None)


def orders_in(folder: Path) -> list[Job]:
    """One job for each run that is at work or waits: from the moment it is ordered until it has ended."""
    found: dict[Path, Job] = {}
    for one in jobs_in(folder):
        if one.job.started is None or (_lives(one.job) and not _said_end(one.job)):
            found.setdefault(one.job.run_dir, one.job)
    return list(found.values())


def end_start(folder: Path, run_dir: Path) -> bool:
    """End a training's process that is on its way to its run directory; False where it is there, or never began."""
    with _turn(folder):
        job = order_of(folder, run_dir)
        if job is None or job.pid is None or is_alive(run_dir):
            return False
        with suppress(OSError):  # it has ended by itself
            os.kill(job.pid, signal.SIGTERM)
    return True


def remove(folder: Path, run_dir: Path) -> bool:
    """Take a job that waits off the list; False if its turn has come already. Raises CannotWrite."""
    with _turn(folder):
        for one in jobs_in(folder):
            if one.job.run_dir == run_dir and one.job.started is None:
                one.file.unlink(missing_ok=True)
                return True
    return False


def reorder(folder: Path, run_dirs: Sequence[Path]) -> None:
    """Jobs that wait get their turn in this order. Raises CannotWrite."""
    with _turn(folder):
        waiting = {one.job.run_dir: one for one in jobs_in(folder) if one.job.started is None}
        for place, run_dir in enumerate(run_dirs, 1):
            if run_dir in waiting:
                one = waiting[run_dir]
                _keep(one.file, one.job.model_copy(update={"place": float(place)}))


def _keep(file: Path, job: Job) -> None:
    # Not pydantic's own JSON, which refuses names of folders that are no UTF-8.
    write_text(file, json.dumps(job.model_dump(mode="json")) + "\n")


Start = Callable[[Job], int]
"""Starts a job's process and returns its id."""


def run_queue(folder: Path, start: Start | None = None, stop: Stop = never_stop) -> bool:
    """Give every job its turn until none is left; False if another runner does so already. Raises CannotWrite."""
    begin = start or start_training
    # Waits a little: a runner that has just found nothing to do is about to let go.
    lock = FileLock(folder / ".runner.lock", timeout=4 * LOOK_S, thread_local=False)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire()
    except Timeout:
        return False
    try:
        while not stop() and _turns(folder, begin):
            time.sleep(LOOK_S)
    finally:
        lock.release()
    return True


def _turns(folder: Path, start: Start) -> bool:
    """Drop what has ended and start what can be; False when nothing is left."""
    with _turn(folder):
        busy: set[str] = set()
        runs: set[Path] = set()
        left = False
        for one in jobs_in(folder):
            ended = one.job.started is not None and not _lives(one.job)
            if ended or one.job.run_dir in runs:  # ordered twice by an earlier version
                one.file.unlink(missing_ok=True)
                continue
            left = True
            if one.job.started is None or not _said_end(one.job):
                runs.add(one.job.run_dir)
            if one.job.started is None and one.job.device not in busy:
                _begin(one, start)
            busy.add(one.job.device)
    return left


def _begin(one: Waiting, start: Start) -> None:
    # Killed between the two, a job is started twice: the run directory's lock then refuses the second process.
    try:
        pid = start(one.job)
    except CannotWrite:
        log.exception("could not start %s", one.job.run_dir)
        one.file.unlink(missing_ok=True)
        return
    begun = one.job.model_copy(update={"started": time.time(), "pid": pid})
    _keep(one.file, begun)


def _lives(job: Job) -> bool:
    """Whether a job that was started is at work: it holds its run's lock, or is still on its way there."""
    if is_alive(job.run_dir):
        return True
    young = job.started is not None and time.time() - job.started < START_PATIENCE_S
    return young and job.pid is not None and _process_lives(job.pid)


def _said_end(job: Job) -> bool:
    """Whether its training has written its last event; its process may take a moment more to go."""
    events = job.run_dir / EVENTS
    try:
        fresh = job.started is not None and events.stat().st_mtime >= job.started
    except OSError:
        return False
    return fresh and isinstance(last_event(events), DoneEvent | FailedEvent)


def _process_lives(pid: int) -> bool:
    child = _children.get(pid)
    if child is not None:
        if child.poll() is None:
            return True
        del _children[pid]
        return False
    if os.name == "nt":  # a signal would end the process there; its lock will tell
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # the number belongs to someone else by now
    return True


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Started by this runner: asked for their end, so that none stays a zombie."""


def start_training(job: Job) -> int:
    """A process of its own that outlives this one. Raises CannotWrite."""
    try:
        job.notes.parent.mkdir(parents=True, exist_ok=True)
        with job.notes.open("wb") as notes:
            process = subprocess.Popen(
                own_command("train", *job.words, "--progress", "none"),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=notes,
                start_new_session=os.name != "nt", creationflags=DETACHED if os.name == "nt" else 0,
            )  # fmt: skip
    except OSError as error:
        raise CannotWrite(job.notes, error.strerror or str(error), "check the free space") from error
    _children[process.pid] = process
    return process.pid


def _turn(folder: Path) -> FileLock:
    """Held while the list is changed, so that a job is not removed and started at once."""
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / ".turn.lock", timeout=10)
