"""Stored results: everything needed to show an inspection again exactly, in one compressed file of plain arrays.

An NPZ without objects. Numbers exactly representable as float32 are stored as such and restored exactly.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from sedir_core.documents import number, numbers, parse_json
from sedir_core.errors import BadHistory
from sedir_core.history.stored_defects import arrays_of, defects_from, words_of
from sedir_core.history.stored_zones import words_of_zone, zone_from
from sedir_core.io.guard import open_regular
from sedir_core.io.zips import open_zip, read_member
from sedir_core.names import storable
from sedir_core.types import Detection, DoubleArray, Tolerance
from sedir_core.units import UNKNOWN, Unit

FORMAT = 2
MOST_POINTS = 1_000_000
"""Larger scans are stored without points, which are read again from an unchanged file."""
_LOST = "the row of the history stays; inspect the scan again"


@dataclass(frozen=True)
class StoredResult:
    """points: (n, 3) float64 as inspected, or None if there were too many.

    raw: the detector's own result. shown: the same under the limit in force.
    sampled: the points were drawn from a mesh's faces.
    """

    points: DoubleArray | None
    raw: Detection
    shown: Detection
    sampled: bool = False


def content_hash(points: DoubleArray) -> str:
    """SHA-256 (hex) of (n, 3) float64 points in order, independent of the file format."""
    return hashlib.sha256(np.ascontiguousarray(points, "<f8").data).hexdigest()


def encode(kept: StoredResult) -> bytes:
    """The file's content. More than MOST_POINTS points are not stored."""
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
        "unit": raw.unit,
        "to_unit": raw.to_unit,
        "rests_on": {kind: float(share) for kind, share in raw.rests_on.items()},
        "deviation_range": list(raw.deviation_range),
        "tolerance": None if raw.tolerance is None else [raw.tolerance.minus, raw.tolerance.plus],
        "zones": [words_of_zone(zone) for zone in raw.zones],
        "words": {"raw": words_of(raw.defects), "shown": words_of(kept.shown.defects), "region": words_of(raw.regions)},
    }
    arrays: dict[str, NDArray[Any]] = {
        "meta": np.frombuffer(json.dumps(meta).encode(), np.uint8),
        "point_scores": raw.point_scores,
        "reconstruction": _narrow(raw.reconstruction),
        "token": raw.token,
        **arrays_of("raw", raw.defects),
        **arrays_of("region", raw.regions),
    }
    for name, values in (("deviation", raw.deviation), ("deviation_rigid", raw.deviation_rigid)):
        if values is not None:
            arrays[name] = values
    if raw.expected is not None:
        arrays["expected"] = _narrow(raw.expected)
    if kept.points is not None and len(kept.points) <= MOST_POINTS:
        arrays["points"] = _narrow(kept.points)
    if kept.shown.defects is not raw.defects:
        arrays |= arrays_of("shown", kept.shown.defects)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # the stubs take every keyword for allow_pickle
    return file.getvalue()


def read_result(path: Path) -> StoredResult:
    """Decode a file written from `encode`. Raises BadHistory if it is missing, damaged, or of a newer version."""
    arrays: dict[str, NDArray[Any]] = {}
    with open_regular(path, BadHistory) as source, open_zip(source) as archive:
        for member in archive.infolist():
            data = io.BytesIO(read_member(source, archive, member))
            arrays[member.filename.removesuffix(".npy")] = np.lib.format.read_array(data, allow_pickle=False)
    try:
        return _assemble(path, arrays)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise BadHistory(path, "is damaged", _LOST) from error


def _assemble(path: Path, arrays: Mapping[str, NDArray[Any]]) -> StoredResult:
    if odd := sorted(name for name, values in arrays.items() if values.dtype.kind not in "fiub"):
        raise ValueError(f"{odd[0]} holds no real numbers")
    meta = parse_json(arrays["meta"].tobytes())
    if meta["format"] > FORMAT:
        raise BadHistory(path, "was written by a newer version", "update SeDiR Inspect")
    words = meta.get("words", {})  # older results have no defect descriptions and no deviation
    points, expected = (arrays[name].astype(np.float64) if name in arrays else None for name in ("points", "expected"))
    raw = Detection(
        point_scores=arrays["point_scores"],
        object_score=_known(meta["object_score"]),
        threshold=_known(meta["threshold"][0]),
        point_threshold=_known(meta["point_threshold"][0]),
        category=storable(meta["category"]),
        category_confidence=_known(meta["category_confidence"]),
        uncertain=bool(meta["uncertain"]),
        reason=storable(meta["reason"][0]),
        reconstruction=arrays["reconstruction"].astype(np.float64),
        token=arrays["token"],
        defects=defects_from("raw", arrays, words.get("raw")),
        seconds=numbers(meta["seconds"], low=0.0),
        from_one_side=bool(meta["from_one_side"]),
        unit=next((unit for unit in get_args(Unit) if unit == meta.get("unit")), UNKNOWN),  # absent in older results
        to_unit=number(meta.get("to_unit"), low=0.0) or 1.0,
        deviation=arrays.get("deviation"),
        deviation_rigid=arrays.get("deviation_rigid"),
        expected=expected,
        rests_on=numbers(meta.get("rests_on")),
        regions=defects_from("region", arrays, words.get("region")) if words else (),
        tolerance=_tolerance(meta.get("tolerance")),
        deviation_range=_range(meta.get("deviation_range", (None, None))),
        zones=tuple(map(zone_from, meta.get("zones", ()))),
    )
    if points is not None and points.shape != (len(raw.point_scores), 3):
        raise ValueError("points and scores differ in number")
    shown = replace(
        raw,
        threshold=_known(meta["threshold"][1]),
        point_threshold=_known(meta["point_threshold"][1]),
        reason=storable(meta["reason"][1]),
        defects=defects_from("shown", arrays, words.get("shown")) if "shown_measures" in arrays else raw.defects,
    )
    return StoredResult(points, raw, shown, bool(meta["sampled"]))


def _known(value: Any) -> float:
    """A stored number; null, such as for a score of NaN, is NaN."""
    found = number(value)
    return math.nan if found is None else found


def _tolerance(kept: Any) -> Tolerance | None:
    return None if kept is None else Tolerance(*map(_known, kept))


def _range(kept: Any) -> tuple[float, float]:
    low, high = map(_known, kept)
    return low, high


def _narrow(values: DoubleArray) -> NDArray[Any]:
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = values.astype(np.float32)
    return narrow if np.array_equal(narrow.astype(np.float64), values, equal_nan=True) else values
