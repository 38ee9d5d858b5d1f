"""Unwraps a file's content: gzip, byte order mark, UTF-16 text."""

from __future__ import annotations

import codecs
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO, cast

from sedir_core.io.guard import COPY_AGAIN, MAX_EXPANSION, MAX_FILE_BYTES, MAX_SMALL_BYTES, Source
from sedir_core.io.lines import BYTE_ORDER_MARK

GZIP = b"\x1f\x8b"
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_CHUNK = 1 << 20
_PACKED = 1 << 14  # at once: where a stream ends, what follows is copied
_FEW_STREAMS, _LEAST_STREAM = 1000, 1024  # of one file, whose streams take at least so many bytes on average
_UNPACK = "unpack it first"
OTHER_PACKING = {
    b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"7z\xbc\xaf": "7-Zip", b"Rar!": "RAR", b"\x28\xb5\x2f\xfd": "zstd",
}  # fmt: skip


@contextmanager
def unwrapped(source: Source) -> Iterator[Source]:
    """The unwrapped source. Raises its error for damaged or implausible compression, and for other packers."""
    start = source.head()[:8]
    for magic, name in OTHER_PACKING.items():
        if start.startswith(magic):
            raise source.fail(f"is compressed ({name})", _UNPACK)
    if not start.startswith((GZIP, *_WIDE)):
        yield without_mark(source)
        return
    with tempfile.SpooledTemporaryFile(max_size=MAX_SMALL_BYTES) as room:
        plain = cast("BinaryIO", room)
        if start.startswith(GZIP):
            _inflate(source, plain)
        else:
            _narrow(source, plain, _WIDE[start[:2]])
        inner = replace(source, file=plain, size=plain.tell())
        if not inner.size:
            raise source.fail("is empty once unpacked", "export or copy it again")
        yield without_mark(inner)


def without_mark(source: Source) -> Source:
    """The source after its byte order mark, if it has one."""
    mark = len(BYTE_ORDER_MARK)
    if source.size > mark and source.read_at(0, mark) == BYTE_ORDER_MARK:
        return replace(source, start=source.start + mark, size=source.size - mark)
    return source


def _inflate(source: Source, room: BinaryIO) -> None:
    """Unpack gzip, as one stream or several; never more than a scan may have."""
    unpacker, at, total, n_streams = zlib.decompressobj(wbits=31), 0, 0, 1
    try:
        while at < source.size or unpacker.unconsumed_tail:
            packed = unpacker.unconsumed_tail
            if not packed:
                packed = source.read_at(at, min(_PACKED, source.size - at))
                at += len(packed)
            plain = unpacker.decompress(packed, _CHUNK)
            total += len(plain)
            room.write(plain)
            if total > min(MAX_FILE_BYTES, max(MAX_SMALL_BYTES, MAX_EXPANSION * source.size)):
                what = f"unpacks from {source.size:,} to more than {total:,} bytes: not a real scan"
                raise source.fail(what, _UNPACK)
            if unpacker.eof:
                at -= len(unpacker.unused_data)
                if source.size - at < len(GZIP) or source.read_at(at, len(GZIP)) != GZIP:  # padding may follow
                    break
                unpacker, n_streams = zlib.decompressobj(wbits=31), n_streams + 1
                if n_streams > _FEW_STREAMS + source.size // _LEAST_STREAM:
                    raise source.fail("is a gzip file of absurdly many pieces: not a real scan", _UNPACK)
    except zlib.error as damaged:
        raise source.fail("is a damaged gzip file", COPY_AGAIN) from damaged
    if not unpacker.eof:
        raise source.fail("is a gzip file that is cut short", COPY_AGAIN)


def _narrow(source: Source, room: BinaryIO, encoding: str) -> None:
    """Convert UTF-16 text, as exported by some Windows programs, to UTF-8."""
    decoder, at = codecs.getincrementaldecoder(encoding)(), 2
    try:
        while at < source.size:
            piece = source.read_at(at, min(_CHUNK, source.size - at))
            at += len(piece)
            room.write(decoder.decode(piece, final=at == source.size).encode())
    except UnicodeError as damaged:
        raise source.fail("is text in UTF-16, and damaged", "save it as plain text (UTF-8)") from damaged
