"""Sanitises names for display and storage: file names are bytes, and may contain control characters.

Text for people goes through `printable`, text for programs through `storable`.
"""

from __future__ import annotations

import logging
import re
import textwrap
import unicodedata
from typing import Any


def printable(text: object) -> str:
    """One harmless line: invalid UTF-8 bytes as `\\xff`, control characters as `\\x1b`."""
    whole = str(text)
    return whole if whole.isprintable() else "".join(map(_shown, whole))


def lines(text: str) -> str:
    """`printable`, but keeps line breaks and tabs: for text formatted by us."""
    return "".join(part if part in ("\n", "\t") else printable(part) for part in re.split(r"([\n\t])", text))


class PlainFormatter(logging.Formatter):
    """Log lines in which no name can forge a line or control a terminal; tracebacks are indented below theirs."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return textwrap.indent(lines(super().formatException(ei)), "    ")


def storable(text: object) -> str:
    """The text in valid UTF-8 without NULs, as required by databases, JSON readers and reports."""
    whole = str(text).replace("\0", "\\0")
    return whole if whole.isascii() else "".join(_escaped(sign) if _is_surrogate(sign) else sign for sign in whole)


def _shown(sign: str) -> str:
    # Non-ASCII spaces are not "printable" for Python, but harmless and common in some languages.
    return sign if sign.isprintable() or unicodedata.category(sign) == "Zs" else _escaped(sign)


def _escaped(sign: str) -> str:
    code = ord(sign)
    if 0xDC80 <= code <= 0xDCFF:  # surrogate escape of a non-UTF-8 byte in a file name
        return f"\\x{code - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode("ascii")


def _is_surrogate(sign: str) -> bool:
    return 0xD800 <= ord(sign) <= 0xDFFF
