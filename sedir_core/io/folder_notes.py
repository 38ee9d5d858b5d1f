"""Per-folder notes on how to read its scans: x, y, z columns and unit, in one small file in the folder.

The file moves with the scans, so that window, command line and later trainings read them alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import tomli_w

from sedir_core.documents import read_toml
from sedir_core.errors import BadConfig, UnreadableScan
from sedir_core.io.atomic import write_text
from sedir_core.io.columns import Columns, parse_columns
from sedir_core.units import UNKNOWN, Unit, is_unit

FILE = "sedir-data.toml"
_LEVELS = 4  # dataset / category / split / kind of defect
_HINT = "correct or remove it"


@dataclass(frozen=True)
class FolderNotes:
    """columns: of its text tables and arrays; empty if not given."""

    columns: Columns = ()
    unit: Unit = UNKNOWN


def notes_for(path: Path) -> FolderNotes:
    """The notes for a scan or a folder: the nearest ones in its folder or a few levels up.

    Raises UnreadableScan if the notes are invalid.
    """
    folder = path if path.is_dir() else path.parent
    for place in (folder, *folder.absolute().parents[: _LEVELS - 1]):
        if (place / FILE).is_file():
            return _read(place / FILE)
    return FolderNotes()


def write_notes(folder: Path, notes: FolderNotes) -> None:
    """Store notes in a folder, for it and its subfolders. Raises CannotWrite."""
    content: dict[str, str] = {}
    if notes.columns:
        content["columns"] = ",".join(notes.columns)
    if notes.unit != UNKNOWN:
        content["unit"] = notes.unit
    write_text(folder / FILE, "# How SeDiR Inspect reads the scans in this folder.\n" + tomli_w.dumps(content))


def _read(file: Path) -> FolderNotes:
    content = read_toml(file, UnreadableScan, _HINT)
    unit = content.get("unit", UNKNOWN)
    if not set(content) <= {"columns", "unit"} or not is_unit(unit):
        raise UnreadableScan(file, "cannot be understood: it may hold columns and unit", _HINT)
    try:
        return FolderNotes(parse_columns(str(content.get("columns", ""))), cast("Unit", unit))
    except BadConfig as error:
        raise UnreadableScan(file, f"cannot be understood: {error.what}", _HINT) from error
