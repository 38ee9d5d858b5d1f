"""A dict of tensors in one safetensors file, checksummed and replaced atomically."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from sedir_core.documents import parse_json
from sedir_core.errors import BadWeights
from sedir_core.io.atomic import write_bytes
from sedir_core.io.guard import COPY_AGAIN, Source, open_regular

_DIGEST = "sha256"
_MAX_HEADER_BYTES = 8 << 20
_ALIGNED = 8
"""Alignment of tensors, required by the format."""


def write_tensors(path: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, str] | None = None) -> None:
    """Replace `path` by these tensors and notes, or leave it unchanged. Equal contents give equal files.

    Tensors of any shape and device are stored as contiguous CPU copies; shared ones are stored twice.
    Raises CannotWrite.
    """
    # safetensors refuses tensors that share memory or are not contiguous.
    stored = {name: t.detach().cpu().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}
    write_bytes(path, in_order(safetensors.torch.save(stored, {**(meta or {}), _DIGEST: digest(stored)})))


def read_tensors(path: Path, checksummed: bool = True) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors, on the CPU, and the notes that `write_tensors` stored.

    checksummed: False also accepts foreign files without a checksum; an existing one must still match.
    Raises BadWeights if the file is missing, not a regular file, not safetensors, or corrupted.
    """
    with open_regular(path, BadWeights) as source:
        meta = _notes(source)
        try:
            # Read rather than memory-mapped: truncating a mapped file later would kill the process.
            tensors = safetensors.torch.load(source.read_at(0, source.size))
        except safetensors.SafetensorError as broken:
            raise source.fail(f"is a damaged safetensors file: {broken}", COPY_AGAIN) from broken
        found = meta.pop(_DIGEST, None)
        if (checksummed or found is not None) and found != digest(tensors):
            raise source.fail("the content does not match its checksum", "the file is damaged")
    return tensors, meta


def read_notes(path: Path) -> dict[str, str]:
    """The notes stored beside the tensors, without reading these. Raises BadWeights."""
    with open_regular(path, BadWeights) as source:
        return {name: text for name, text in _notes(source).items() if name != _DIGEST}


def in_order(content: bytes) -> bytes:
    """A safetensors file with its notes sorted: the library writes them in random order.

    Offsets are relative to the end of the header, so its length may change.
    """
    length = int.from_bytes(content[:8], "little")
    header = parse_json(content[8 : 8 + length], _MAX_HEADER_BYTES)
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % _ALIGNED)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 (hex) of names, types, shapes and bytes of CPU tensors, independent of the dict's order."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def _notes(source: Source) -> dict[str, str]:
    notes = _read_header(source).get("__metadata__", {})
    if not isinstance(notes, dict) or not all(isinstance(text, str) for text in notes.values()):
        raise source.fail("its notes are not text", COPY_AGAIN)
    return notes


def _read_header(source: Source) -> dict[str, Any]:
    """The JSON header. Its length is checked first, since a wrong one would make a reader allocate that much."""
    length = int.from_bytes(source.read_at(0, 8), "little") if source.size >= 8 else 0
    if not 2 <= length <= min(_MAX_HEADER_BYTES, source.size - 8):
        raise source.fail("is not a safetensors file, or is cut short", COPY_AGAIN)
    try:
        header = parse_json(source.read_at(8, length), _MAX_HEADER_BYTES)
    except ValueError as broken:
        raise source.fail("the header is not JSON: not a safetensors file", COPY_AGAIN) from broken
    if not isinstance(header, dict):
        raise source.fail("the header is not a JSON object: not a safetensors file", COPY_AGAIN)
    return header
