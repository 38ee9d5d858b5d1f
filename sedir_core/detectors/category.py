"""All a detector knows of one category besides the network: frame, surface, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sedir_core.detectors.frames import Frame, Placement, gyration, unit_factor
from sedir_core.detectors.normal_surface import NormalSurface
from sedir_core.detectors.scoring import Usual
from sedir_core.geometry.registration import Surface, align
from sedir_core.types import DoubleArray

_FARTHEST = 4.0  # a scan of another size is brought no farther from the category's than this factor


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
        near = points[_without_strays(points - origin)]
        size = max(gyration(near), 1e-300)
        unit = unit_factor(size, self.size)
        ratio = size * unit / self.size
        unit *= np.clip(ratio, 1 / _FARTHEST, _FARTHEST) / ratio
        pose, residual = align((near - origin) * unit / self.frame.radius, self.normal.surface, generator)
        return Placement(self.frame, origin, float(unit), pose), residual / self.usual_residual


def _without_strays(points: DoubleArray) -> DoubleArray:
    """Mask of the points that lie with the others: flying pixels must not move the centre."""
    distances = np.linalg.norm(points, axis=1)
    return np.asarray(distances <= 8 * np.median(distances) + 1e-300)


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
        "surface.points": category.normal.surface.points,
        "surface.normals": category.normal.surface.normals,
        "controls": category.normal.controls,
        "anchors": usual.anchors,
    }
    compact |= {f"usual.{name}": values for name, values in usual.values.items()}
    tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays.items()}
    return tensors | {name: torch.from_numpy(value.astype(np.float32)) for name, value in compact.items()}


def category_from_tensors(tensors: Mapping[str, Tensor]) -> Category:
    """The inverse of `category_to_tensors`. Raises KeyError or ValueError where something is missing or misshapen."""
    arrays = {name: tensor.double().numpy() for name, tensor in tensors.items()}
    channels = sorted(name.removeprefix("usual.") for name in arrays if name.startswith("usual."))
    size, usual_residual, threshold, point_threshold = (float(x) for x in arrays["numbers"])
    usual = Usual(
        arrays["anchors"],
        {name: arrays[f"usual.{name}"] for name in channels},
        dict(zip(channels, (float(x) for x in arrays["limits"]), strict=True)),
    )
    normals = arrays["surface.normals"]
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return Category(
        Frame(arrays["frame"][:3], float(arrays["frame"][3])),
        size,
        arrays["descriptor"],
        NormalSurface(Surface(arrays["surface.points"], normals), arrays["controls"]),
        usual,
        usual_residual,
        threshold,
        point_threshold,
    )
