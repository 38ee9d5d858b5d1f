"""What the window remembers between two starts, each value typed and with a default.

Stored as an INI file where platformdirs says. A value that is damaged or out of range reads as its default:
a bad line in a file the user never edits must not keep the window from opening.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from PySide6.QtCore import QByteArray, QObject, QSettings, Signal

from app.state.stored import Form, Stored, count, flag, one_of, path, strings, text
from sedir_core.documents import parse_json
from sedir_core.places import DEFAULT_RUN, bundled_runs, user_config
from sedir_core.types import Tolerance

ThemeChoice = Literal["system", "light", "dark"]
RestoreChoice = Literal["ask", "always", "never"]
ShadingChoice = Literal["auto", "on", "off"]
MAX_RECENT = 10
TEXT_SIZES = (90, 100, 115, 130, 150, 175)
"""In per cent of the usual size."""
POINT_SIZES = (50, 70, 100, 140, 200)
"""Of a drawn point, in per cent of the usual size."""

THEME_FORM = Form(
    "Window",
    "Theme",
    "Light or dark, or as the desktop is set.",
    "choice",
    (("system", "As the system"), ("light", "Light"), ("dark", "Dark")),
)
TEXT_SIZE_FORM = Form(
    "Window",
    "Size of text",
    "Larger where the screen stands at arm's length.",
    "choice",
    tuple((size, f"{size} %") for size in TEXT_SIZES),
)
RESTORE_FORM = Form(
    "Window",
    "Scans of last time",
    "What happens at the start with the scans that were open when the program ended.",
    "choice",
    (("ask", "Offer to open them"), ("always", "Open them"), ("never", "Leave them")),
)
CONFIRM_FORM = Form("Window", "Ask before quitting", "Only while scans are being inspected.", "flag")
MODEL_FORM = Form("Inspection", "Model", "What scans are compared with when the program starts.", "model")
DEVICE_FORM = Form("Inspection", "Device", "Where the model computes. Automatic takes a GPU if there is one.", "device")
SOUND_FORM = Form("Inspection", "Sound in line mode", "One for OK, two where it is uncertain, three for NG.", "flag")
UNIT_FORM = Form(
    "Inspection",
    "Unit of the scans",
    "Written after lengths and areas. Files do not say it; nothing is converted.",
    "text",
    placeholder="mm, for example",
)
OPERATOR_FORM = Form(
    "Records", "Operator", "Goes with every review and into reports.", "text", placeholder="name or number"
)
HISTORY_FORM = Form(
    "Records",
    "History database",
    "Empty means a file of your own. A PostgreSQL server serves several stations. From the next start on.",
    "text",
    placeholder="postgresql://user@host/name",
)
HISTORY_GB_FORM = Form(
    "Records",
    "Space for past results",
    "What it takes to show a past inspection again. Beyond this the oldest results go; the table keeps its rows.",
    "count",
    low=1,
    high=10_000,
    unit=" GB",
)
LOGO_FORM = Form("Records", "Logo", "A PNG or JPEG for the head of reports.", "picture", placeholder="none")
EXPORT_FORM = Form("Records", "Export folder", "Where saving begins; empty means where it was last.", "folder")


def default_path() -> Path:
    """The file of the user who is logged in."""
    return user_config().with_name("window.ini")


class Settings(QObject):
    """Typed access to the file; `changed` carries the name of what changed."""

    changed = Signal(str)

    theme: Stored[ThemeChoice] = Stored("view/theme", "system", one_of(get_args(ThemeChoice)), THEME_FORM)
    text_size = Stored("view/text_size", 100, count(TEXT_SIZES[0], TEXT_SIZES[-1]), TEXT_SIZE_FORM)
    restore: Stored[RestoreChoice] = Stored("window/restore", "ask", one_of(get_args(RestoreChoice)), RESTORE_FORM)
    confirm_quit = Stored("window/confirm_quit", False, flag, CONFIRM_FORM)
    run_dir: Stored[Path | None] = Stored("inspect/run_dir", None, path, MODEL_FORM)
    """The model last chosen; None means the bundled one."""
    device = Stored("inspect/device", "auto", text, DEVICE_FORM)
    unit = Stored("inspect/unit", "", text, UNIT_FORM)
    line_sound = Stored("inspect/line_sound", False, flag, SOUND_FORM)
    operator = Stored("records/operator", "", text, OPERATOR_FORM)
    history_url = Stored("records/history_url", "", text, HISTORY_FORM)
    history_gb = Stored("records/history_gb", 10, count(1, 10_000), HISTORY_GB_FORM)
    export_folder: Stored[Path | None] = Stored("records/export_folder", None, path, EXPORT_FORM)
    report_logo: Stored[Path | None] = Stored("records/report_logo", None, path, LOGO_FORM)
    saved_in: Stored[Path | None] = Stored("records/saved_in", None, path)
    """Where something was saved last."""
    watched_folder: Stored[Path | None] = Stored("inspect/watched_folder", None, path)
    """Watched from the start on; None if none is."""
    colour_map = Stored("view/colour_map", "", text)
    """Name of the map for scores, as the views know it; empty means the usual one."""
    per_scan_scale = Stored("view/per_scan_scale", False, flag)
    """Colours span each scan's own scores, rather than the calibrated scale."""
    rigid_deviation = Stored("view/rigid_deviation", False, flag)
    """Deviations with the smooth difference from part to part left in."""
    single_view = Stored("view/single", False, flag)
    """The scan alone, without what is expected beside it."""
    depth_shading: Stored[ShadingChoice] = Stored("view/depth_shading", "auto", one_of(get_args(ShadingChoice)))
    point_size = Stored("view/point_size", 100, count(POINT_SIZES[0], POINT_SIZES[-1]))
    recent_models: Stored[tuple[str, ...]] = Stored("inspect/recent_models", (), strings)
    """Run directories chosen last, the newest first."""
    workspace = Stored("window/workspace", "", text)
    layer = Stored("window/layer", "", text)

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.store = QSettings(str(path), QSettings.Format.IniFormat, self)

    @classmethod
    def shown(cls) -> Iterator[tuple[str, Form, Any]]:
        """Name, form and default of every value that the settings dialog offers, in order."""
        for name, stored in vars(cls).items():
            if isinstance(stored, Stored) and stored.form is not None:
                yield name, stored.form, stored.default

    @property
    def last_folder(self) -> Path:
        stored = self.store.value("files/last_folder", "")
        folder = Path(stored) if isinstance(stored, str) and stored else Path.home()
        return folder if folder.is_dir() else Path.home()

    @last_folder.setter
    def last_folder(self, folder: Path) -> None:
        self._set("files/last_folder", str(folder), "last_folder")

    @property
    def recent(self) -> list[Path]:
        """Scans and folders opened last, the newest first."""
        return [Path(name) for name in strings(self.store.value("files/recent", [])) or ()][:MAX_RECENT]

    def remember(self, paths: list[Path]) -> None:
        """Put these at the top of the recent files."""
        newest = [path.absolute() for path in paths[:MAX_RECENT]]
        kept = [path for path in self.recent if path not in newest]
        self._set("files/recent", [str(path) for path in (newest + kept)[:MAX_RECENT]], "recent")

    def forget_recent(self) -> None:
        self._set("files/recent", [], "recent")

    def remember_model(self, run_dir: Path) -> None:
        """Make it the model of the next start, and put it at the top of the recent ones."""
        names = dict.fromkeys([str(run_dir.absolute()), *self.recent_models])
        self.recent_models = tuple(names)[:MAX_RECENT]
        self.run_dir = None if run_dir == bundled_runs() / DEFAULT_RUN else run_dir

    @property
    def shortcuts(self) -> Mapping[str, str]:
        """Command -> keys, for those that the user changed; empty keys mean none."""
        self.store.beginGroup("shortcuts")
        found = {name: text(self.store.value(name)) or "" for name in self.store.childKeys()}
        self.store.endGroup()
        return found

    @shortcuts.setter
    def shortcuts(self, keys: Mapping[str, str]) -> None:
        self.store.remove("shortcuts")
        for name, sequence in keys.items():
            self.store.setValue(f"shortcuts/{name}", sequence)
        self.tell("shortcuts")

    @property
    def bands(self) -> Mapping[str, Tolerance]:
        """Kind of part -> the deviations that are shown as wanted, for those that somebody set."""
        stored = self.store.value("view/bands", "{}")
        try:
            return {name: Tolerance(*map(float, ends)) for name, ends in parse_json(str(stored)).items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    @bands.setter
    def bands(self, bands: Mapping[str, Tolerance]) -> None:
        kept = json.dumps({name: [band.minus, band.plus] for name, band in bands.items()})
        self._set("view/bands", kept, "bands")

    def layout(self, name: str) -> QByteArray:
        """Geometry or dock state saved under that name; empty if there is none."""
        stored = self.store.value(f"layout/{name}", QByteArray())
        return stored if isinstance(stored, QByteArray) else QByteArray()

    def set_layout(self, name: str, state: QByteArray) -> None:
        self.store.setValue(f"layout/{name}", state)

    def flush(self) -> None:
        """Write now, rather than when Qt finds the time."""
        self.store.sync()

    def tell(self, name: str) -> None:
        """A value was changed."""
        self.changed.emit(name)

    def _set(self, key: str, value: object, name: str) -> None:
        self.store.setValue(key, value)
        self.tell(name)
