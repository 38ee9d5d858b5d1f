"""Lines at the end of a file: each is there whole, or not at all, whatever ends the program or fills the disk."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from sedir_core.documents import parse_json
from sedir_core.errors import CannotWrite

_TAIL_BYTES = 1 << 20


class AppendedLines:
    """Opened for appending; every line is one write. What a kill left of a torn last line is cut off.

    A device or a pipe is written through. Raises CannotWrite, as `append` does.
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
        """One more line, or none: half a line that a full disk leaves is taken back."""
        content = line.encode("utf-8", "backslashreplace") + b"\n"
        end = self._size()
        try:
            written = self._file.write(content)
            while written < len(content):  # what still fits on a full disk is accepted without an error
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
        try:
            parse_json(torn)
        except ValueError:
            self._file.truncate(size - len(torn))
        else:
            self._file.write(b"\n")  # only the end of the line was lost

    def _refused(self, error: OSError) -> CannotWrite:
        return CannotWrite(self._path, error.strerror or str(error), "check the free space and the permissions")
