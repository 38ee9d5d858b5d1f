"""One process at a time in a folder, so that two programs choose names in it one after the other."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sedir_core.errors import CannotWrite

LOCK = ".sedir-export.lock"
WAIT_S, LOOK_S = 600.0, 0.01  # a large scan is written on a slow drive in minutes


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if it is missing; the system releases it however the process ends.

    The folder itself is locked, which leaves nothing in it. Where a system cannot do that (Windows, some network
    drives), a hidden file in it is. Raises CannotWrite, also if another process holds it for ten minutes.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _locked_folder(folder)
        file = FileLock(folder / LOCK, timeout=WAIT_S, thread_local=False) if handle is None else None
        if file is not None:
            file.acquire()
    except (Timeout, TimeoutError) as error:
        raise CannotWrite(folder, "another program has been writing here for ten minutes", "wait for it") from error
    except OSError as error:
        raise CannotWrite(folder, error.strerror or str(error), "check the free space and the permissions") from error
    try:
        yield
    finally:
        if file is not None:
            file.release()
        if handle is not None:
            os.close(handle)


def _locked_folder(folder: Path) -> int | None:
    """The open handle that holds it; None where folders cannot be locked. Raises TimeoutError."""
    try:
        import fcntl
    except ImportError:
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder to drop files into, which cannot be read
        return None
    until = time.monotonic() + WAIT_S
    try:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return handle
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(LOOK_S)
    except TimeoutError:
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        return None
