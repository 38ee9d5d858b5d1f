"""Dropped files that are not scans: what each is, and what to do instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NotAScan:
    """what: the clause after the file's name."""

    what: str
    hint: str


_ARCHIVE = NotAScan("is an archive", "unpack it, then open the folder")
_DOCUMENT = NotAScan("is a document, not a scan", "open the scans that it describes")
_SHEET = NotAScan("is a spreadsheet", "save its columns x, y and z as CSV")
_PICTURE = NotAScan("is a picture", "open the 3D scan that it shows")
_FILM = NotAScan("is a video", "export the scan itself, for instance as PLY")
_CAD = NotAScan("is a CAD file", "export it as STL")
_PROGRAM = NotAScan("is a program", "")

KINDS: Mapping[str, NotAScan] = {
    **dict.fromkeys((".zip", ".rar", ".7z", ".tar", ".tgz", ".bz2", ".xz", ".zst"), _ARCHIVE),
    **dict.fromkeys((".doc", ".docx", ".odt", ".rtf", ".pdf", ".ppt", ".pptx", ".odp", ".html", ".htm"), _DOCUMENT),
    **dict.fromkeys((".xls", ".xlsx", ".xlsm", ".ods", ".numbers"), _SHEET),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".heic", ".svg"), _PICTURE),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm"), _FILM),
    **dict.fromkeys((".sldprt", ".sldasm", ".ipt", ".iam", ".catpart", ".f3d", ".prt", ".dwg", ".dxf", ".blend"), _CAD),
    **dict.fromkeys((".exe", ".msi", ".dll", ".app", ".sh", ".bat"), _PROGRAM),
}


def not_a_scan(path: Path) -> NotAScan | None:
    """What a file is, by its suffix, if not a scan; folders are ignored."""
    return None if path.is_dir() else KINDS.get(path.suffix.lower())
