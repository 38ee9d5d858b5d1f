"""All a detector knows of one category besides the network: frame, surface, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sedir_core.detectors.frames import N_DESCRIPTOR, Frame, Placement, gyration, unit_factor, without_strays
from sedir_core.detectors.normal_surface import CHANNELS, NormalSurface
from sedir_core.detectors.scoring import TOKEN, Usual
from sedir_core.geometry.registration import Surface, align
from sedir_core.types import DoubleArray

_FARTHEST = 4.0  # a scan of another size is brought no farther from the category's than this factor
PER_RADIUS = 16_384  # steps of a stored coordinate: up to two radii fit


@dataclass(frozen=True)
class Category:
    """A fitted category.

    size: gyration radius of the reference part in the scan's unit. descriptor: see `shape_descriptor`.
    usual_residual: of held-out normals aligned to the surface. threshold: object score above which a scan is NG.
    point_threshold: point score above which a point belongs to a defect.
    """

    frame: Frame
    size: float
    descriptor: DoubleArray
    normal: NormalSurface
    usual: Usual
    usual_residual: float
    threshold: float
    point_threshold: float

    def place(self, points: DoubleArray, generator: np.random.Generator) -> tuple[Placement, float]:
        """Align a scan (n, 3), in file coordinates; also how many times the usual residual is left."""
        origin = np.median(points, axis=0)
        near = without_strays(points)
        size = max(gyration(near), 1e-100)
        unit = unit_factor(size, self.size)
        ratio = size * unit / self.size
        unit *= np.clip(ratio, 1 / _FARTHEST, _FARTHEST) / ratio
        pose, residual = align((near - origin) * unit / self.frame.radius, self.normal.surface, generator)
        return Placement(self.frame, origin, float(unit), pose), residual / self.usual_residual


def _pack(values: DoubleArray) -> Tensor:
    """Coordinates in radii as int16, a quarter of their size; the step is far below any scanner's noise."""
    return torch.from_numpy(np.clip(np.round(values * PER_RADIUS), -32_768, 32_767).astype(np.int16))


def category_to_tensors(category: Category) -> dict[str, Tensor]:
    """Flat, named, and nothing but tensors; see `category_from_tensors`."""
    numbers = (category.size, category.usual_residual, category.threshold, category.point_threshold)
    usual = category.usual
    arrays: dict[str, DoubleArray] = {
        "frame": np.append(category.frame.centre, category.frame.radius),
        "numbers": np.array(numbers),
        "limits": np.array([usual.limits[name] for name in sorted(usual.limits)]),
    }
    compact = {
        "descriptor": category.descriptor,
        "controls": category.normal.controls,
        "anchors": usual.anchors,
    }
    compact |= {f"usual.{name}": values for name, values in usual.values.items()}
    tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays.items()}
    tensors |= {name: torch.from_numpy(value.astype(np.float32)) for name, value in compact.items()}
    surface = category.normal.surface
    return tensors | {"surface.points": _pack(surface.points), "surface.normals": _pack(surface.normals)}


def category_from_tensors(tensors: Mapping[str, Tensor]) -> Category:
    """The inverse of `category_to_tensors`. Raises KeyError or ValueError where something is missing or misshapen."""
    arrays = {name: tensor.double().numpy() for name, tensor in tensors.items()}
    channels = sorted(name.removeprefix("usual.") for name in arrays if name.startswith("usual."))
    _check(arrays, channels)
    size, usual_residual, threshold, point_threshold = (float(x) for x in arrays["numbers"])
    usual = Usual(
        arrays["anchors"],
        {name: arrays[f"usual.{name}"] for name in channels},
        dict(zip(channels, (float(x) for x in arrays["limits"]), strict=True)),
    )
    normals = arrays["surface.normals"] / PER_RADIUS
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return Category(
        Frame(arrays["frame"][:3], float(arrays["frame"][3])),
        size,
        arrays["descriptor"],
        NormalSurface(Surface(arrays["surface.points"] / PER_RADIUS, normals), arrays["controls"]),
        usual,
        usual_residual,
        threshold,
        point_threshold,
    )


def _check(arrays: Mapping[str, DoubleArray], channels: Sequence[str]) -> None:
    """Raises KeyError or ValueError unless every array has its shape and what divides is above 0."""
    if channels != sorted((*CHANNELS, TOKEN)):
        raise ValueError(f"usual values of {', '.join(channels)}, expected {', '.join(sorted((*CHANNELS, TOKEN)))}")
    n_surface, n_anchors = len(arrays["surface.points"]), len(arrays["anchors"])
    shapes: dict[str, tuple[int, ...]] = {
        "frame": (4,),
        "numbers": (4,),
        "limits": (len(channels),),
        "descriptor": (N_DESCRIPTOR,),
        "surface.points": (n_surface, 3),
        "surface.normals": (n_surface, 3),
        "controls": (len(arrays["controls"]), 3),
        "anchors": (n_anchors, 3),
    } | {f"usual.{name}": (n_anchors,) for name in channels}
    for name, shape in shapes.items():
        if arrays[name].shape != shape or 0 in shape:
            raise ValueError(f"{name} is {arrays[name].shape}, expected {shape}")
    divisors = (arrays["frame"][3], arrays["numbers"][:2], arrays["limits"], *(arrays[f"usual.{c}"] for c in channels))
    if min(float(np.min(values)) for values in divisors) <= 0:
        raise ValueError("a size, a residual, a limit or a usual value is not above 0")
