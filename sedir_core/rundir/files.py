"""Contents of a run directory and how they are read; `training` writes them.

No torch at module level: the window lists runs and follows trainings before torch is loaded.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sedir_core.config import Config, read_by, read_config
from sedir_core.documents import moment, read_json, read_toml
from sedir_core.errors import BadConfig, BadRun, BadWeights
from sedir_core.names import printable
from sedir_core.places import RUN_MARK, is_folder

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
"""Incremented whenever an older program could misread a run."""

CONFIG = "config.toml"
WEIGHTS = "weights.safetensors"
STATE = "state.safetensors"
ORIGIN = "origin.safetensors"
"""Weights of the parent run of a warm start; deleted when the training has finished."""
EVENTS = "events.jsonl"
METRICS = "metrics.json"
EVALUATION = "evaluation.json"
"""The result of `sedir evaluate`, if recorded in the run."""
ABOUT = RUN_MARK
LOG = "log.txt"
STOP = "STOP"
STOP_AFTER_EPOCH = "STOP-AFTER-EPOCH"
PREVIEWS = "previews"
LOCK = ".lock"


FREE = frozenset({"preset", "data", "scoring", "training"})
"""Settings that may change in a finished run: the rule, each with its own limits, and training-only ones.

`scoring.false_alarm_rate` is checked on its own: see `About`.
"""

MAX_NAME = 256


def _one_line(name: str) -> str:
    """Raises ValueError for what no training of ours is called: control characters, or no valid text."""
    if printable(name) != name:
        raise ValueError("has control characters, or is not valid text")
    return name


Name = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_one_line)]
Names = Annotated[tuple[Name, ...], Field(max_length=10_000)]


class About(BaseModel):
    """Provenance of a run: about.json.

    dataset: the folder it was trained on, empty in runs of older versions. data_hash: of the training scans' content.
    parent: name of the run it was started from, empty if trained from scratch. inherited: categories taken from it.
    device: torch's name. threads: number of CPU threads torch used, on which floating-point sums depend. created: ISO
    8601, UTC. settings: hash of those that determine scores and limits, empty in runs of older versions.
    false_alarm_rate: the one that the limits were set for; None in runs of older versions.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    method: Name
    categories: Names
    seed: int = Field(ge=0)
    dataset: str = Field("", max_length=4096)
    data_hash: Name
    parent: Name = ""
    inherited: Names = ()
    device: Name
    threads: int = Field(ge=1, le=4096)
    created: Name
    versions: dict[str, str] = Field(max_length=100)
    settings: Name = ""
    false_alarm_rate: float | None = Field(None, gt=0, lt=1)

    @property
    def begun(self) -> datetime | None:
        """`created` as a time; None if invalid."""
        return moment(self.created)


def place_mark(path: Path) -> None:
    """Create an empty marker file; a link of that name is replaced, not followed. Raises OSError."""
    if path.is_symlink():
        path.unlink()
    path.touch()


def is_own_file(path: Path) -> bool:
    """Whether it is a regular file, and no link to one; False if the system refuses to tell."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def require_own_files(run_dir: Path) -> None:
    """Raises BadRun if the run holds a link, a pipe or a device: what is written or exported would lead elsewhere."""
    try:
        entries = list(run_dir.iterdir())
        if is_folder(run_dir / PREVIEWS) and not (run_dir / PREVIEWS).is_symlink():
            entries += (run_dir / PREVIEWS).iterdir()
        for path in sorted(entries):
            mode = path.lstat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                what = f"holds {path.relative_to(run_dir)}, a link or no file, which may lead elsewhere"
                raise BadRun(run_dir, what, "remove it, or copy the run so that it holds only files of its own")
    except OSError as error:
        raise BadRun(run_dir, f"cannot be read: {error.strerror}", "check the permissions") from error


def read_about(run_dir: Path) -> About:
    """Read about.json. Raises BadRun if this is not a run, or is damaged or of a newer format."""
    _require_file(run_dir / ABOUT)
    raw = read_json(run_dir / ABOUT, BadRun, hint="the run is damaged")
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
    """The name of a run's detector. Raises BadRun."""
    return read_about(run_dir).method


def read_run_config(run_dir: Path) -> Config:
    """Read a run's config.toml. Raises BadRun."""
    _require_file(run_dir / CONFIG)
    try:
        config = read_config(run_dir / CONFIG)
    except BadConfig as error:
        raise BadRun(run_dir / CONFIG, error.what, "the run is damaged or of another version") from error
    # A truncated file may be valid TOML, and defaults would fill in the rest. Older runs lack the data section; it
    # comes first, so a truncated file lacks others, too.
    missing = [name for name in read_by(config.method) if name not in config.model_fields_set | {"data"}]
    if missing:
        raise BadRun(run_dir / CONFIG, f"lacks {', '.join(missing)}", "the run is damaged: train it again")
    if (run_dir / ABOUT).exists():
        _require_unchanged(run_dir, config, read_about(run_dir))
    return config


def _require_unchanged(run_dir: Path, config: Config, about: About) -> None:
    if about.settings and about.settings != settings_hash(read_toml(run_dir / CONFIG, BadRun)):
        hint = "its limits belong to the previous settings: restore them, or train again"
        raise BadRun(run_dir / CONFIG, "has changed since the training", hint)
    rate = config.scoring.false_alarm_rate
    if about.false_alarm_rate is not None and about.false_alarm_rate != rate:
        what = f"sets false_alarm_rate to {rate:g}, but the run's limits were set for {about.false_alarm_rate:g}"
        raise BadRun(run_dir / CONFIG, what, "restore it, and choose another rate with --false-alarm-rate")


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Hash of the settings that determine scores and limits; as written, without defaults."""
    kept = {name: value for name, value in settings.items() if name not in FREE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def read_run_tensors(run_dir: Path) -> dict[str, Tensor]:
    """All tensors of weights.safetensors by prefixed name, on the CPU, all finite.

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
    """Raises BadRun unless a tensor file's notes name a supported format."""
    found = meta.get("format", "")
    if not found.isdecimal():
        raise BadRun(path, "does not state its format", "the run is damaged")
    if int(found) > FORMAT:
        raise newer_format(path, int(found))


def newer_format(where: Path, found: int) -> BadRun:
    """The error that tells the user to update."""
    return BadRun(
        where, f"written by a newer version (format {found}, this one reads {FORMAT})", "update SeDiR Inspect"
    )


def _require_file(path: Path) -> None:
    if not is_folder(path.parent) or not path.is_file():
        raise BadRun(path.parent, f"is not a run: it has no {path.name}", "name a folder that `sedir train` wrote")
