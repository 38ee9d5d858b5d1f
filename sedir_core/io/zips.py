"""Untrusted zip archives (.npz, .pth): sizes are checked against the file before anything is unpacked."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from sedir_core.io.guard import COPY_AGAIN, Source

_END_BYTES = 22
_LARGE_END_BYTES = 56 + 20  # the end of a zip64 archive and its locator, which come before
_MAX_COMMENT = 1 << 16
_MAX_DIRECTORY_BYTES = 1 << 20
_MAX_TOTAL_BYTES = 4 << 30
# Raised by zipfile on damaged or malicious archives; found by fuzzing, see benchmarks/fuzz_readers.py.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError, OverflowError)


def is_zip(head: bytes) -> bool:
    """Whether a file begins like a zip archive."""
    return head[:4] in (b"PK\3\4", b"PK\5\6")


@contextmanager
def open_zip(source: Source) -> Iterator[zipfile.ZipFile]:
    """The archive, with its directory and members checked. Raises the source's error, also for damage found later."""
    _check_directory(source)
    try:
        with zipfile.ZipFile(source.file) as archive:
            _check_members(source, archive)
            yield archive
    except _BROKEN as broken:
        raise source.fail(f"is a damaged zip archive ({type(broken).__name__})", COPY_AGAIN) from broken


def read_member(source: Source, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Read one member, at most as many bytes as announced in the directory."""
    with archive.open(member) as stream:
        data = stream.read(member.file_size)
    if len(data) != member.file_size:
        raise source.fail(f"its member {member.filename[:60]!r} is shorter than announced", COPY_AGAIN)
    return data


def _check_directory(source: Source) -> None:
    """Check the directory's size first, because zipfile reads it as a whole."""
    tail_bytes = min(source.size, _LARGE_END_BYTES + _END_BYTES + _MAX_COMMENT)
    tail = source.read_at(source.size - tail_bytes, tail_bytes)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + _END_BYTES > len(tail):
        raise source.fail("is not a complete zip archive", COPY_AGAIN)
    (directory_bytes,) = struct.unpack_from("<I", tail, at + 12)
    if at >= _LARGE_END_BYTES and tail[at - _LARGE_END_BYTES :].startswith(b"PK\6\6"):  # zipfile prefers this one
        (directory_bytes,) = struct.unpack_from("<Q", tail, at - _LARGE_END_BYTES + 40)
    if directory_bytes > min(_MAX_DIRECTORY_BYTES, source.size):
        raise source.fail(f"announces a zip directory of {directory_bytes:,} bytes", COPY_AGAIN)


def _check_members(source: Source, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if sum(member.compress_size for member in members) > source.size:
        raise source.fail("its zip members overlap or lie about their sizes", COPY_AGAIN)
    if sum(member.file_size for member in members) > _MAX_TOTAL_BYTES:
        raise source.fail(f"unpacks to more than {_MAX_TOTAL_BYTES:,} bytes")
    for member in members:
        if member.flag_bits & 1:
            raise source.fail("is encrypted", "save it without a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise source.fail("uses an unusual zip compression", "save it with the usual one (deflate) or none")
        source.check_expansion(member.compress_size, member.file_size)
