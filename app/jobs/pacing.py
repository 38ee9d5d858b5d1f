"""The machine's training devices and how long a training takes on them, measured once in a separate process."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.jobs.child import Child
from app.jobs.pool import Pool
from sedir_core.config import Config, to_toml
from sedir_core.documents import parse_json
from sedir_core.errors import UserError
from sedir_core.io.atomic import write_text
from sedir_core.places import writable_folders
from sedir_core.training.pace import Pace
from sedir_core.types import Report, Stop


class Pacer(QObject):
    """One measurement at a time; a new one replaces it."""

    devices_found = Signal(list)  # (name for the command line, words)
    busy_changed = Signal(bool)
    measured = Signal(object, str, object)  # configuration, device, Pace
    failed = Signal(str)  # why

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = Pool("devices", self)
        self._pool.done.connect(lambda job, found: self.devices_found.emit(found))
        self._pool.failed.connect(lambda job, error: self.failed.emit(str(error)))
        self._looked = False
        self._child = Child(self)
        self._child.busy_changed.connect(self.busy_changed)
        self._child.ended.connect(self._on_ended)
        self._asked: tuple[Config, str] | None = None

    @property
    def busy(self) -> bool:
        return self._child.busy

    def look_for_devices(self) -> None:
        """Runs once. It loads torch, so call it only when the user wants to train."""
        if not self._looked:
            self._looked = True
            self._pool.submit(_devices, None)

    def measure(self, config: Config, device: str) -> None:
        """Time a few training steps with these settings on that device."""
        self.cancel()
        settings = writable_folders()["cache"] / "paces" / "asked.toml"
        try:
            write_text(settings, to_toml(config))
        except UserError as error:
            self.failed.emit(str(error))
            return
        self._asked = (config, device)
        self._child.start(["estimate", "--config", str(settings), "--device", device, "--json", "-"])

    def cancel(self) -> None:
        self._child.cancel()

    def close(self) -> bool:
        self.cancel()
        return self._pool.close()

    def _on_ended(self, status: int, output: bytes, why: str) -> None:
        assert self._asked is not None
        try:
            pace = Pace.model_validate(parse_json(output)["pace"])
        except (ValueError, KeyError, TypeError):
            self.failed.emit(why)
            return
        self.measured.emit(*self._asked, pace)


def _devices(request: None, report: Report, stop: Stop) -> list[tuple[str, str]]:
    from sedir_core.runtime import devices

    return devices()
