"""A disk that fails the n-th time something is opened for writing, written, synced, made or renamed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest


class FailingDisk:
    """Patches the calls through which files of ours are written; `left` is above 0 when none has failed."""

    def __init__(self, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = n
        disk, real_open = self, Path.open

        class File:
            def __init__(self, file: BinaryIO) -> None:
                self.file = file

            def __enter__(self) -> File:
                return self

            def __exit__(self, *error: object) -> None:
                self.file.close()

            def write(self, content: bytes) -> int:
                self.file.write(content[: len(content) // 2])
                disk.count()
                self.file.write(content[len(content) // 2 :])
                return len(content)

            def __getattr__(self, name: str) -> Any:
                return getattr(self.file, name)

        def open_(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if mode != "wb":
                return real_open(path, mode, *args, **kwargs)
            self.count()
            return File(real_open(path, mode))

        monkeypatch.setattr(Path, "open", open_)
        monkeypatch.setattr(os, "fsync", self.counted(os.fsync))
        for name in ("replace", "rename", "mkdir"):
            monkeypatch.setattr(Path, name, self.counted(getattr(Path, name)))

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.count()
            return function(*args, **kwargs)

        return call

    def count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
