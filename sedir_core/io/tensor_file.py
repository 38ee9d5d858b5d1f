"""A dict of tensors in one file that is either whole or refused: safetensors, checksummed, replaced in one step."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sedir_core.errors import BadWeights
from sedir_core.io.atomic import write_bytes

_DIGEST = "sha256"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, str] | None = None) -> None:
    """Replace `path` by these tensors and notes, or leave it as it was.

    Tensors of any shape and device are stored as contiguous CPU copies, so tied ones are stored twice.
    Raises CannotWrite.
    """
    # safetensors refuses tensors that share memory or are not contiguous.
    stored = {name: t.detach().cpu().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}
    write_bytes(path, save(stored, {**(meta or {}), _DIGEST: digest(stored)}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors, on the CPU, and the notes that `write_tensors` stored.

    Raises BadWeights if the file is missing, not a regular file, not safetensors, or not as it was written.
    """
    if not path.is_file():  # a pipe would block the reader for ever
        raise BadWeights(path, "no such file")
    try:
        with safe_open(path, framework="pt") as file:
            meta = dict(file.metadata() or {})
            # A clone, because the originals map the file: cutting it short later would kill the process.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BadWeights(path, f"not readable as safetensors: {error}") from error
    if meta.pop(_DIGEST, None) != digest(tensors):
        raise BadWeights(path, "the content does not match its checksum", "the file is damaged")
    return tensors, meta


def digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 (hex) of names, types, shapes and bytes of CPU tensors; the order of the dict does not matter."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
