"""A fitted category as a run stores it: flat, named tensors and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from sedir_core.evidence.category import Category, Limit, Standard
from sedir_core.evidence.channels import NETWORK, TOKEN
from sedir_core.evidence.combination import NormalStatistics
from sedir_core.evidence.coverage import ABSENT, Coverage
from sedir_core.evidence.fields import FIELDS, SPREADS
from sedir_core.evidence.judge import ASKED, JUDGED, Judges
from sedir_core.evidence.judging import ALL_JUDGINGS
from sedir_core.evidence.limits import scores_from
from sedir_core.evidence.normal_surface import CHANNELS, NormalSurface
from sedir_core.evidence.packed_normals import packed_normals, unpacked_normals
from sedir_core.evidence.peaks import Peak
from sedir_core.evidence.stored_names import current_name, stored_name
from sedir_core.evidence.whole_part import SIZE
from sedir_core.geometry.elastic import SmoothPrior
from sedir_core.geometry.frames import N_DESCRIPTOR, Frame
from sedir_core.geometry.numbers import ELASTIC, ORIENTED
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.views import N_DESCRIPTOR as N_VIEW_DESCRIPTOR
from sedir_core.geometry.views import Views
from sedir_core.types import DoubleArray, IntArray

PER_RADIUS = 16_384  # steps of a stored coordinate: up to two radii fit


def _pack(values: DoubleArray) -> Tensor:
    """Coordinates in radii as int16, a quarter of the size; the step is far below any scanner's noise."""
    return torch.from_numpy(np.clip(np.round(values * PER_RADIUS), -32_768, 32_767).astype(np.int16))


def category_to_tensors(category: Category) -> dict[str, Tensor]:
    """Flat, named tensors; see `category_from_tensors`."""
    exact: dict[str, DoubleArray] = {
        "frame": np.append(category.frame.centre, category.frame.radius),
    }
    compact: dict[str, DoubleArray] = {"descriptor": category.descriptor, "controls": category.normal.prior.controls}
    tensors: dict[str, Tensor] = {}
    for prefix, standard in (("", category.whole), ("view.", category.view)):
        if standard is not None:
            statistics = standard.statistics
            numbers = (category.size, standard.residual, standard.threshold, standard.point_threshold)
            exact[f"{prefix}limits"] = np.array([statistics.limits[name] for name in _in_order(statistics.limits)])
            exact[f"{prefix}numbers"] = np.array(numbers)
            if len(standard.held_out):
                exact[f"{prefix}held_out"] = standard.held_out
            if len(standard.owners):
                exact[f"{prefix}owners"] = standard.owners.astype(float)
            if len(standard.ranges):
                exact[f"{prefix}ranges"] = standard.ranges
            if np.isfinite(standard.overlap):
                exact[f"{prefix}overlap"] = np.array([standard.overlap])
            if np.isfinite(standard.conflict):
                exact[f"{prefix}conflict"] = np.array([standard.conflict])
            if statistics.peaks:
                peaks = [
                    (statistics.peaks[name].mean, statistics.peaks[name].spread) for name in _in_order(statistics.peaks)
                ]
                exact[f"{prefix}peaks"] = np.array(peaks)
            for name, limit in standard.limits.items():
                exact[f"{prefix}judged.{name}"] = np.array([limit.threshold, limit.point_threshold, *limit.held_out])
            tensors[f"{prefix}anchors"] = _pack(statistics.anchors)
            # Twenty-odd channels at two thousand places: eight bits say enough of what is usual.
            for name, values in statistics.values.items():
                tensors[f"{prefix}usual.{stored_name(name)}"] = torch.from_numpy(values).to(torch.bfloat16)
    if category.views is not None:
        compact |= {"views.directions": category.views.directions, "views.descriptors": category.views.descriptors}
        tensors["views.probes"] = _pack(category.views.probes)
        tensors["views.seen"] = torch.from_numpy(np.packbits(category.views.seen, axis=1))
    exact["freedom"] = category.normal.prior.numbers
    if category.one_sided:
        exact["one_sided"] = np.ones(1)
    surface, coverage = category.normal.surface, category.normal.coverage
    if coverage is not None:
        bits = np.packbits(np.stack([coverage.confirmed, coverage.always]), axis=1)
        tensors["surface.coverage"] = torch.from_numpy(bits)
    if category.normal.usual is not None:
        compact["surface.usual"] = category.normal.usual
    tensors |= {"surface.points": _pack(surface.points), "surface.normals": packed_normals(surface.normals)}
    tensors |= {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in exact.items()}
    return tensors | {name: torch.from_numpy(value.astype(np.float32)) for name, value in compact.items()}


def category_from_tensors(tensors: Mapping[str, Tensor], judges: Judges | None) -> Category:
    """The inverse of `category_to_tensors`, which leaves out the judges, as all categories share them.

    Raises KeyError or ValueError if something is missing or misshapen.
    """
    arrays = {name: tensor.double().numpy() for name, tensor in tensors.items() if name != "views.seen"}
    _check("", arrays, {"frame": (4,), "numbers": (4,), "descriptor": (N_DESCRIPTOR,)})
    _check("", arrays, {name: (len(arrays[name]), 3) for name in ("surface.points", "controls")})
    _check("", arrays, {"surface.normals": (len(arrays["surface.points"]), 2)})
    _check_positive(arrays["frame"][3:])
    normals = unpacked_normals(tensors["surface.normals"])
    coverage = _coverage(tensors.get("surface.coverage"), len(normals))
    seen = tensors.get("views.seen")
    return Category(
        Frame(arrays["frame"][:3], float(arrays["frame"][3])),
        float(arrays["numbers"][0]),
        arrays["descriptor"],
        NormalSurface(
            Surface(arrays["surface.points"] / PER_RADIUS, normals),
            SmoothPrior.learned(arrays["controls"], arrays.get("freedom", np.array([ELASTIC.stiff]))),
            coverage,
            _usual_of_bent(arrays, coverage),
        ),
        _standard("", arrays, judges),
        None if seen is None else _standard("view.", arrays, judges),
        None if seen is None else _views(arrays, seen),
        "one_sided" in arrays,
    )


def _in_order(names: Iterable[str]) -> list[str]:
    """Channels in the order in which their numbers are stored."""
    return sorted(names, key=stored_name)


def _usual_of_bent(arrays: Mapping[str, DoubleArray], coverage: Coverage | None) -> DoubleArray | None:
    """Residuals of good parts of kinds that vary by nature; None for others, and in runs of older versions."""
    if "surface.usual" not in arrays:
        return None
    confirmed = len(arrays["surface.points"]) if coverage is None else int(coverage.confirmed.sum())
    _check("", arrays, {"surface.usual": (min(confirmed, ORIENTED.points),)})
    _check_positive(arrays["surface.usual"])
    return arrays["surface.usual"]


def _coverage(packed: Tensor | None, n_points: int) -> Coverage | None:
    """None in runs of older versions. Raises ValueError."""
    if packed is None:
        return None
    if packed.dtype != torch.uint8 or tuple(packed.shape) != (2, -(-n_points // 8)):
        raise ValueError(f"surface.coverage is {tuple(packed.shape)} of {packed.dtype}, not of {n_points} places")
    confirmed, always = np.unpackbits(packed.numpy(), axis=1, count=n_points).astype(bool)
    return Coverage(confirmed, always)


def _standard(prefix: str, arrays: Mapping[str, DoubleArray], judges: Judges | None) -> Standard:
    """judges: used if peaks are kept."""
    own = f"{prefix}usual."
    channels = _in_order(current_name(name.removeprefix(own)) for name in arrays if name.startswith(own))
    network = NETWORK if f"{own}{NETWORK[-1]}" in arrays else (TOKEN,)
    expected = _in_order({*CHANNELS, *network} - ({*FIELDS, *SPREADS, SIZE, ABSENT} if prefix else set()))
    if channels != expected:
        raise ValueError(f"usual values of {', '.join(channels)}, expected {', '.join(expected)}")
    n_anchors = len(arrays[f"{prefix}anchors"])
    shapes: dict[str, tuple[int, ...]] = {"numbers": (4,), "limits": (len(channels),), "anchors": (n_anchors, 3)}
    _check(prefix, arrays, shapes | {f"usual.{name}": (n_anchors,) for name in map(stored_name, channels)})
    numbers, limits = arrays[f"{prefix}numbers"], arrays[f"{prefix}limits"]
    values = {name: arrays[own + stored_name(name)] for name in channels}
    _check_positive(numbers[:2], limits, *values.values())
    peaks: dict[str, Peak] = {}
    if f"{prefix}peaks" in arrays:
        if judges is None:
            raise ValueError("it keeps peaks of channels, but no judge")
        peaked = _in_order((*channels, *(JUDGED + kind for kind in ASKED)))
        _check(prefix, arrays, {"peaks": (len(peaked), 2)})
        _check_positive(arrays[f"{prefix}peaks"][:, 1])
        pairs = zip(peaked, arrays[f"{prefix}peaks"], strict=True)
        peaks = {name: Peak(float(mean), float(spread)) for name, (mean, spread) in pairs}
    by_channel = dict(zip(channels, map(float, limits), strict=True))
    known = NormalStatistics(
        arrays[f"{prefix}anchors"] / PER_RADIUS,
        values,
        by_channel,
        peaks,
        by_noise=bool(peaks),
        judges=judges if peaks else None,
    )
    residual, threshold, point_threshold = (float(x) for x in numbers[1:])
    held_out = scores_from(arrays, f"{prefix}held_out")
    overlap, conflict = (_positive_or_nan(prefix, name, arrays) for name in ("overlap", "conflict"))
    owners = _owners(prefix, arrays, len(held_out))
    judged, ranges = _judged(prefix, arrays), _ranges(prefix, arrays, len(held_out))
    return Standard(known, residual, threshold, point_threshold, held_out, judged, overlap, conflict, owners, ranges)


def _owners(prefix: str, arrays: Mapping[str, DoubleArray], n_scores: int) -> IntArray:
    """The training part of each held-out score; empty in runs that do not keep them."""
    name = f"{prefix}owners"
    if name not in arrays or n_scores == 0:
        return np.empty(0, int)
    _check(prefix, arrays, {"owners": (n_scores,)})
    return np.asarray(arrays[name].astype(int))


def _ranges(prefix: str, arrays: Mapping[str, DoubleArray], n_scores: int) -> DoubleArray:
    """Deviation ranges of the held-out scans; empty in runs that do not keep them."""
    found = arrays.get(f"{prefix}ranges", np.empty((0, 2)))
    if n_scores == 0 or len(found) == 0:
        return np.empty((0, 2))
    _check(prefix, arrays, {"ranges": (n_scores, 2)})
    if not np.isfinite(found).all():
        raise ValueError(f"{prefix}ranges are not numbers")
    return found


def _positive_or_nan(prefix: str, name: str, arrays: Mapping[str, DoubleArray]) -> float:
    """One number; NaN in runs that do not keep it."""
    value = arrays.get(prefix + name, np.full(1, np.nan))
    _check(prefix, {prefix + name: value}, {name: (1,)})
    if not np.isnan(value[0]):
        _check_positive(value)
    return float(value[0])


def _judged(prefix: str, arrays: Mapping[str, DoubleArray]) -> dict[str, Limit]:
    found = {}
    for judging in ALL_JUDGINGS:
        name = f"{prefix}judged.{judging.name}"
        if name in arrays:
            numbers = scores_from(arrays, name)
            if len(numbers) < 3 or not np.isfinite(numbers).all():
                raise ValueError(f"{name} is no limit")
            found[judging.name] = Limit(float(numbers[0]), float(numbers[1]), numbers[2:])
    return found


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
    """Raises KeyError or ValueError unless every array exists, has its shape, and is not empty."""
    for name, shape in shapes.items():
        if arrays[prefix + name].shape != shape or 0 in shape:
            raise ValueError(f"{prefix}{name} is {arrays[prefix + name].shape}, expected {shape}")


def _check_positive(*divisors: DoubleArray) -> None:
    if min(float(values.min()) for values in divisors) <= 0:
        raise ValueError("a size, a residual, a limit or a usual value is not above 0")
