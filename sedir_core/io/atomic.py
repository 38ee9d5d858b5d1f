"""Files that are either the old ones or the new ones, whatever happens in between.

A temporary name beside the target (another device would break the rename), synced, renamed, folder synced.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sedir_core.errors import CannotWrite


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write; it takes the name `path` only when the block ends without an error.

    Raises CannotWrite where the system refuses to open, write, sync or rename.
    """
    staging = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staging.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        staging.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise CannotWrite(path, error.strerror or str(error), "check the free space and the permissions") from error
    finally:
        with suppress(OSError):
            staging.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, or leave it as it was. Raises CannotWrite."""
    with atomic_file(path) as file:
        file.write(content)


def write_text(path: Path, content: str) -> None:
    """`write_bytes` in UTF-8."""
    write_bytes(path, content.encode())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder; its rename is journalled
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
