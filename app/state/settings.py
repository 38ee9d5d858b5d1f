"""Persistent settings of the window, each typed and with a default.

Stored as an INI file in the platformdirs location. A damaged or out-of-range value reads as its default:
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
"""Text sizes, in per cent of the default."""
POINT_SIZES = (50, 70, 100, 140, 200)
"""Sizes of a drawn point, in per cent of the default."""

THEME_FORM = Form(
    "Window",
    "Theme",
    "Light, dark, or the same as the desktop.",
    "choice",
    (("system", "As the system"), ("light", "Light"), ("dark", "Dark")),
)
TEXT_SIZE_FORM = Form(
    "Window",
    "Size of text",
    "Larger text for screens at arm's length.",
    "choice",
    tuple((size, f"{size} %") for size in TEXT_SIZES),
)
RESTORE_FORM = Form(
    "Window",
    "Scans from last time",
    "What to do at start-up with the scans that were open when the program ended.",
    "choice",
    (("ask", "Offer to open them"), ("always", "Open them"), ("never", "Leave them")),
)
CONFIRM_FORM = Form("Window", "Ask before quitting", "Asked only while scans are being inspected.", "flag")
MODEL_FORM = Form("Inspection", "Model", "The model in use when the program starts.", "model")
DEVICE_FORM = Form("Inspection", "Device", "Where the model computes. Automatic takes a GPU if there is one.", "device")
SOUND_FORM = Form("Inspection", "Sound in line mode", "One beep for OK, two for uncertain, three for NG.", "flag")
UNIT_FORM = Form(
    "Inspection",
    "Unit of the scans",
    "Shown after lengths and areas. Scan files do not state their unit; nothing is converted.",
    "text",
    placeholder="mm, for example",
)
OPERATOR_FORM = Form(
    "Records", "Operator", "Recorded with every review and shown in reports.", "text", placeholder="name or number"
)
HISTORY_FORM = Form(
    "Records",
    "History database",
    "Empty: your own file. A PostgreSQL server can be shared by several stations. Applies from the next start.",
    "text",
    placeholder="postgresql://user@host/name",
)
HISTORY_GB_FORM = Form(
    "Records",
    "Space for past results",
    "For reopening past inspections. Beyond this the oldest results are deleted; the table keeps its rows.",
    "count",
    low=1,
    high=10_000,
    unit=" GB",
)
LOGO_FORM = Form("Records", "Logo", "A PNG or JPEG shown at the top of reports.", "picture", placeholder="none")
EXPORT_FORM = Form("Records", "Export folder", "Initial folder when saving; empty: the last one used.", "folder")


def default_path() -> Path:
    """The settings file of the current user."""
    return user_config().with_name("window.ini")


class Settings(QObject):
    """Typed access to the file; `changed` carries the name of the changed setting."""

    changed = Signal(str)

    theme: Stored[ThemeChoice] = Stored("view/theme", "system", one_of(get_args(ThemeChoice)), THEME_FORM)
    text_size = Stored("view/text_size", 100, count(TEXT_SIZES[0], TEXT_SIZES[-1]), TEXT_SIZE_FORM)
    restore: Stored[RestoreChoice] = Stored("window/restore", "ask", one_of(get_args(RestoreChoice)), RESTORE_FORM)
    confirm_quit = Stored("window/confirm_quit", False, flag, CONFIRM_FORM)
    run_dir: Stored[Path | None] = Stored("inspect/run_dir", None, path, MODEL_FORM)
    """Last chosen model; None means the bundled one."""
    device = Stored("inspect/device", "auto", text, DEVICE_FORM)
    unit = Stored("inspect/unit", "", text, UNIT_FORM)
    line_sound = Stored("inspect/line_sound", False, flag, SOUND_FORM)
    operator = Stored("records/operator", "", text, OPERATOR_FORM)
    history_url = Stored("records/history_url", "", text, HISTORY_FORM)
    history_gb = Stored("records/history_gb", 10, count(1, 10_000), HISTORY_GB_FORM)
    export_folder: Stored[Path | None] = Stored("records/export_folder", None, path, EXPORT_FORM)
    report_logo: Stored[Path | None] = Stored("records/report_logo", None, path, LOGO_FORM)
    saved_in: Stored[Path | None] = Stored("records/saved_in", None, path)
    """Folder last saved to."""
    watched_folder: Stored[Path | None] = Stored("inspect/watched_folder", None, path)
    """Folder watched from program start; None for none."""
    colour_map = Stored("view/colour_map", "", text)
    """Name of the colour map for scores; empty means the default one."""
    per_scan_scale = Stored("view/per_scan_scale", False, flag)
    """Colours span each scan's own scores rather than the calibrated scale."""
    rigid_deviation = Stored("view/rigid_deviation", False, flag)
    """Whether deviations include the smooth part-to-part variation."""
    single_view = Stored("view/single", False, flag)
    """Show only the scan, without the expected surface beside it."""
    depth_shading: Stored[ShadingChoice] = Stored("view/depth_shading", "auto", one_of(get_args(ShadingChoice)))
    point_size = Stored("view/point_size", 100, count(POINT_SIZES[0], POINT_SIZES[-1]))
    recent_models: Stored[tuple[str, ...]] = Stored("inspect/recent_models", (), strings)
    """Recently chosen run directories, newest first."""
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
        """Recently opened scans and folders, newest first."""
        return [Path(name) for name in strings(self.store.value("files/recent", [])) or ()][:MAX_RECENT]

    def remember(self, paths: list[Path]) -> None:
        """Move these to the top of the recent files."""
        newest = [path.absolute() for path in paths[:MAX_RECENT]]
        kept = [path for path in self.recent if path not in newest]
        self._set("files/recent", [str(path) for path in (newest + kept)[:MAX_RECENT]], "recent")

    def forget_recent(self) -> None:
        self._set("files/recent", [], "recent")

    def remember_model(self, run_dir: Path) -> None:
        """Use this model at the next start, and move it to the top of the recent ones."""
        names = dict.fromkeys([str(run_dir.absolute()), *self.recent_models])
        self.recent_models = tuple(names)[:MAX_RECENT]
        self.run_dir = None if run_dir == bundled_runs() / DEFAULT_RUN else run_dir

    @property
    def shortcuts(self) -> Mapping[str, str]:
        """Command -> keys, for customised commands; empty keys mean no shortcut."""
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
        """Category -> tolerance band shown as in tolerance, for customised categories."""
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
        """Geometry or dock state saved under that name; empty if none was."""
        stored = self.store.value(f"layout/{name}", QByteArray())
        return stored if isinstance(stored, QByteArray) else QByteArray()

    def set_layout(self, name: str, state: QByteArray) -> None:
        self.store.setValue(f"layout/{name}", state)

    def flush(self) -> None:
        """Write to disk now rather than when Qt gets round to it."""
        self.store.sync()

    def tell(self, name: str) -> None:
        """A value was changed."""
        self.changed.emit(name)

    def _set(self, key: str, value: object, name: str) -> None:
        self.store.setValue(key, value)
        self.tell(name)
