"""LAS and LAZ, the formats of airborne and mobile scanners. Read by laspy (LAZ with lazrs), in a child."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sedir_core.io.child import Loaded, Refusal, read_in_child
from sedir_core.io.guard import COPY_AGAIN, MAX_EXPANSION, MAX_POINTS, MAX_SMALL_BYTES, THIN_OUT, Source
from sedir_core.io.mesh import Geometry

_CHUNK = 1_000_000


def is_las(head: bytes) -> bool:
    """Whether a file begins like LAS or LAZ."""
    return head.startswith(b"LASF")


def read_las(source: Source) -> Geometry:
    """All points, in order. Raises UnreadableScan."""
    return read_in_child(source, load_las)


def load_las(path: Path) -> Loaded:
    """In the child; see `child.Loader`."""
    import laspy

    with laspy.open(path) as reader:
        header = reader.header
        n_points, n_bytes = header.point_count, path.stat().st_size - header.offset_to_point_data
        if not n_points:
            raise Refusal("announces no points", COPY_AGAIN)
        if n_points > MAX_POINTS:
            raise Refusal(f"announces {n_points:,} points; the limit is {MAX_POINTS:,}", THIN_OUT)
        needed = n_points * header.point_format.size
        packed = header.are_points_compressed
        if needed > n_bytes and (not packed or needed > max(MAX_SMALL_BYTES, MAX_EXPANSION * n_bytes)):
            raise Refusal(f"announces {n_points:,} points ({needed:,} bytes) but holds {n_bytes:,} bytes", COPY_AGAIN)
        pieces = [np.stack([chunk.x, chunk.y, chunk.z], axis=1) for chunk in reader.chunk_iterator(_CHUNK)]
    points = np.concatenate(pieces).astype(np.float64)
    if len(points) != n_points:
        raise Refusal(f"announces {n_points:,} points and holds {len(points):,}", COPY_AGAIN)
    return Loaded(points)
