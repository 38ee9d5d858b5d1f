"""Parses rows of numbers in text, a few megabytes at a time; used by every ascii format.

`float` and NumPy are used rather than C's locale-dependent parsers: under de_DE those read 0.5 as 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sedir_core.io.guard import COPY_AGAIN, Source
from sedir_core.types import BoolArray, DoubleArray, IntArray

CHUNK_BYTES = 2 << 20
_GROWTH = 1.25
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What spreadsheets write for errors begins with # as well, in the language of their user: #N/A, #NV, #WERT!, #VALEUR!
_SHEET_ERROR = rb"(?i:n/?[ad]!?|n/disp|nv)(?![a-z])|[A-Z/0\x80-\xff]{3,20}[!?]"
_COMMENT = re.compile(rb"(?m)(?:^|(?<=[ \t]))#(?!%b)[^\n]*" % _SHEET_ERROR)
_DASH = rb"(?:-|\xe2\x80[\x90-\x95]|\xe2\x88\x92)"
MISSING = re.compile(
    rb"<?n/?[ad]>?|[nk]\.[ad]\.|#(?:%b)|null|none|nil|missing|undef(?:ined)?|no_?data|invalid|ung\S{1,2}ltig|"
    rb"void|over|under|%b{1,3}|\*{1,3}|\.{1,3}|\?|(?:no|not|nicht|keine?|non|sin|pas)~[a-z\x80-\xff~]+"
    % (_SHEET_ERROR, _DASH),
    re.IGNORECASE,
)
"""Words for missing values besides NaN."""
_DECIMAL_COMMA = re.compile(rb"(?<=[\d+-]),(?=\d)")
_COMMA_AFTER = re.compile(rb",(?=\s|$)")
_FORTRAN = re.compile(rb"[-+]?(?:\d+(?:\.\d*)?|\.\d+)[dD][-+]?\d+")
OLD_NAN = re.compile(rb"[-+]?(nan\(\w*\)|1\.#(ind|qnan|snan|inf)\w*)", re.IGNORECASE)  # printed by old MSVC runtimes


@dataclass(frozen=True)
class Rows:
    """Consecutive non-blank lines of a file: their text and the number of tokens in each."""

    source: Source
    text: bytes
    lengths: IntArray
    first: int

    @classmethod
    def of(cls, source: Source, text: bytes, first: int) -> Rows:
        """The non-blank lines of an excerpt of the file."""
        return cls(source, text, _structure(text)[0] if text else np.empty(0, np.int64), first)

    def __len__(self) -> int:
        return len(self.lengths)

    def columns(self, wanted: Sequence[int], n_columns: int) -> DoubleArray:
        """(rows, len(wanted)) numbers. Raises unless every row has `n_columns` tokens, the wanted ones numbers."""
        ragged = np.flatnonzero(self.lengths != n_columns)
        if len(ragged):
            row, found = self.first + int(ragged[0]) + 1, int(self.lengths[ragged[0]])
            raise self.source.fail(f"row {row:,} has {found} values instead of {n_columns}", COPY_AGAIN)
        tokens = self._tokens()
        table = np.empty((len(self), len(wanted)))
        for at, column in enumerate(wanted):
            table[:, at] = self._numbers(tokens[column::n_columns])
        return table

    def flat(self) -> tuple[DoubleArray, IntArray]:
        """All numbers in sequence, and the row offsets (rows + 1,)."""
        starts = np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)
        return self._numbers(self._tokens()), starts

    def leading(self, n_columns: int) -> DoubleArray:
        """(rows, n_columns) leading numbers of rows of varying length."""
        short = np.flatnonzero(self.lengths < n_columns)
        if len(short):
            raise self.source.fail(f"row {self.first + int(short[0]) + 1:,} has fewer than {n_columns} values")
        values, starts = self.flat()
        return np.asarray(values[starts[:-1, None] + np.arange(n_columns)])

    def _tokens(self) -> list[bytes]:
        tokens = self.text.split()
        if len(tokens) != int(self.lengths.sum()):
            raise self.source.fail("holds control characters between its numbers")
        return tokens

    def _numbers(self, tokens: Sequence[bytes]) -> DoubleArray:
        try:
            return np.fromiter(map(float, tokens), np.float64, len(tokens))
        except ValueError:
            return np.array([self._number(token) for token in tokens])

    def _number(self, token: bytes) -> float:
        try:
            return float(token)
        except ValueError:
            if OLD_NAN.fullmatch(token) or MISSING.fullmatch(token):
                return float("nan")
            if _FORTRAN.fullmatch(token):
                return float(token.lower().replace(b"d", b"e"))
            after = f"after row {self.first:,}" if self.first else "among its first rows"
            raise self.source.fail(f"{token[:40].replace(b'~', b' ')!r} {after} is not a number") from None


class Lines:
    """The lines from `offset` to the end of the file, without comments (#), consumed in order."""

    def __init__(self, source: Source, offset: int, prepare: Callable[[bytes], bytes] | None = None) -> None:
        self._source, self._offset, self._prepare = source, offset, prepare
        self._unfinished = self._waiting = b""
        self._taken = 0
        self._begun = False

    def take(self, n_rows: int, what: str) -> Iterator[Rows]:
        """Exactly the next `n_rows` non-blank lines, in pieces. Raises if the file ends first."""
        left = n_rows
        while left:
            block = self._next_block()
            if not block:
                raise self._source.fail(f"ends {left:,} short of the {n_rows:,} {what} it announces", COPY_AGAIN)
            lengths, ends = _structure(block)
            if len(ends) > left:
                cut = int(ends[left - 1])
                self._waiting, block, lengths = block[cut:], block[:cut], lengths[:left]
            left -= len(lengths)
            if len(lengths):
                yield self._rows(block, lengths)

    def one(self) -> DoubleArray | None:
        """The numbers of the next non-blank line; None at the end."""
        while block := self._next_block():
            lengths, ends = _structure(block)
            if len(ends):
                self._waiting = block[int(ends[0]) :]
                return self._rows(block[: int(ends[0])], lengths[:1]).flat()[0]
        return None

    def rest(self) -> Iterator[Rows]:
        """All remaining non-blank lines, in pieces."""
        while block := self._next_block():
            yield self._rows(block, _structure(block)[0])

    def blocks(self) -> Iterator[bytes]:
        """All remaining text, cut at line ends."""
        while block := self._next_block():
            yield block

    def _rows(self, block: bytes, lengths: IntArray) -> Rows:
        self._taken += len(lengths)
        return Rows(self._source, block, lengths, self._taken - len(lengths))

    def _next_block(self) -> bytes:
        if self._waiting:
            block, self._waiting = self._waiting, b""
            return block
        while self._offset < self._source.size:
            chunk = self._source.read_at(self._offset, min(CHUNK_BYTES, self._source.size - self._offset))
            self._offset += len(chunk)
            if not self._begun:  # some programs write a byte order mark after the header
                self._begun, chunk = True, chunk.removeprefix(BYTE_ORDER_MARK)
            if b"\r" in chunk:  # blank lines are ignored, so splitting a CR LF pair does no harm
                chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            whole, newline, tail = (self._unfinished + chunk).rpartition(b"\n")
            self._unfinished = tail = b"#" if len(tail) > CHUNK_BYTES and tail.lstrip().startswith(b"#") else tail
            if len(tail) > CHUNK_BYTES:
                raise self._source.fail(f"has a line of more than {CHUNK_BYTES:,} characters: it is not text")
            if newline:
                return self._cleaned(whole + newline)
        block, self._unfinished = self._unfinished, b""
        return self._cleaned(block)

    def _cleaned(self, block: bytes) -> bytes:
        if b"#" in block:
            block = without_comments(block)
        if self._prepare:
            block = self._prepare(block)
        if b"," in block:  # no mesh format uses commas, but some programs write decimal commas depending on the locale
            block = _COMMA_AFTER.sub(b" ", _DECIMAL_COMMA.sub(b".", block))
        return block


def joined(pieces: Iterable[DoubleArray], n_columns: int) -> DoubleArray:
    """All pieces (n, n_columns) below each other; unlike `np.concatenate`, never all of them twice in memory."""
    table, filled = np.empty((0, n_columns)), 0
    for piece in pieces:
        end = filled + len(piece)
        if end > len(table):  # nothing else refers to it, so it may move
            table.resize((max(end, int(_GROWTH * len(table))), n_columns), refcheck=False)
        table[filled:end] = piece
        filled = end
    table.resize((filled, n_columns), refcheck=False)
    return table


def without_comments(text: bytes) -> bytes:
    """The lines without comments; a # inside a word does not start one."""
    return _COMMENT.sub(b"", text)


def by_first_word(text: bytes, words: Sequence[bytes]) -> list[tuple[bytes, BoolArray]]:
    """For each word, the lines that begin with it (with the word blanked), and their indices among non-blank lines.

    words: in lower case; the comparison ignores case.
    """
    codes = np.frombuffer(text + b"\n", np.uint8).copy()
    blank, starts, ends = _marks(codes)
    tokens = np.append(np.flatnonzero(starts), len(codes) - 1)
    begins = np.append(0, ends[:-1] + 1)
    first = tokens[np.searchsorted(tokens[:-1], begins)]
    filled = first < ends
    found = []
    for word in words:
        hit = filled.copy()
        for at, letter in enumerate(word):
            hit &= codes[np.minimum(first + at, len(codes) - 1)] | 32 == letter
        hit &= blank[np.minimum(first + len(word), len(codes) - 1)]
        for at in range(len(word)):
            codes[first[hit] + at] = 32
        found.append((codes[np.repeat(hit, ends - begins + 1)].tobytes(), hit[filled]))
    return found


def _structure(text: bytes) -> tuple[IntArray, IntArray]:
    """For each non-blank line: number of tokens, and end position."""
    codes = np.frombuffer(text, np.uint8)
    _, starts, ends = _marks(codes)
    if not len(ends) or ends[-1] != len(codes) - 1:
        ends = np.append(ends, len(codes) - 1)
    lengths = np.diff(np.cumsum(starts, dtype=np.int64)[ends], prepend=0)
    filled = lengths > 0
    return lengths[filled], ends[filled] + 1


def _marks(codes: NDArray[np.uint8]) -> tuple[BoolArray, BoolArray, IntArray]:
    """Masks of blanks and token starts, and positions of newlines."""
    blank = (codes == 32) | (codes - np.uint8(9) < 5)  # unsigned wrap-around: true for codes 9 to 13, as in bytes.split
    starts = ~blank
    starts[1:] &= blank[:-1]
    return blank, starts, np.flatnonzero(codes == 10)
