"""The synthetic scans that ship with the program, and the training set of the bundled model.

Demo scans are separate parts: their seed cannot occur in the training set.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sedir_core.datasets import anomaly_shapenet
from sedir_core.datasets.parts import PARTS
from sedir_core.datasets.specimen import Specimen, make_specimen
from sedir_core.datasets.synthesis import PART_DIAGONAL_MM, Summary, built_in_parts, write_dataset
from sedir_core.io.atomic import write_bytes
from sedir_core.types import DoubleArray, Report, Stop, never_stop, no_report

DEMO_SCANS: tuple[tuple[str, str | None], ...] = (
    ("bottle", None),
    ("bottle", "bulge"),
    ("bowl", "crack"),
    ("bracket", "bend"),
    ("cup", "hole"),
    ("flange", None),
    ("flange", "sink"),
    ("gear", "broken"),
    ("hex_bolt", None),
    ("pipe_elbow", "bulge"),
    ("vase", None),
    ("vase", "scratch"),
)
"""Category and defect of each, None for a good one."""

_DEMO_SEED = 20_261
_TRAINING_SEED = 0
_POINTS = 20_000  # 12 bytes each: every file stays below 240 KiB


def demo_specimens() -> Iterator[tuple[str, Specimen]]:
    """Name (`bowl_crack`) and scan in millimetres, with the labels that the files omit."""
    for category, defect in DEMO_SCANS:
        name = f"{category}_{defect or 'good'}"
        rng = np.random.default_rng([_DEMO_SEED, zlib.crc32(f"demo/{name}".encode())])
        part = PARTS[category](rng).moved(scale=PART_DIAGONAL_MM)
        yield name, make_specimen(part, defect, _POINTS, rng)


def write_demo(folder: Path) -> list[Path]:
    """Write `<category>_<good or defect>.ply` for each of DEMO_SCANS. Raises CannotWrite."""
    written = []
    for name, specimen in demo_specimens():
        written.append(folder / f"{name}.ply")
        write_bytes(written[-1], _ply_bytes(specimen.points))
    return written


def write_training_set(out: Path, report: Report = no_report, stop: Stop = never_stop) -> Summary:
    """The dataset behind the bundled model: all built-in parts, Anomaly-ShapeNet layout, millimetres.

    Raises CannotWrite if `out` is not empty, Cancelled.
    """
    return write_dataset(built_in_parts(), out, anomaly_shapenet.NAME, _TRAINING_SEED, report=report, stop=stop)


def _ply_bytes(points: DoubleArray) -> bytes:
    """float32, half the size of `export`'s files: resolves a hundredth of a micrometre at this scale."""
    axes = "".join(f"property float {axis}\n" for axis in "xyz")
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n{axes}end_header\n"
    return header.encode() + points.astype("<f4").tobytes()
