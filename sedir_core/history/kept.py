"""What it takes to show an inspection again exactly as it was, in one compressed file of plain arrays.

An NPZ without objects. Numbers that lose nothing as float32 are stored so; they come back as they were.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sedir_core.errors import BadHistory
from sedir_core.io.guard import open_regular
from sedir_core.io.zips import open_zip, read_member
from sedir_core.types import Defect, Detection, DoubleArray

FORMAT = 1
MOST_POINTS = 1_000_000
"""Larger scans are kept without their points: they are read from their file again, if it is still the same."""
_LOST = "the row of the history stays; inspect the scan again"


@dataclass(frozen=True)
class Kept:
    """points: (n, 3) float64 as inspected, or None where there were too many.

    raw: the detection as the model gave it. shown: the same under the limit that counted.
    sampled: the points were drawn from a mesh's faces.
    """

    points: DoubleArray | None
    raw: Detection
    shown: Detection
    sampled: bool = False


def content_hash(points: DoubleArray) -> str:
    """SHA-256 (hex) of (n, 3) float64 points in their order: the same in whatever format they were stored."""
    return hashlib.sha256(np.ascontiguousarray(points, "<f8").data).hexdigest()


def encode(kept: Kept) -> bytes:
    """The file's content. Points beyond MOST_POINTS are left out."""
    raw = kept.raw
    meta = {
        "format": FORMAT,
        "sampled": kept.sampled,
        "object_score": raw.object_score,
        "threshold": [raw.threshold, kept.shown.threshold],
        "point_threshold": [raw.point_threshold, kept.shown.point_threshold],
        "category": raw.category,
        "category_confidence": raw.category_confidence,
        "uncertain": raw.uncertain,
        "reason": [raw.reason, kept.shown.reason],
        "seconds": dict(raw.seconds),
        "from_one_side": raw.from_one_side,
    }
    arrays: dict[str, NDArray[Any]] = {
        "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8),
        "point_scores": raw.point_scores,
        "reconstruction": _narrow(raw.reconstruction),
        "token": raw.token,
        **_defect_arrays("raw", raw.defects),
    }
    if kept.points is not None and len(kept.points) <= MOST_POINTS:
        arrays["points"] = _narrow(kept.points)
    if kept.shown.defects is not raw.defects:
        arrays |= _defect_arrays("shown", kept.shown.defects)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # the stubs take every keyword for allow_pickle
    return file.getvalue()


def read_kept(path: Path) -> Kept:
    """What `encode` put into that file. Raises BadHistory if it is missing, damaged, or of a newer version."""
    arrays: dict[str, NDArray[Any]] = {}
    with open_regular(path, BadHistory) as source, open_zip(source) as archive:
        for member in archive.infolist():
            data = io.BytesIO(read_member(source, archive, member))
            arrays[member.filename.removesuffix(".npy")] = np.lib.format.read_array(data, allow_pickle=False)
    try:
        return _assemble(path, arrays)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise BadHistory(path, "is damaged", _LOST) from error


def _assemble(path: Path, arrays: Mapping[str, NDArray[Any]]) -> Kept:
    meta = json.loads(arrays["meta"].tobytes())
    if meta["format"] > FORMAT:
        raise BadHistory(path, "was written by a newer version", "update SeDiR Inspect")
    points = arrays["points"].astype(np.float64) if "points" in arrays else None
    raw = Detection(
        point_scores=arrays["point_scores"],
        object_score=meta["object_score"],
        threshold=meta["threshold"][0],
        point_threshold=meta["point_threshold"][0],
        category=meta["category"],
        category_confidence=meta["category_confidence"],
        uncertain=meta["uncertain"],
        reason=meta["reason"][0],
        reconstruction=arrays["reconstruction"].astype(np.float64),
        token=arrays["token"],
        defects=_defects("raw", arrays),
        seconds=meta["seconds"],
        from_one_side=meta["from_one_side"],
    )
    if points is not None and points.shape != (len(raw.point_scores), 3):
        raise ValueError("points and scores differ in number")
    shown = replace(
        raw,
        threshold=meta["threshold"][1],
        point_threshold=meta["point_threshold"][1],
        reason=meta["reason"][1],
        defects=_defects("shown", arrays) if "shown_measures" in arrays else raw.defects,
    )
    return Kept(points, raw, shown, meta["sampled"])


def _narrow(values: DoubleArray) -> NDArray[Any]:
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = values.astype(np.float32)
    return narrow if np.array_equal(narrow.astype(np.float64), values, equal_nan=True) else values


def _defect_arrays(name: str, defects: tuple[Defect, ...]) -> dict[str, NDArray[Any]]:
    """measures: a row of centroid, extent, peak, area each. members: one after the other, counts says how many."""
    rows = [(*defect.centroid, *defect.extent, defect.peak, defect.area) for defect in defects]
    members = [np.zeros(0, np.int64), *(defect.members for defect in defects)]
    return {
        f"{name}_measures": np.array(rows, np.float64).reshape(-1, 8),
        f"{name}_members": np.concatenate(members).astype(np.uint32),
        f"{name}_counts": np.array([len(defect.members) for defect in defects], np.int64),
    }


def _defects(name: str, arrays: Mapping[str, NDArray[Any]]) -> tuple[Defect, ...]:
    measures, counts = arrays[f"{name}_measures"], arrays[f"{name}_counts"]
    members = np.split(arrays[f"{name}_members"].astype(np.int64), np.cumsum(counts)[:-1])
    return tuple(
        Defect(row[:3], row[3:6], float(row[6]), float(row[7]), own)
        for row, own in zip(measures, members if len(counts) else [], strict=True)
    )
