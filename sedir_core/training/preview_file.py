"""Preview file: a network's residuals on a few sample scans at one point of its training.

No torch here: the window reads the file while another process trains.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sedir_core.documents import parse_json
from sedir_core.errors import BadRun
from sedir_core.io.atomic import write_bytes
from sedir_core.types import FloatArray

_MOST_BYTES = 8_000_000  # actual files have some ten thousand
_MOST_SAMPLES = 64
_NAMES = "samples"


@dataclass(frozen=True)
class Preview:
    """One sample scan. centres (N, 3) and residuals (N,): of its tokens, float32. damaged: a defect was put on it."""

    category: str
    damaged: bool
    centres: FloatArray
    residuals: FloatArray


def write_previews(path: Path, previews: Sequence[Preview]) -> None:
    """Replace `path`. Raises CannotWrite."""
    arrays: dict[str, np.ndarray] = {}
    for i, one in enumerate(previews):
        arrays[f"centres.{i}"] = np.ascontiguousarray(one.centres, np.float32)
        arrays[f"residuals.{i}"] = np.ascontiguousarray(one.residuals, np.float32)
    names = json.dumps([[one.category, one.damaged] for one in previews])
    write_bytes(path, save(arrays, {_NAMES: names}))


def read_previews(path: Path) -> list[Preview]:
    """Read a file of `write_previews`. Raises BadRun for invalid files, since run directories are untrusted."""
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        raise BadRun(path, "is not a preview file", "the run is damaged")
    try:
        with safe_open(path, framework="np") as file:
            names = parse_json((file.metadata() or {}).get(_NAMES, "null"))
            if not isinstance(names, list) or len(names) > _MOST_SAMPLES:
                raise ValueError("no list of samples")
            return [
                _checked(str(name), bool(damaged), file.get_tensor(f"centres.{i}"), file.get_tensor(f"residuals.{i}"))
                for i, (name, damaged) in enumerate(names)
            ]
    except (OSError, SafetensorError, ValueError, TypeError, RecursionError) as error:
        raise BadRun(path, f"is not a preview file: {error}", "the run is damaged") from error


def _checked(name: str, damaged: bool, centres: np.ndarray, residuals: np.ndarray) -> Preview:
    if (
        centres.dtype != np.float32
        or centres.ndim != 2
        or centres.shape[1] != 3
        or centres.shape[:1] != residuals.shape
    ):
        raise ValueError(f"centres {centres.shape}, residuals {residuals.shape}")
    if residuals.dtype != np.float32 or not (np.isfinite(centres).all() and np.isfinite(residuals).all()):
        raise ValueError("values that are not finite")
    return Preview(name, damaged, centres, residuals)
