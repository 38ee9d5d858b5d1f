"""Files that are either the old ones or the new ones, whatever happens in between.

A temporary name beside the target (another device would break the rename), synced, renamed, folder synced. Only
regular files are replaced: a link is followed, and what is written to a device or a pipe goes through it.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sedir_core.errors import CannotWrite

FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write; it takes the name `path` only when the block ends without an error.

    Raises CannotWrite where the system refuses to open, write, sync or rename, and for a folder or a disk.
    """
    staging: Path | None = None
    try:
        target = _followed(path)
        if _is_stream(target):
            with target.open("wb") as stream:
                yield stream
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = _staging(target)
        with staging.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        staging.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error), "check the free space and the permissions") from error
    finally:
        if staging is not None:
            with suppress(OSError):
                staging.unlink(missing_ok=True)


def _followed(path: Path) -> Path:
    """Where a link leads; what is none stays. Raises CannotWrite for links in a circle."""
    if not path.is_symlink():
        return path
    try:
        return path.resolve()
    except RuntimeError as error:
        raise CannotWrite(path, "is a link to itself", "name a file") from error


def _is_stream(path: Path) -> bool:
    """Whether it takes what is written, but cannot be replaced. Raises CannotWrite for a folder, disk or socket."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise CannotWrite(path, "is a folder", "name a file")
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise CannotWrite(path, "is a disk or a socket", "name a file")
    return not stat.S_ISREG(mode)


def _staging(path: Path) -> Path:
    """A short name beside the target, whose own may be as long as names can be."""
    return path.with_name(f".{uuid.uuid4().hex[:12]}.tmp")


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to fill with `synced_file`s; it takes the name `path` only when the block ends without an error.

    `path` must not exist. Raises CannotWrite where the system refuses to make, sync or rename it.
    """
    staging = _staging(path)
    try:
        staging.mkdir(parents=True)
        yield staging
        sync_folder(staging)
        staging.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error), "check the free space and the permissions") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def synced_file(path: Path) -> Iterator[BinaryIO]:
    """A new binary file that is on the disk when the block ends; for the inside of an `atomic_folder`."""
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, or leave it as it was. Raises CannotWrite, on a full disk with what is needed."""
    try:
        with atomic_file(path) as file:
            file.write(content)
    except CannotWrite as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in FULL:
            hint = f"needs {megabytes(len(content))}, {_free_space(path)}; the old content is whole"
            raise CannotWrite(path, error.what, hint) from error.__cause__
        raise


def write_text(path: Path, content: str) -> None:
    """`write_bytes` in UTF-8."""
    write_bytes(path, content.encode("utf-8", "backslashreplace"))


def megabytes(n_bytes: int) -> str:
    """A size as people read it."""
    return f"{max(n_bytes / 1e6, 0.1):,.1f} MB"


def _free_space(path: Path) -> str:
    try:
        return f"{megabytes(shutil.disk_usage(path.parent).free)} are free"
    except OSError:
        return "the free space is not known"


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder last through a power cut."""
    if os.name == "nt":  # Windows cannot open a folder; its rename is journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
