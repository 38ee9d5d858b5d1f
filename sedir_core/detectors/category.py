"""All a detector knows of one category besides the network: frame, surface, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from sedir_core.detectors.frames import N_DESCRIPTOR, Frame, Placement, place_on, scaled
from sedir_core.detectors.limits import scores_from
from sedir_core.detectors.normal_surface import CHANNELS, NormalSurface
from sedir_core.detectors.scoring import TOKEN, Usual
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.views import N_DESCRIPTOR as N_VIEW_DESCRIPTOR
from sedir_core.geometry.views import Views, align_view, view_descriptor
from sedir_core.types import DoubleArray

PER_RADIUS = 16_384  # steps of a stored coordinate: up to two radii fit


@dataclass(frozen=True)
class Standard:
    """What is usual for held-out normal scans, and what no longer is.

    residual: what alignment leaves. threshold: object score above which a scan is NG. point_threshold: point score
    above which a point belongs to a defect. held_out: (h,) the object scores that the threshold follows from; empty in
    runs of older versions.
    """

    usual: Usual
    residual: float
    threshold: float
    point_threshold: float
    held_out: DoubleArray = field(default_factory=lambda: np.empty(0))

    def with_tokens_scaled(self, ratio: float) -> Standard:
        """The same for a network whose residuals are that many times as large."""
        values = {**self.usual.values, TOKEN: self.usual.values[TOKEN] * ratio}
        return replace(self, usual=replace(self.usual, values=values))


@dataclass(frozen=True)
class View:
    """What a scan from one side shows. direction: (3,) in the category's frame. share: of the surface, by area."""

    direction: DoubleArray
    share: float


@dataclass(frozen=True)
class Category:
    """A fitted category.

    size: gyration radius of the reference part in the scan's unit. descriptor: see `shape_descriptor`.
    whole: the standard of scans from all around. view, views: the standard of scans from one side and what is seen
    from where; None where the model was not trained for such scans.
    """

    frame: Frame
    size: float
    descriptor: DoubleArray
    normal: NormalSurface
    whole: Standard
    view: Standard | None = None
    views: Views | None = None

    @property
    def knows_views(self) -> bool:
        """Whether scans from one side can be judged."""
        return self.view is not None

    def standard(self, view: View | None) -> Standard:
        """What a scan seen like that is held against."""
        found = self.whole if view is None else self.view
        assert found is not None
        return found

    def place(self, points: DoubleArray, generator: np.random.Generator) -> tuple[Placement, float]:
        """Align a scan (n, 3), in file coordinates; also how many times the usual residual is left."""
        placement, residual = place_on(self.normal.surface, self.frame, self.size, points, generator)
        return placement, residual / self.whole.residual

    def place_view(self, points: DoubleArray, generator: np.random.Generator) -> tuple[Placement, float, View]:
        """The same for a scan from one side, and about which side that is; see `refine_direction`."""
        assert self.views is not None and self.view is not None
        origin, unit, near = scaled(points, self.frame, self.size)
        fit = align_view(near, self.normal.surface, self.views, generator)
        placement = Placement(self.frame, origin, unit, fit.pose)
        return placement, fit.residual / self.view.residual, View(fit.direction, fit.share)

    def view_unlikeness(self, points: DoubleArray, generator: np.random.Generator) -> float:
        """How little a scan from one side, (n, 3) in file coordinates, resembles any view of this category."""
        assert self.views is not None
        return self.views.unlikeness(view_descriptor(scaled(points, self.frame, self.size)[2], generator))


def _pack(values: DoubleArray) -> Tensor:
    """Coordinates in radii as int16, a quarter of their size; the step is far below any scanner's noise."""
    return torch.from_numpy(np.clip(np.round(values * PER_RADIUS), -32_768, 32_767).astype(np.int16))


def category_to_tensors(category: Category) -> dict[str, Tensor]:
    """Flat, named, and nothing but tensors; see `category_from_tensors`."""
    exact: dict[str, DoubleArray] = {
        "frame": np.append(category.frame.centre, category.frame.radius),
    }
    compact: dict[str, DoubleArray] = {"descriptor": category.descriptor, "controls": category.normal.controls}
    tensors: dict[str, Tensor] = {}
    for prefix, standard in (("", category.whole), ("view.", category.view)):
        if standard is not None:
            usual = standard.usual
            numbers = (category.size, standard.residual, standard.threshold, standard.point_threshold)
            exact[f"{prefix}limits"] = np.array([usual.limits[name] for name in sorted(usual.limits)])
            exact[f"{prefix}numbers"] = np.array(numbers)
            if len(standard.held_out):
                exact[f"{prefix}held_out"] = standard.held_out
            compact[f"{prefix}anchors"] = usual.anchors
            compact |= {f"{prefix}usual.{name}": values for name, values in usual.values.items()}
    if category.views is not None:
        compact |= {"views.directions": category.views.directions, "views.descriptors": category.views.descriptors}
        tensors["views.probes"] = _pack(category.views.probes)
        tensors["views.seen"] = torch.from_numpy(np.packbits(category.views.seen, axis=1))
    surface = category.normal.surface
    tensors |= {"surface.points": _pack(surface.points), "surface.normals": _pack(surface.normals)}
    tensors |= {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in exact.items()}
    return tensors | {name: torch.from_numpy(value.astype(np.float32)) for name, value in compact.items()}


def category_from_tensors(tensors: Mapping[str, Tensor]) -> Category:
    """The inverse of `category_to_tensors`. Raises KeyError or ValueError where something is missing or misshapen."""
    arrays = {name: tensor.double().numpy() for name, tensor in tensors.items() if name != "views.seen"}
    _check("", arrays, {"frame": (4,), "numbers": (4,), "descriptor": (N_DESCRIPTOR,)})
    _check("", arrays, {name: (len(arrays[name]), 3) for name in ("surface.points", "surface.normals", "controls")})
    if len(arrays["surface.points"]) != len(arrays["surface.normals"]):
        raise ValueError("the surface has not as many normals as points")
    _check_positive(arrays["frame"][3:])
    normals = arrays["surface.normals"] / PER_RADIUS
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    seen = tensors.get("views.seen")
    return Category(
        Frame(arrays["frame"][:3], float(arrays["frame"][3])),
        float(arrays["numbers"][0]),
        arrays["descriptor"],
        NormalSurface(Surface(arrays["surface.points"] / PER_RADIUS, normals), arrays["controls"]),
        _standard("", arrays),
        None if seen is None else _standard("view.", arrays),
        None if seen is None else _views(arrays, seen),
    )


def _standard(prefix: str, arrays: Mapping[str, DoubleArray]) -> Standard:
    usual = f"{prefix}usual."
    channels = sorted(name.removeprefix(usual) for name in arrays if name.startswith(usual))
    expected = sorted((*CHANNELS, TOKEN))
    if channels != expected:
        raise ValueError(f"usual values of {', '.join(channels)}, expected {', '.join(expected)}")
    n_anchors = len(arrays[f"{prefix}anchors"])
    shapes: dict[str, tuple[int, ...]] = {"numbers": (4,), "limits": (len(channels),), "anchors": (n_anchors, 3)}
    _check(prefix, arrays, shapes | {f"usual.{name}": (n_anchors,) for name in channels})
    numbers, limits = arrays[f"{prefix}numbers"], arrays[f"{prefix}limits"]
    values = {name: arrays[usual + name] for name in channels}
    _check_positive(numbers[:2], limits, *values.values())
    known = Usual(arrays[f"{prefix}anchors"], values, dict(zip(channels, (float(x) for x in limits), strict=True)))
    residual, threshold, point_threshold = (float(x) for x in numbers[1:])
    return Standard(known, residual, threshold, point_threshold, scores_from(arrays, f"{prefix}held_out"))


def _views(arrays: Mapping[str, DoubleArray], seen: Tensor) -> Views:
    n_directions, n_probes = len(arrays["views.directions"]), len(arrays["views.probes"])
    shapes: dict[str, tuple[int, ...]] = {"directions": (n_directions, 3), "probes": (n_probes, 3)}
    _check("views.", arrays, shapes | {"descriptors": (n_directions, N_VIEW_DESCRIPTOR)})
    if seen.dtype != torch.uint8 or tuple(seen.shape) != (n_directions, -(-n_probes // 8)):
        raise ValueError(f"views.seen is {tuple(seen.shape)} of {seen.dtype}, not {n_directions} rows of packed bits")
    bits = np.unpackbits(seen.numpy(), axis=1, count=n_probes).astype(bool)
    if not bits.any(axis=1).all():
        raise ValueError("views.seen has a view that shows nothing")
    return Views(arrays["views.directions"], arrays["views.probes"] / PER_RADIUS, bits, arrays["views.descriptors"])


def _check(prefix: str, arrays: Mapping[str, DoubleArray], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raises KeyError or ValueError unless every array is there, has its shape, and is not empty."""
    for name, shape in shapes.items():
        if arrays[prefix + name].shape != shape or 0 in shape:
            raise ValueError(f"{prefix}{name} is {arrays[prefix + name].shape}, expected {shape}")


def _check_positive(*divisors: DoubleArray) -> None:
    if min(float(values.min()) for values in divisors) <= 0:
        raise ValueError("a size, a residual, a limit or a usual value is not above 0")
