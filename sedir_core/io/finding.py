"""Finds the scans in a folder, and its other files: notes, tables of measurements, pictures.

Names decide where possible; text files and files of unknown type are opened. Nothing is skipped silently.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sedir_core.errors import UnknownColumns, UserError
from sedir_core.io import columns
from sedir_core.io.columns import Columns
from sedir_core.io.folder_notes import FILE, notes_for
from sedir_core.io.formats import by_content, by_suffix, scan_suffix
from sedir_core.io.guard import MIN_POINTS, Source, open_regular
from sedir_core.io.npy import most_points
from sedir_core.io.text import read_text
from sedir_core.io.text_layout import find_layout, sample_rows
from sedir_core.io.unnamed import unnamed_axes
from sedir_core.io.unwrap import unwrapped

# Never opened: other kinds of file, and those still being written.
NO_SCANS = frozenset(
    """.md .rst .log .json .jsonl .toml .yaml .yml .ini .cfg .xml .html .htm .css .js .py .sh .bat .exe .dll .so .doc
    .docx .xls .xlsx .ods .odt .ppt .pptx .pdf .png .jpg .jpeg .bmp .gif .webp .svg .heic .raw .mtl .mp4 .avi .mov .db
    .sqlite .pth .pt .onnx .safetensors .sedir .ckpt .pkl .zip .7z .rar .tar .tgz .tmp .part .partial .crdownload
    .filepart .swp .lock .bak .lnk .url .ico .license""".split()  # noqa: SIM905
)
MOST_NAMED = 5  # files listed in a message
MATRIX_ROWS = 16  # a table with so few rows is a calibration or a note, not a scan


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not a scan, and why, as a clause."""

    path: Path
    why: str


@dataclass(frozen=True)
class Found:
    """scans: sorted and unique. skipped: the other files in the folders, sorted."""

    scans: tuple[Path, ...]
    skipped: tuple[SkippedFile, ...] = ()


def find_scans(paths: Iterable[Path]) -> list[Path]:
    """The scans of `search_scans`."""
    return list(search_scans(paths).scans)


def search_scans(paths: Iterable[Path]) -> Found:
    """The scans among files and folders.

    Named files are kept whatever they contain, even missing ones, so that reading them reports the problem. Folders are
    searched recursively without hidden files; links are followed, but never in circles.
    """
    found: set[Path] = set()
    others: dict[Path, str] = {}
    homes: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        if _is_folder(path):
            for inside in _below(path):
                homes[inside.parent].append(inside)
        else:
            found.add(path)
    for files in homes.values():
        scans, skipped = offered(files)
        found.update(scans)
        others |= {one.path: one.why for one in skipped}
    return Found(tuple(sorted(found)), tuple(SkippedFile(path, others[path]) for path in sorted(others.keys() - found)))


def offered(files: Iterable[Path]) -> tuple[list[Path], list[SkippedFile]]:
    """The scans among the files of one folder, and the other files, both sorted.

    A table whose x, y, z cannot be identified counts as a scan if all tables are like it, so that the user is asked for
    the columns; beside other scans it is something else, such as temperatures.
    """
    looks = {path: _look(path) for path in sorted(files) if path.name != FILE}
    clear = {scan_suffix(path.name) for path, look in looks.items() if not look.why and not look.unclear}
    scans, others = [], []
    for path, look in looks.items():
        why = look.why or (look.unclear if clear and scan_suffix(path.name) not in clear else "")
        if why:
            others.append(SkippedFile(path, why))
        else:
            scans.append(path)
    return scans, others


def scans_by_name(folder: Path) -> list[Path]:
    """Files below a folder that may be scans by their names, sorted, without opening them."""
    return sorted(path for path in _below(folder) if may_be_scan(path.name) and path.name != FILE)


def may_be_scan(name: str) -> bool:
    """Whether a file may be a scan, judged by its name alone."""
    return not name.startswith((".", "~$")) and not name.endswith("~") and scan_suffix(name) not in NO_SCANS


def why_no_scan(path: Path) -> str:
    """Why a single file is not a scan, as a clause; "" if it is one. Unreadable files are left to their reader."""
    return _look(path).why


class _Look(NamedTuple):
    """why: it is not a scan. unclear: it is a table that may be one, with unidentified columns."""

    why: str = ""
    unclear: str = ""


_UNKNOWN = _Look("of no known format")


def _look(path: Path) -> _Look:
    if not may_be_scan(path.name):
        return _Look(f"a {scan_suffix(path.name)} file" if scan_suffix(path.name) else "hidden")
    usual = by_suffix(scan_suffix(path.name))
    if usual is not None and not usual.text and not usual.array:
        return _Look()
    try:
        status = path.stat()
        said = notes_for(path).columns
    except (OSError, UserError):
        return _UNKNOWN if usual is None else _Look()
    return _looked_into(path, usual is not None, said, status.st_mode, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=100_000)
def _looked_into(path: Path, named: bool, said: Columns, mode: int, size: int, changed_ns: int) -> _Look:
    """Inspect the content of a text, array or unknown file, cached while the file is unchanged."""
    broken = _Look() if named else _UNKNOWN  # files with a scan's suffix are left to their reader
    try:
        if not stat.S_ISREG(mode) or not size:
            return broken
        with open_regular(path) as packed, unwrapped(packed) as content:
            source = replace(content, columns=said)
            head = source.head()
            shown = by_content(head, source.size)
            if shown is None:
                return _Look("no rows of coordinates") if named and b"\0" not in head else _UNKNOWN
            if shown.array:
                most = most_points(source)
                return _Look(f"an array of at most {most} points") if most < MIN_POINTS else _Look()
            return _of_table(source) if shown.text else _Look()
    except (OSError, UserError):
        return broken


def _of_table(source: Source) -> _Look:
    """Distinguish a matrix, measurements of parts, and a scan, perhaps with unclear columns."""
    names, rows = sample_rows(source, MIN_POINTS)
    if len(rows) <= MATRIX_ROWS:
        return _Look(f"a table of {len(rows)} rows")
    try:
        if find_layout(source).axes is not None or not (doubt := _doubt(rows)):
            return _Look()
    except UnknownColumns:
        said = f"a table of {columns.listed(names)}"
        labelled = all(row[0].strip()[:1] not in "+-.0123456789" for row in rows)  # of an empty cell, too
        return _Look(said) if len(rows) < MIN_POINTS or labelled else _Look(unclear=said)
    try:
        read_text(source)  # all rows: a single line of a scan may look like times
    except UnknownColumns:
        return _Look(unclear=doubt)
    return _Look()


def _doubt(rows: Sequence[Sequence[str]]) -> str:
    """Why unnamed columns may not begin with x, y, z, as a clause, judged by these rows; "" if they do."""
    try:
        leading = np.array([[float(cell.replace(",", ".")) for cell in row[:6]] for row in rows])
    except ValueError:  # words for missing values, or rows of different lengths: left to its reader
        return ""
    try:
        unnamed_axes(leading, len(rows[0]))
    except ValueError as unclear:
        return f"a table that {unclear}"
    return ""


def listed(skipped: Sequence[SkippedFile]) -> str:
    """`README.txt (no rows of coordinates), notes.md (a .md file) and 3 more`."""
    shown = ", ".join(f"{one.path.name} ({one.why})" for one in skipped[:MOST_NAMED])
    more = len(skipped) - MOST_NAMED
    return shown + (f" and {more} more" if more > 0 else "")


def _below(folder: Path) -> Iterator[Path]:
    refused: list[Path] = []
    seen: set[tuple[int, int]] = set()  # identity of each folder, since links may be circular
    walk = os.walk(folder, followlinks=True, onerror=lambda error: refused.append(Path(error.filename)))
    for parent, folders, files in walk:
        place = _place(Path(parent))
        if place is None or place in seen:
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in files if not name.startswith("."))
    yield from refused  # reading it will report that it cannot be listed


def _place(folder: Path) -> tuple[int, int] | None:
    """Device and inode; None for a folder removed in the meantime."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:  # missing or unreachable: kept, so that reading it reports why
        return False
