"""E57 (ASTM E2807): one or several scans, transformed by their poses. Read by pye57, in a child process."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sedir_core.io.child import Loaded, Refusal, read_in_child
from sedir_core.io.guard import MAX_POINTS, THIN_OUT, Source
from sedir_core.io.mesh import Geometry


def is_e57(head: bytes) -> bool:
    """Whether a file begins like E57."""
    return head.startswith(b"ASTM-E57")


def read_e57(source: Source) -> Geometry:
    """All valid points of all scans. Raises UnreadableScan."""
    return read_in_child(source, load_e57)


def load_e57(path: Path) -> Loaded:
    """In the child; see `child.Loader`."""
    import pye57

    with pye57.E57(str(path)) as file:
        counts = [file.get_header(at).point_count for at in range(file.scan_count)]
        if not sum(counts):
            raise Refusal("holds no scans with points", "export the point cloud")
        if sum(counts) > MAX_POINTS:
            raise Refusal(f"announces {sum(counts):,} points; the limit is {MAX_POINTS:,}", THIN_OUT)
        pieces = []
        for at, count in enumerate(counts):
            if count:
                scan = file.read_scan(at, ignore_missing_fields=True)
                pieces.append(np.stack([scan[f"cartesian{axis}"] for axis in "XYZ"], axis=1))
    return Loaded(np.concatenate(pieces).astype(np.float64), unit="m")
