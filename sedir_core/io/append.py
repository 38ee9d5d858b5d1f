"""Appends lines to a file atomically: each is written completely or not at all, even on a crash or full disk."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from sedir_core.documents import parse_json
from sedir_core.errors import CannotWrite

_TAIL_BYTES = 1 << 20


def _is_json(line: bytes) -> bool:
    try:
        parse_json(line)
    except ValueError:
        return False
    return True


class AppendedLines:
    """A file opened for appending; every line is one write. A torn last line left by a crash is removed.

    Devices and pipes are written to directly. Raises CannotWrite, as does `append`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)
            self._regular = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
            if self._regular:
                self._mend()
        except OSError as error:
            raise self._refused(error) from error

    def append(self, line: str) -> None:
        """Append a line; if a full disk allows only part of it, that part is removed."""
        content = line.encode("utf-8", "backslashreplace") + b"\n"
        end = self._size()
        try:
            written = self._file.write(content)
            while written < len(content):  # a nearly full disk accepts part of the data without an error
                written += self._file.write(content[written:])
        except OSError as error:
            with suppress(OSError):
                if self._regular:
                    self._file.truncate(end)
            raise self._refused(error) from error

    def close(self) -> None:
        """Nothing can be appended afterwards."""
        self._file.close()

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _mend(self) -> None:
        size = self._size()
        with self._path.open("rb") as file:
            file.seek(max(0, size - _TAIL_BYTES))
            tail = file.read(_TAIL_BYTES)
        torn = tail[tail.rfind(b"\n") + 1 :]
        if not torn:
            return
        if torn.startswith(b"{") and not _is_json(torn):
            self._file.truncate(size - len(torn))
        else:
            self._file.write(b"\n")  # only the end of the line was lost, or it is none of ours

    def _refused(self, error: OSError) -> CannotWrite:
        return CannotWrite(self._path, error.strerror or str(error), "check the free space and the permissions")
