"""What can be chosen for inspecting: runs the program knows of, and devices this machine has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.jobs.evaluation import measured_of
from app.jobs.training import runs_in
from sedir_core.detectors.run_files import WEIGHTS, read_about, read_run_config
from sedir_core.errors import UserError
from sedir_core.places import bundled_runs, user_runs
from sedir_core.types import Report, Stop


@dataclass(frozen=True)
class KnownRun:
    """A run directory as a user chooses by it.

    origin: bundled, yours or elsewhere. created: the day, as in ISO 8601. o_auroc: 0..1, the mean over the categories,
    None where the run was never evaluated. views: whether scans from one side can be judged. trouble: why it cannot be
    used, or "".
    """

    path: Path
    origin: str
    method: str = ""
    categories: tuple[str, ...] = ()
    created: str = ""
    o_auroc: float | None = None
    views: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class Device:
    """name: as on the command line. words: for a user, with the memory of a GPU."""

    name: str
    words: str


@dataclass(frozen=True)
class Machine:
    """The devices, which of them `auto` takes, and why."""

    devices: tuple[Device, ...]
    choice: str
    why: str


def known_runs(recent: tuple[Path, ...], report: Report, stop: Stop) -> list[KnownRun]:
    """The bundled runs, the user's own (the newest first), then others that were used lately."""
    bundled, own = runs_in(bundled_runs()), runs_in(user_runs())
    listed = {path.resolve() for path in (*bundled, *own)}
    others = [path for path in recent if path.resolve() not in listed and path.is_dir()]
    places: Iterable[tuple[list[Path], str]] = ((bundled, "bundled"), (own, "yours"), (others, "elsewhere"))
    return [look_at(path, origin) for paths, origin in places for path in paths]


def look_at(run_dir: Path, origin: str) -> KnownRun:
    """What the small files of a run say; a damaged or unfinished one says so in `trouble`."""
    try:
        about, config = read_about(run_dir), read_run_config(run_dir)
    except UserError as error:
        return KnownRun(run_dir, origin, trouble=error.what)
    measured = [one["o_auroc"] for one in measured_of(run_dir).values() if isinstance(one.get("o_auroc"), float)]
    return KnownRun(
        run_dir,
        origin,
        about.method,
        about.categories,
        about.created[:10],
        sum(measured) / len(measured) if measured else None,
        config.method == "sedir" and config.training.views > 0,
        "" if (run_dir / WEIGHTS).is_file() else "its training has not finished",
    )


def devices(request: None, report: Report, stop: Stop) -> Machine:
    """What this machine computes on. Loads torch."""
    import torch

    from sedir_core.runtime import choose_device

    found = [Device("cpu", f"Processor, {torch.get_num_threads()} threads")]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(index)
        found.append(Device(f"cuda:{index}", f"{properties.name}, {properties.total_memory / 2**30:.0f} GB"))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU"))
    choice, why = choose_device("auto")
    return Machine(tuple(found), str(choice), why)
