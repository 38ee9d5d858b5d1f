"""What can be chosen for inspection: known runs and the machine's devices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sedir_core.errors import BadRun
from sedir_core.places import user_runs
from sedir_core.rundir.files import WEIGHTS, read_run_config
from sedir_core.runs.catalogue import RunEntry, RunState, list_runs, read_entry
from sedir_core.runs.models import find_model
from sedir_core.types import Report, Stop


@dataclass(frozen=True)
class KnownRun:
    """A run to choose. views: whether it can inspect single-view scans. trouble: why it cannot be used."""

    entry: RunEntry
    views: bool
    trouble: str

    @property
    def path(self) -> Path:
        return self.entry.path

    @property
    def origin(self) -> str:
        """Where it comes from, as shown to users."""
        if self.entry.bundled:
            return "bundled"
        return "yours" if self.path.parent == user_runs() else "elsewhere"


@dataclass(frozen=True)
class Machine:
    """devices: name, as on the command line, and description. choice: the one `auto` selects; why: the reason."""

    devices: tuple[tuple[str, str], ...]
    choice: str
    why: str


def known_runs(recent: tuple[Path, ...], report: Report, stop: Stop) -> list[KnownRun]:
    """The user's, the bundled and recently used runs, newest first; unusable ones last."""
    found = list_runs()
    listed = {entry.path.resolve() for entry in found}
    others = [read_entry(path) for path in recent if path.is_dir() and path.resolve() not in listed]
    return sorted((_known(entry) for entry in (*found, *others)), key=lambda run: bool(run.trouble))


def look_at(chosen: Path, report: Report, stop: Stop) -> KnownRun:
    """Describe a chosen folder or `.sedir` file. Raises BadRun, CannotWrite."""
    return _known(read_entry(find_model(str(chosen))))


def devices(request: None, report: Report, stop: Stop) -> Machine:
    """This machine's devices. Loads torch."""
    from sedir_core.runtime import choose_device
    from sedir_core.runtime import devices as list_devices

    choice, why = choose_device("auto")
    return Machine(tuple(list_devices()), str(choice), why)


def _known(entry: RunEntry) -> KnownRun:
    try:
        config = read_run_config(entry.path)
        views = config.method == "sedir" and config.training.views > 0
    except BadRun:  # the entry carries the reason
        views = False
    if entry.state is RunState.DAMAGED:
        return KnownRun(entry, views, entry.trouble)
    return KnownRun(entry, views, "" if (entry.path / WEIGHTS).is_file() else "its training has not finished")
