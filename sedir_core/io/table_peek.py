"""The first rows of a table or an array as text, for users to identify the x, y and z columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedir_core.io.guard import Source, open_regular
from sedir_core.io.npy_header import NPY_MAGIC, array_of, parse_header
from sedir_core.io.text_layout import sample_rows
from sedir_core.io.unwrap import unwrapped

N_ROWS = 8
_LARGEST_BYTES = 64 << 20


@dataclass(frozen=True)
class TableHead:
    """names: of the columns, empty if the table has none. rows: cell by cell."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def titles(self) -> list[str]:
        """Title of each column: its number, counted from 1, and its name."""
        width = len(self.rows[0]) if self.rows else len(self.names)
        named = [*self.names, *[""] * (width - len(self.names))]
        return [f"{at}: {name}" if name else str(at) for at, name in enumerate(named, 1)]


def peek_table(path: Path, n_rows: int = N_ROWS) -> TableHead:
    """Read the first rows. Raises UnreadableScan if there is no table."""
    with open_regular(path) as packed, unwrapped(packed) as source:
        if source.head().startswith(NPY_MAGIC):
            return _of_array(source, n_rows)
        names, rows = sample_rows(source, n_rows)
    return TableHead(names, tuple(map(tuple, rows)))


def _of_array(source: Source, n_rows: int) -> TableHead:
    header = parse_header(source, source.head(), source.size, "the file")
    if header.n_bytes > _LARGEST_BYTES:
        raise source.fail("is too large to be shown", "say its columns by their numbers: --columns 2,3,4")
    array = array_of(header, source.read_at(header.body, header.n_bytes))
    if array.dtype.names is not None:
        plain = [name for name in array.dtype.names if not array.dtype[name].shape]
        records = array.ravel()[:n_rows]
        return TableHead(tuple(plain), tuple(tuple(str(record[name]) for name in plain) for record in records))
    if array.ndim != 2:
        raise source.fail(f"holds an array of shape {header.shape}, not rows", "save rows of x, y, z")
    return TableHead((), tuple(tuple(f"{value:.6g}" for value in row) for row in np.asarray(array[:n_rows], float)))
