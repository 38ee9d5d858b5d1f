"""Estimates a training's time and memory from measured step times on this machine.

No torch here: the window extrapolates what another process has measured. Measurements are cached by device and
settings.
"""

from __future__ import annotations

import hashlib
import json
import logging
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sedir_core.config import Config
from sedir_core.documents import read_json
from sedir_core.errors import BadRun, CannotWrite
from sedir_core.evidence.training_numbers import LIMITS
from sedir_core.io.atomic import write_text
from sedir_core.places import writable_folders
from sedir_core.training.events import AnyEvent, EpochEvent, StageEvent

log = logging.getLogger(__name__)

STARTING_S = 5.0  # libraries and weights
# Settings that change how often something is done, not how long it takes.
COUNTED = {"epochs", "samplings", "views", "held_out", "patch_steps", "seed", "checkpoint_seconds", "learning_rate"}
COUNTED |= {"weight_decay", "clip_norm", "schedule"}
# Prefixes of a training's stages, and their cost item.
KINDS = {
    "align": "align",
    "encode": "encode",
    "calibrate views": "views",
    "calibrate": "calibrate",
    "plant": "calibrate",
    "learn to draw": "draw",
    "learn what to expect": "once",
    "learn good surfaces": "once",
    "learn to judge": "once",
}


class Pace(BaseModel):
    """Seconds to align a scan, encode a sampling, train on a scan, take a step of the surface decoder, and calibrate
    on a held-out sampling (with the defects planted into it) and on a held-out view. once_s: for work independent of
    the number of scans.

    memory_bytes: peak memory while measuring, of the GPU if one was used. sampling_bytes: memory per further sampling.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    align_s: float = Field(ge=0)
    encode_s: float = Field(ge=0)
    step_s: float = Field(ge=0)
    draw_s: float = Field(ge=0)
    held_out_s: float = Field(ge=0)
    held_out_view_s: float = Field(ge=0)
    once_s: float = Field(default=0.0, ge=0)
    memory_bytes: int = Field(ge=0)
    sampling_bytes: int = Field(ge=0)


@dataclass(frozen=True)
class Estimate:
    """Estimate for a complete training. memory_bytes: 0 if unknown."""

    seconds: float
    memory_bytes: int


def estimate(pace: Pace, config: Config, n_scans: int) -> Estimate:
    """Extrapolate to a training on that many scans."""
    training = config.training
    samplings = n_scans * (training.samplings + training.views)
    held_out = n_scans * training.held_out
    views = LIMITS.view_turns * held_out if training.views else 0
    seconds = STARTING_S + pace.once_s + n_scans * pace.align_s + samplings * pace.encode_s
    # Step time is proportional to the batch size, since scans are processed one by one.
    seconds += training.epochs * n_scans * pace.step_s + training.patch_steps * pace.draw_s
    seconds += held_out * pace.held_out_s + views * pace.held_out_view_s
    memory = pace.memory_bytes + samplings * pace.sampling_bytes if pace.memory_bytes else 0
    return Estimate(seconds, memory)


def pace_of(events: Sequence[AnyEvent], config: Config, n_scans: int, sampling_bytes: int) -> Pace:
    """Extract the pace from the log of a short complete training. Raises ValueError if it did not finish."""
    spent: dict[str, float] = {}
    for event, after in pairwise(events):
        if isinstance(event, StageEvent):
            kind = next((kind for begin, kind in KINDS.items() if event.stage.startswith(begin)), "")
            spent[kind] = spent.get(kind, 0.0) + max(after.time - event.time, 0.0)
    epochs = [event for event in events if isinstance(event, EpochEvent)]
    if not epochs or "calibrate" not in spent:
        raise ValueError("the training did not finish")
    training = config.training
    held_out = n_scans * training.held_out
    # The first epoch includes warm-up.
    rate = statistics.median(event.steps_per_second for event in epochs[1:] or epochs)
    return Pace(
        align_s=spent.get("align", 0.0) / n_scans,
        encode_s=spent.get("encode", 0.0) / (n_scans * (training.samplings + training.views)),
        step_s=1.0 / (rate * min(training.batch_size, n_scans)),
        draw_s=spent.get("draw", 0.0) / training.patch_steps,
        held_out_s=spent["calibrate"] / held_out,
        once_s=spent.get("once", 0.0),
        held_out_view_s=spent.get("views", 0.0) / (LIMITS.view_turns * held_out),
        memory_bytes=epochs[-1].memory_bytes,
        sampling_bytes=sampling_bytes,
    )


def read_pace(config: Config, device: str) -> Pace | None:
    """The measurement for these settings and device, or None."""
    try:
        return Pace.model_validate(read_json(_file(config, device), BadRun))
    except (BadRun, ValidationError):
        return None


def keep_pace(config: Config, device: str, pace: Pace) -> None:
    """Store a measurement; write errors are only logged."""
    try:
        write_text(_file(config, device), pace.model_dump_json() + "\n")
    except CannotWrite:
        log.warning("the measured pace could not be stored", exc_info=True)


def _file(config: Config, device: str) -> Path:
    what = config.model_dump(exclude={"training": COUNTED, "preset": True, "scoring": True, "loss": True})
    causes = json.dumps([what, bool(config.training.views), device], sort_keys=True)
    return writable_folders()["cache"] / "paces" / f"{hashlib.sha256(causes.encode()).hexdigest()[:32]}.json"
