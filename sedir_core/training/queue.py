"""The queue of trainings: one file each in a folder, so that it outlives every window.

A runner process (`run_queue`) starts the first waiting one of every device, one at a time per device. All its state is
in the folder: after a crash, the next runner continues.
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
"""Windows: a separate process group without console."""
START_PATIENCE_S = 90.0
"""A started training that holds no lock after this time has ended, or never began."""


class Job(BaseModel):
    """One training. words: what follows `sedir train`. device: cpu, cuda:0, mps; one training at a time on each.

    started: seconds since 1970 when its process was started, None while waiting. notes: log file of that process.
    place: sort key of waiting jobs, lowest first.
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
    """The user's queue folder."""
    return writable_folders()["data"] / "queue"


def jobs_in(folder: Path) -> list[Waiting]:
    """All jobs, started ones first, then in queue order. Invalid files are skipped."""
    found = []
    for file in folder.glob("*.json") if folder.is_dir() else ():
        try:
            found.append(Waiting(file, Job.model_validate(read_json(file, BadRun))))
        except (BadRun, ValidationError):
            if not file.exists():  # it has been started and removed in the meantime
                continue
            log.warning("skipped an invalid queue file: %s", file)
    return sorted(found, key=lambda one: (one.job.started is None, one.job.place, one.file.name))


def add(folder: Path, job: Job) -> Waiting:
    """Append a job. Raises CannotWrite, and RunLocked if its run is already queued."""
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
    """The running or waiting job of a run; None if not queued, or ended."""
    return next((job for job in orders_in(folder) if job.run_dir == run_dir), None)


def orders_in(folder: Path) -> list[Job]:
    """One job per running or waiting run, from being queued until it has ended."""
    found: dict[Path, Job] = {}
    for one in jobs_in(folder):
        if one.job.started is None or (_lives(one.job) and not _said_end(one.job)):
            found.setdefault(one.job.run_dir, one.job)
    return list(found.values())


def end_start(folder: Path, run_dir: Path) -> bool:
    """Kill a training that has not created its run directory yet; False if it has, or never began."""
    with _turn(folder):
        job = order_of(folder, run_dir)
        if job is None or job.pid is None or is_alive(run_dir):
            return False
        with suppress(OSError):  # it has already ended
            os.kill(job.pid, signal.SIGTERM)
    return True


def remove(folder: Path, run_dir: Path) -> bool:
    """Remove a waiting job; False if it has already started. Raises CannotWrite."""
    with _turn(folder):
        for one in jobs_in(folder):
            if one.job.run_dir == run_dir and one.job.started is None:
                one.file.unlink(missing_ok=True)
                return True
    return False


def reorder(folder: Path, run_dirs: Sequence[Path]) -> None:
    """Reorder the waiting jobs. Raises CannotWrite."""
    with _turn(folder):
        waiting = {one.job.run_dir: one for one in jobs_in(folder) if one.job.started is None}
        for place, run_dir in enumerate(run_dirs, 1):
            if run_dir in waiting:
                one = waiting[run_dir]
                _keep(one.file, one.job.model_copy(update={"place": float(place)}))


def _keep(file: Path, job: Job) -> None:
    # Not pydantic's own JSON, which rejects folder names that are not UTF-8.
    write_text(file, json.dumps(job.model_dump(mode="json")) + "\n")


Start = Callable[[Job], int]
"""Start a job's process; returns its id."""


def run_queue(folder: Path, start: Start | None = None, stop: Stop = never_stop) -> bool:
    """Run all jobs until none is left; False if another runner is active. Raises CannotWrite."""
    begin = start or start_training
    # Wait a little: a runner that has just found the queue empty is about to release the lock.
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
    """Remove ended jobs and start those possible; False when none is left."""
    with _turn(folder):
        busy: set[str] = set()
        runs: set[Path] = set()
        left = False
        for one in jobs_in(folder):
            ended = one.job.started is not None and not _lives(one.job)
            if ended or one.job.run_dir in runs:  # queued twice by an earlier version
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
    # After a crash between the two, a job is started twice: the run directory's lock stops the second process.
    try:
        pid = start(one.job)
    except CannotWrite:
        log.exception("could not start %s", one.job.run_dir)
        one.file.unlink(missing_ok=True)
        return
    begun = one.job.model_copy(update={"started": time.time(), "pid": pid})
    _keep(one.file, begun)


def _lives(job: Job) -> bool:
    """Whether a started job is running: it holds its run's lock, or is about to."""
    if is_alive(job.run_dir):
        return True
    # A clock that was set back says of an old job that it is going to start.
    young = job.started is not None and abs(time.time() - job.started) < START_PATIENCE_S
    return young and job.pid is not None and _process_lives(job.pid)


def _said_end(job: Job) -> bool:
    """Whether its training has written its last event; the process may take a moment to exit."""
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
    if os.name == "nt":  # on Windows a signal would kill the process; rely on its lock
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # the process id has been reused by another user
    return True


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this runner, polled so that none stays a zombie."""


def start_training(job: Job) -> int:
    """Start a detached process. Raises CannotWrite."""
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
    """Lock for changes of the queue, so that a job is not removed and started at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / ".turn.lock", timeout=10)
