"""Reads untrusted JSON and TOML within limits, or rejects them with a reason.

The parsers of the standard library take minutes for 60 KB of dotted keys, overflow the stack on nested brackets and
raise on long numbers. Out-of-range numbers and dates become None, so that untrusted values never overflow later.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sedir_core.errors import UserError

CONFIG_BYTES = 64 << 10
SMALL_BYTES = 1 << 20
LARGE_BYTES = 4 << 20
MAX_DEPTH = 32
MAX_DOTS = 64
"""Most dots in a line of TOML: parsing dotted keys takes quadratic time."""
LARGEST = 1e15
"""Largest number; also for integers, so that each is exact as a float."""
_YEARS = (1970, 2200)
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse_json(text: str | bytes, max_bytes: int = LARGE_BYTES) -> Any:
    """Parse JSON in UTF-8; numbers that are not finite, or beyond LARGEST, become None.

    Raises ValueError if the text is not JSON, too long, or nested deeper than MAX_DEPTH.
    """
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(content) > max_bytes:
        raise ValueError(f"larger than {max_bytes:,} bytes")
    _refuse_deep(content)
    said = content.decode("utf-8", "surrogatepass")
    return json.loads(said, parse_float=_float, parse_int=_int, parse_constant=lambda name: None)


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML; numbers as in `parse_json`.

    Raises ValueError if the text is not TOML, longer than CONFIG_BYTES, or nested too deeply.
    """
    if len(text) > CONFIG_BYTES:
        raise ValueError(f"larger than {CONFIG_BYTES:,} bytes")
    if any(line.count(".") > MAX_DOTS for line in text.split("\n")):
        raise ValueError(f"a line holds more than {MAX_DOTS} dots")
    try:
        return {name: _bounded(value) for name, value in tomllib.loads(text).items()}
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_text(path: Path, error: type[UserError], max_bytes: int, hint: str = "") -> str:
    """Read a small regular file as text. Raises `error` for anything else: a pipe would block forever."""
    try:
        _require_small(path, path.stat(), error, max_bytes, hint)  # opening a device can have side effects
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            _require_small(path, os.fstat(file.fileno()), error, max_bytes, hint)
            content = file.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise error(path, f"larger than {max_bytes:,} bytes", hint)
        return content.decode("utf-8")
    except FileNotFoundError as missing:
        raise error(path, "no such file", hint) from missing
    except (OSError, ValueError) as refused:  # ValueError: not UTF-8, or a NUL in the name
        raise error(path, f"not readable: {getattr(refused, 'strerror', None) or refused}", hint) from refused


def read_json(path: Path, error: type[UserError], max_bytes: int = SMALL_BYTES, hint: str = "") -> dict[str, Any]:
    """Read the object in a JSON file, see `parse_json`. Raises `error`."""
    text = read_text(path, error, max_bytes, hint)
    try:
        found = parse_json(text, max_bytes)
    except ValueError as wrong:
        raise error(path, f"not readable as JSON: {wrong}", hint) from wrong
    if not isinstance(found, dict):
        raise error(path, "contains no JSON object", hint)
    return found


def read_toml(path: Path, error: type[UserError], hint: str = "") -> dict[str, Any]:
    """Read the table in a TOML file, see `parse_toml`. Raises `error`."""
    text = read_text(path, error, CONFIG_BYTES, hint)
    try:
        return parse_toml(text)
    except ValueError as wrong:
        raise error(path, f"not readable as TOML: {wrong}", hint) from wrong


def number(value: object, low: float = -LARGEST, high: float = LARGEST) -> float | None:
    """A number between low and high as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if low <= value <= high else None  # compare ints without converting, which could overflow


def numbers(found: object, low: float = -LARGEST, high: float = LARGEST) -> dict[str, float]:
    """The entries of an object that are numbers in range."""
    if not isinstance(found, dict):
        return {}
    known = {str(name): number(value, low, high) for name, value in found.items()}
    return {name: value for name, value in known.items() if value is not None}


def moment(text: object) -> datetime | None:
    """An aware time from ISO 8601 (UTC without a zone); None if invalid or out of range."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    if not _YEARS[0] <= found.year < _YEARS[1]:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def moment_of(seconds: float) -> datetime | None:
    """An aware local time from seconds since 1970; None if out of range."""
    try:
        found = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return found.astimezone() if _YEARS[0] <= found.year < _YEARS[1] else None


def _refuse_deep(content: bytes) -> None:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(content):
        sign = found[0]
        if sign in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"nested deeper than {MAX_DEPTH}")
        elif sign in b"]}":
            depth -= 1


def _float(text: str) -> float | None:
    value = float(text)
    return value if abs(value) <= LARGEST else None


def _int(text: str) -> int | None:
    return int(text) if len(text) <= 16 and abs(int(text)) <= LARGEST else None


def _bounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _bounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_bounded(one) for one in value]
    return number(value) if isinstance(value, float) else value if _small(value) else None


def _small(value: Any) -> bool:
    return not isinstance(value, int) or abs(value) <= LARGEST


def _require_small(path: Path, status: os.stat_result, error: type[UserError], max_bytes: int, hint: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise error(path, "is not a regular file", hint)
    if status.st_size > max_bytes:
        raise error(path, f"larger than {max_bytes:,} bytes", hint)
