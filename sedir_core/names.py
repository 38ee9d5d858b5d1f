"""Names as they can be shown and stored: file names are bytes, and may hold what forges a line on a terminal.

Everything that a person reads goes through `printable`, everything that a program reads through `storable`.
"""

from __future__ import annotations

import re
import unicodedata


def printable(text: object) -> str:
    """One line that shows and does nothing: bytes that are no UTF-8 as `\\xff`, control characters as `\\x1b`."""
    whole = str(text)
    return whole if whole.isprintable() else "".join(map(_shown, whole))


def lines(text: str) -> str:
    """`printable`, but for ends of lines and tabs: for text that we laid out ourselves."""
    return "".join(part if part in ("\n", "\t") else printable(part) for part in re.split(r"([\n\t])", text))


def storable(text: object) -> str:
    """The same text in valid UTF-8 and without zeros, which no database, JSON reader or report would take."""
    whole = str(text).replace("\0", "\\0")
    return whole if whole.isascii() else "".join(_escaped(sign) if _is_surrogate(sign) else sign for sign in whole)


def _shown(sign: str) -> str:
    # Other blanks than the ASCII one are not "printable" for Python, but harmless, and usual in some languages.
    return sign if sign.isprintable() or unicodedata.category(sign) == "Zs" else _escaped(sign)


def _escaped(sign: str) -> str:
    code = ord(sign)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte of a file name that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return sign.encode("unicode_escape").decode("ascii")


def _is_surrogate(sign: str) -> bool:
    return 0xD800 <= ord(sign) <= 0xDFFF
