"""Stored reference of a category for category-given detectors: frame, surface and limits."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from sedir_core.evidence.limits import scores_from
from sedir_core.geometry.frames import Frame, Placement, place_on
from sedir_core.geometry.registration import Surface
from sedir_core.runtime import generator
from sedir_core.types import DoubleArray

MOST_REMEMBERED = 8_192  # cached placements, a few hundred bytes each
_found: OrderedDict[bytes, tuple[Placement, float, float]] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True)
class Reference:
    """size: gyration radius of the reference part in the scan's unit. surface: the parts merged, in the frame.

    residual: alignment residual of held-out normal scans. threshold: object score above which a scan is NG.
    point_threshold: point score above which a point belongs to a defect. held_out: (h,) the object scores that the
    threshold follows from; empty in runs of older versions.
    """

    frame: Frame
    size: float
    surface: Surface
    residual: float
    threshold: float
    point_threshold: float
    held_out: DoubleArray = field(default_factory=lambda: np.empty(0))

    @cached_property
    def fingerprint(self) -> bytes:
        """Equal for references that yield the same alignment."""
        numbers = np.array([*self.frame.centre, self.frame.radius, self.size])
        return hashlib.sha256(numbers.tobytes() + np.ascontiguousarray(self.surface.points).tobytes()).digest()


def cached_placement(reference: Reference, points: DoubleArray) -> tuple[Placement, float, float]:
    """Align a scan (n, 3), in file coordinates, to a reference; returns placement, residual in radii, seconds.

    Compared methods align the same scans to the same surfaces, so placements are cached, with the seconds of the
    original search.
    """
    key = hashlib.sha256(reference.fingerprint + np.ascontiguousarray(points).tobytes()).digest()
    with _lock:
        if (known := _found.get(key)) is not None:
            _found.move_to_end(key)
            return known
    start = time.perf_counter()
    placement, residual = place_on(reference.surface, reference.frame, reference.size, points, generator(0, "align"))
    found = placement, residual, time.perf_counter() - start
    with _lock:
        _found[key] = found
        if len(_found) > MOST_REMEMBERED:
            _found.popitem(last=False)
    return found


def reference_to_tensors(reference: Reference) -> dict[str, Tensor]:
    """Flat and named; see `reference_from_tensors`."""
    numbers = (reference.size, reference.residual, reference.threshold, reference.point_threshold)
    held_out = {"held_out": torch.from_numpy(reference.held_out)} if len(reference.held_out) else {}
    return held_out | {
        "frame": torch.from_numpy(np.append(reference.frame.centre, reference.frame.radius)),
        "numbers": torch.tensor(numbers, dtype=torch.float64),
        "surface.points": torch.from_numpy(reference.surface.points.astype(np.float32)),
        "surface.normals": torch.from_numpy(reference.surface.normals.astype(np.float32)),
    }


def reference_from_tensors(tensors: Mapping[str, Tensor]) -> Reference:
    """The inverse of `reference_to_tensors`. Raises KeyError or ValueError where something is missing or misshapen."""
    arrays = {name: tensor.double().numpy() for name, tensor in tensors.items()}
    points, normals = arrays["surface.points"], arrays["surface.normals"]
    shapes = {"frame": (4,), "numbers": (4,), "surface.points": (len(points), 3), "surface.normals": (len(points), 3)}
    for name, shape in shapes.items():
        if arrays[name].shape != shape or 0 in shape:
            raise ValueError(f"{name} is {arrays[name].shape}, expected {shape}")
    frame, numbers = arrays["frame"], arrays["numbers"]
    if min(float(frame[3]), *numbers[:2]) <= 0:
        raise ValueError("a size or a residual is not above 0")
    size, residual, threshold, point_threshold = (float(number) for number in numbers)
    held_out = scores_from(arrays, "held_out")
    surface = Surface(points, normals)
    return Reference(Frame(frame[:3], float(frame[3])), size, surface, residual, threshold, point_threshold, held_out)
