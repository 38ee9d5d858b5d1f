"""Atomic replacement of files: after a crash there is either the old or the new content.

Written under a temporary name beside the target (renaming does not work across devices), synced, renamed, folder
synced. Only regular files are replaced: links are followed, and devices and pipes are written to directly.
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
    """A binary file to write; it is renamed to `path` only if the block ends without an error.

    Raises CannotWrite if opening, writing, syncing or renaming fails, and for a folder or a disk.
    """
    if "\0" in str(path):  # from a session or a history: the system raises ValueError
        raise CannotWrite(path, "no file can have this name", "name another")
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
    """The target of a link; other paths are unchanged. Raises CannotWrite for circular links."""
    if not path.is_symlink():
        return path
    try:
        return path.resolve()
    except RuntimeError as error:
        raise CannotWrite(path, "is a link to itself", "name a file") from error


def _is_stream(path: Path) -> bool:
    """Whether it can be written to but not replaced. Raises CannotWrite for a folder, disk or socket."""
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
    """A short name beside the target, whose own may have the maximum length."""
    return path.with_name(f".{uuid.uuid4().hex[:12]}.tmp")


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to fill with `synced_file`s; it is renamed to `path` only if the block ends without an error.

    `path` must not exist. Raises CannotWrite if creating, syncing or renaming it fails.
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
    """A new binary file, synced when the block ends; for use in an `atomic_folder`."""
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, or leave it unchanged. Raises CannotWrite, on a full disk with the space needed."""
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
    """A human-readable size."""
    return f"{max(n_bytes / 1e6, 0.1):,.1f} MB"


def _free_space(path: Path) -> str:
    try:
        return f"{megabytes(shutil.disk_usage(path.parent).free)} are free"
    except OSError:
        return "the free space is not known"


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable across a power cut."""
    if os.name == "nt":  # Windows cannot open a folder; its rename is journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
