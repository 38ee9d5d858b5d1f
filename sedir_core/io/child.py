"""Runs readers based on third-party libraries in child processes with limits on memory and time.

On broken files they crash, hang and allocate gigabytes, which no `try` can catch. Here that costs only a process.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from sedir_core.documents import parse_json
from sedir_core.errors import UserError
from sedir_core.io.guard import COPY_AGAIN, MAX_POINTS, THIN_OUT, Source
from sedir_core.io.mesh import Geometry
from sedir_core.types import DoubleArray, IntArray
from sedir_core.units import UNKNOWN, Unit, is_unit

INSTALL = "pip install 'sedir-inspect[formats]'"
_MEMORY_BYTES = 3 << 30  # address space; libraries alone take a third of it
_MEMORY_PER_BYTE = 24  # multiple of the file's size: packed points take 2 bytes, unpacked 24
_MOST_MEMORY_BYTES = 12 << 30
_TIME_S = 20.0
_TIME_PER_BYTE_S = 1 / 2e6
_MAGIC = b"sedir scan\n"
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Loaded:
    """A library's result. points: (n, 3) float64. triangles: (m, 3) int64, or None. unit: as stated in the file."""

    points: DoubleArray
    triangles: IntArray | None = None
    unit: Unit = UNKNOWN


class Refusal(Exception):
    """Raised by a loader, in the child, for a file that it cannot read as a scan: reason and hint."""

    def __init__(self, what: str, hint: str = COPY_AGAIN) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint


Loader = Callable[[Path], Loaded]


def read_in_child(source: Source, loader: Loader) -> Geometry:
    """Read a file with `loader`, a function of a module of this package. Raises the source's error.

    Triangle indices are checked; the points must pass `check_points` like any others.
    """
    with _on_disk(source) as path:
        answer = _ask(source, loader, path)
    return _checked(source, *answer)


def _ask(source: Source, loader: Loader, path: Path) -> tuple[dict[str, Any], bytes]:
    words = [loader.__module__, loader.__name__, str(path), str(_memory(source.size))]
    limit_s = _TIME_S + source.size * _TIME_PER_BYTE_S
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # each thread takes address space
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as content:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", __name__, *words], stdin=subprocess.DEVNULL, stdout=content, stderr=said,
                timeout=limit_s, env=environment, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as endless:
            raise source.fail(f"takes more than {limit_s:.0f} s to read", THIN_OUT) from endless
        content.seek(0)
        head = content.read(len(_MAGIC))
        if head != _MAGIC:
            said.seek(max(0, said.tell() - 2000))
            raise _death(source, done.returncode, said.read().decode("utf-8", "replace"))
        answer = parse_json(content.readline())
        return answer, content.read()


def _death(source: Source, status: int, last_words: str) -> UserError:
    if "MemoryError" in last_words or "bad_alloc" in last_words:
        return source.fail("needs more memory than a scan of its size may take", THIN_OUT)
    return source.fail(f"cannot be read: the reader's process ended with status {status}", COPY_AGAIN)


def _checked(source: Source, answer: dict[str, Any], content: bytes) -> Geometry:
    if "refused" in answer:
        raise source.fail(str(answer["refused"])[:_LONGEST_REASON], str(answer["hint"]))
    n_points, n_triangles = int(answer["points"]), int(answer["triangles"])
    source.check_rows(n_points, 24, len(content), "points")
    points = np.frombuffer(content, np.float64, 3 * n_points).reshape(-1, 3)
    unit: Unit = answer["unit"] if is_unit(answer["unit"]) else UNKNOWN
    if not n_triangles:
        return Geometry(points, unit=unit)
    triangles = np.frombuffer(content, np.int64, 3 * n_triangles, 24 * n_points).reshape(-1, 3)
    if triangles.min() < 0 or triangles.max() >= n_points:
        raise source.fail("a face uses a vertex that does not exist", COPY_AGAIN)
    return Geometry(points, triangles, unit)


@contextmanager
def _on_disk(source: Source) -> Iterator[Path]:
    """The content as a file that a library can open: the file itself, or a copy of the unpacked data."""
    if not isinstance(source.file, tempfile.SpooledTemporaryFile):
        yield source.path
        return
    with tempfile.TemporaryDirectory(prefix="sedir-") as folder:
        copy = Path(folder, "scan")
        source.file.seek(source.start)
        with copy.open("wb") as file:
            shutil.copyfileobj(source.file, file)
        yield copy


def _memory(size: int) -> int:
    return min(_MEMORY_BYTES + _MEMORY_PER_BYTE * size, _MOST_MEMORY_BYTES)


# In the child process


def _limit_memory(n_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # on Windows only the time is limited
        return
    resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(module: str, name: str, path: Path) -> tuple[dict[str, Any], list[bytes]]:
    try:
        loader: Loader = getattr(importlib.import_module(module), name)
        found = loader(path)
    except Refusal as refusal:
        return {"refused": refusal.what, "hint": refusal.hint}, []
    except ImportError as missing:
        name = missing.name or str(missing).removeprefix("No module named ").strip("'")
        return {"refused": f"needs {name} to be read", "hint": INSTALL}, []
    except MemoryError:
        return {"refused": "needs more memory than a scan of its size may take", "hint": THIN_OUT}, []
    except Exception as damaged:  # a library's own errors are of every kind
        reason = " ".join(str(damaged).split())[:120]
        return {"refused": f"cannot be read ({type(damaged).__name__}: {reason})", "hint": COPY_AGAIN}, []
    if len(found.points) > MAX_POINTS:
        return {"refused": f"has {len(found.points):,} points; the limit is {MAX_POINTS:,}", "hint": THIN_OUT}, []
    points = np.ascontiguousarray(found.points, np.float64)
    triangles = np.empty((0, 3), np.int64) if found.triangles is None else found.triangles
    head = {"points": len(points), "triangles": len(triangles), "unit": found.unit}
    return head, [points.tobytes(), np.ascontiguousarray(triangles, np.int64).tobytes()]


def main(words: list[str]) -> NoReturn:
    """`python -m sedir_core.io.child MODULE LOADER PATH MEMORY`: write the loader's result to standard output."""
    module, name, path, memory = words
    data: BinaryIO = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # keep libraries' output separate from the data
    if module.startswith("sedir_core.io."):
        _limit_memory(int(memory))
        head, pieces = _answer(module, name, Path(path))
        data.write(_MAGIC + json.dumps(head).encode() + b"\n")
        for piece in pieces:
            data.write(piece)
    data.flush()
    os._exit(0)  # libraries that crash on a broken file may crash again on exit


if __name__ == "__main__":
    # Run as __main__, this module would be imported a second time, with a different Refusal class.
    from sedir_core.io import child

    child.main(sys.argv[1:])
