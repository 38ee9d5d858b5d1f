"""Per-folder notes on how to read its scans: x, y, z columns and unit, in one small file in the folder.

The file moves with the scans, so that window, command line and later trainings read them alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import tomli_w

from sedir_core.documents import parse_toml
from sedir_core.errors import BadConfig, UnreadableScan
from sedir_core.io.atomic import write_text
from sedir_core.io.columns import Columns, parse_columns
from sedir_core.units import UNKNOWN, Unit, is_unit

FILE = "sedir-data.toml"
_LEVELS = 4  # dataset / category / split / kind of defect
_MOST_BYTES = 10_000


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
    try:
        with file.open("rb") as stream:
            content = parse_toml(stream.read(_MOST_BYTES).decode())
        unit = content.get("unit", UNKNOWN)
        if not set(content) <= {"columns", "unit"} or not is_unit(unit):
            raise ValueError("it may hold columns and unit")
        return FolderNotes(parse_columns(str(content.get("columns", ""))), cast("Unit", unit))
    except (OSError, ValueError, BadConfig) as error:
        what = f"cannot be understood: {error.what if isinstance(error, BadConfig) else error}"
        raise UnreadableScan(file, what, "correct or remove it") from error
