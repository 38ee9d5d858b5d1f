"""What a run directory holds and how it is read; `training` writes it.

No torch at the top: the window lists runs and follows trainings with these names before torch is loaded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sedir_core.config import Config, read_config
from sedir_core.errors import BadConfig, BadRun, BadWeights

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
"""Raised whenever an older program could misread a run."""

CONFIG = "config.toml"
WEIGHTS = "weights.safetensors"
STATE = "state.safetensors"
ORIGIN = "origin.safetensors"
"""Weights of the run that a warm start began from; gone when it has finished."""
EVENTS = "events.jsonl"
METRICS = "metrics.json"
EVALUATION = "evaluation.json"
"""What `sedir evaluate` found, where it was asked to record it in the run."""
ABOUT = "about.json"
LOG = "log.txt"
STOP = "STOP"
STOP_AFTER_EPOCH = "STOP-AFTER-EPOCH"
PREVIEWS = "previews"
LOCK = ".lock"

_TEXT_LIMIT = 1_000_000  # bytes; the real ones have a few thousand


class About(BaseModel):
    """Where a run comes from: about.json.

    dataset: the folder it was trained on, empty in runs of older versions. data_hash: of the training scans' content.
    parent: name of the run it was started from, empty if from nothing. inherited: the categories taken over from it.
    device: as torch names it. threads: the CPU threads torch used,
    since sums of floats depend on them. created: ISO 8601, UTC.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    method: str
    categories: tuple[str, ...]
    seed: int
    dataset: str = ""
    data_hash: str
    parent: str = ""
    inherited: tuple[str, ...] = ()
    device: str
    threads: int
    created: str
    versions: dict[str, str]


def read_about(run_dir: Path) -> About:
    """about.json. Raises BadRun if this is no run, a damaged one, or one of a newer format."""
    raw = _read_json(run_dir / ABOUT)
    found = raw.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise newer_format(run_dir, found)
    try:
        return About.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadRun(run_dir / ABOUT, f"{place}: {first['msg']}", "the run is damaged") from error


def read_method(run_dir: Path) -> str:
    """The name of the detector that a run holds. Raises BadRun."""
    return read_about(run_dir).method


def read_run_config(run_dir: Path) -> Config:
    """config.toml of a run. Raises BadRun."""
    _refuse_unlike_text(run_dir / CONFIG)
    try:
        config = read_config(run_dir / CONFIG)
    except BadConfig as error:
        raise BadRun(run_dir / CONFIG, error.what, "the run is damaged or of another version") from error
    # Half a file may be valid TOML, and defaults would fill in the rest.
    missing = [name for name in Config.model_fields if name not in config.model_fields_set]
    if missing:
        raise BadRun(run_dir / CONFIG, f"lacks {', '.join(missing)}", "the run is damaged: train it again")
    return config


def read_run_tensors(run_dir: Path) -> dict[str, Tensor]:
    """Every tensor of weights.safetensors by its prefixed name, on the CPU, all finite.

    Raises BadRun if the run is missing, unfinished, damaged or of a newer format.
    """
    import torch

    from sedir_core.io.tensor_file import read_tensors

    read_about(run_dir)
    path = run_dir / WEIGHTS
    if not path.exists():
        raise BadRun(run_dir, "its training has not finished", "continue it with `sedir train --resume`")
    try:
        tensors, meta = read_tensors(path)
    except BadWeights as error:
        raise BadRun(path, error.what, error.hint) from error
    check_format(path, meta)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise BadRun(path, f"{name} holds NaN or infinity", "the run is damaged")
    return tensors


def check_format(path: Path, meta: dict[str, str]) -> None:
    """Raises BadRun unless the notes of a tensor file name a format this program reads."""
    found = meta.get("format", "")
    if not found.isdecimal():
        raise BadRun(path, "does not say its format", "the run is damaged")
    if int(found) > FORMAT:
        raise newer_format(path, int(found))


def newer_format(where: Path, found: int) -> BadRun:
    """The error that tells the user to update."""
    return BadRun(
        where, f"written by a newer version (format {found}, this one reads {FORMAT})", "update SeDiR Inspect"
    )


def _read_json(path: Path) -> dict[str, Any]:
    _refuse_unlike_text(path)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadRun(path, f"not readable as JSON: {error}", "the run is damaged") from error
    if not isinstance(raw, dict):
        raise BadRun(path, "holds no JSON object", "the run is damaged")
    return raw


def _refuse_unlike_text(path: Path) -> None:
    if not path.is_file():  # a pipe would block the reader for ever
        raise BadRun(path.parent, f"is not a run: no {path.name}", "name a folder that `sedir train` wrote")
    if path.stat().st_size > _TEXT_LIMIT:
        raise BadRun(path, f"larger than {_TEXT_LIMIT} bytes", "the run is damaged")
