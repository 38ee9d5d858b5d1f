"""Lock of a run directory: one process trains in it, and others can check. No torch here: the window checks, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sedir_core.errors import CannotWrite, RunLocked
from sedir_core.rundir import files as run_files

LOCK_SECONDS = 0.5  # a mere liveness check also holds the lock for a moment


def is_alive(path: Path) -> bool:
    """Whether a process is currently training in this run directory."""
    if not run_files.is_own_file(path / run_files.LOCK):  # releases of the library emptied what a link leads to
        return False
    try:
        with FileLock(path / run_files.LOCK, timeout=0, thread_local=False):
            return False
    except Timeout:
        return True
    except OSError:  # nobody can train in an unwritable folder
        return False


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the run directory's lock, which the system releases however the process ends."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not run_files.is_own_file(path / run_files.LOCK):
            (path / run_files.LOCK).unlink(missing_ok=True)
        lock = FileLock(path / run_files.LOCK, timeout=LOCK_SECONDS, thread_local=False)
        lock.acquire()
    except Timeout as error:
        raise RunLocked(path, "another process is training here", "wait for it or stop it") from error
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error), "check the permissions") from error
    try:
        _clear_what_a_kill_left(path)
        if not (path / run_files.PREVIEWS).is_symlink():
            _clear_what_a_kill_left(path / run_files.PREVIEWS)
        yield
    finally:
        lock.release()


def _clear_what_a_kill_left(folder: Path) -> None:
    for left in folder.glob(".*.tmp"):
        if left.is_file() or left.is_symlink():  # a folder is none of ours
            with suppress(OSError):
                left.unlink()
