"""Disk cache of expensive tensors (local features of frozen encoders), keyed by everything they depend on.

A changed scan, setting, encoder or seed gives a different key, so stale entries are never used.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from sedir_core.errors import BadWeights, CannotWrite
from sedir_core.io.tensor_file import read_tensors, write_tensors
from sedir_core.places import writable_folders

log = logging.getLogger(__name__)

_ABANDONED_SECONDS = 3600.0


def cache_key(content_hash: str, settings: Mapping[str, Any], encoder_hash: str, seed: int) -> str:
    """Key (hex) from a scan's content, settings (plain JSON values), an encoder and a seed."""
    causes = json.dumps([content_hash, settings, encoder_hash, seed], sort_keys=True)
    return hashlib.sha256(causes.encode()).hexdigest()


class TensorCache:
    """A folder of tensor files, shared between processes, with LRU eviction by size."""

    def __init__(self, folder: Path | None = None, max_bytes: int = 8 * 2**30) -> None:
        """folder: created on first write; by default "tensors" in the user's cache folder."""
        self.folder = folder or writable_folders()["cache"] / "tensors"
        self.max_bytes = max_bytes

    def get(self, key: str, make: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The tensors of `key`, on the CPU; computed and stored if missing or damaged."""
        path = self.folder / f"{key}.safetensors"
        if path.exists():
            try:
                found, _ = read_tensors(path)
            except BadWeights as error:
                log.warning("recomputed: %s", error)
            else:
                with suppress(OSError):  # another process may have evicted it
                    os.utime(path)
                return found
        made = {name: tensor.detach().cpu() for name, tensor in make().items()}
        self._keep(path, made)
        return made

    def _keep(self, path: Path, tensors: Mapping[str, Tensor]) -> None:
        try:
            write_tensors(path, tensors)
        except CannotWrite as error:  # only costs time at the next use
            log.warning("not cached: %s", error)
        else:
            self._shrink(path)

    def _shrink(self, newest: Path) -> None:
        """Delete stale staging files, then the least recently used entries; `newest` is always kept."""
        entries: list[tuple[float, int, Path]] = []
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # another process may evict entries, too
                found = path.stat()
                if path.suffix == ".safetensors":
                    entries.append((found.st_mtime, found.st_size, path))
                elif path.suffix == ".tmp" and time.time() - found.st_mtime > _ABANDONED_SECONDS:
                    path.unlink()
        excess = sum(size for _, size, _ in entries) - self.max_bytes
        for _, size, path in sorted(entries):
            if excess <= 0:
                return
            if path != newest:
                path.unlink(missing_ok=True)
                excess -= size
