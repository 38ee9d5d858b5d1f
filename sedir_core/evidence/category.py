"""All a detector knows of one category besides the network: frame, surface, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from sedir_core.evidence.channels import NETWORK, TOKEN
from sedir_core.evidence.combination import NormalStatistics
from sedir_core.evidence.coverage import ABSENT, Coverage
from sedir_core.evidence.fields import FIELDS, SPREADS
from sedir_core.evidence.judge import ASKED, JUDGED, Judges
from sedir_core.evidence.judging import ALL_JUDGINGS, Judging
from sedir_core.evidence.limits import scores_from
from sedir_core.evidence.normal_surface import CHANNELS, NormalSurface
from sedir_core.evidence.packed_normals import packed_normals, unpacked_normals
from sedir_core.evidence.peaks import Peak
from sedir_core.evidence.whole_part import SIZE
from sedir_core.geometry.frames import N_DESCRIPTOR, Frame, Placement, place_on, scaled
from sedir_core.geometry.overlap import Oriented, better, judge
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.views import N_DESCRIPTOR as N_VIEW_DESCRIPTOR
from sedir_core.geometry.views import Views, align_view, view_descriptor
from sedir_core.types import DoubleArray, IntArray

PLAIN_OVERLAP = 1.25  # times the usual residual of what a scan and the surface both show
PLAIN_CONFLICT, LEAST_CONFLICT = 1.5, 0.01  # times the usual disagreement there, and what is added to it
LEAST_SHARED = 0.4  # of a scan's points that the surface shows, too: of fewer nothing follows
PER_RADIUS = 16_384  # steps of a stored coordinate: up to two radii fit


@dataclass(frozen=True)
class Limit:
    """Where one way of judging draws the line; see `Standard`."""

    threshold: float
    point_threshold: float
    held_out: DoubleArray


@dataclass(frozen=True)
class Standard:
    """What is usual for held-out normal scans, and what no longer is.

    residual: what alignment leaves. threshold: object score above which a scan is NG. point_threshold: point score
    above which a point belongs to a defect. held_out: (h,) the object scores that the threshold follows from; empty in
    runs of older versions. limits: the same three for every way of judging, by its name (`evidence.judging`); empty in
    runs of older versions, which are judged by all evidence, calibrated. overlap: what alignment leaves of what a scan
    and the surface both show, conflict: how much they disagree there (`geometry.overlap.Fit`); not numbers for views,
    and in runs of older versions. owners: (h,) which training part each held-out score is of; empty in such runs, too.
    """

    statistics: NormalStatistics
    residual: float
    threshold: float
    point_threshold: float
    held_out: DoubleArray = field(default_factory=lambda: np.empty(0))
    limits: Mapping[str, Limit] = field(default_factory=dict)
    overlap: float = np.nan
    conflict: float = np.nan
    owners: IntArray = field(default_factory=lambda: np.empty(0, int))

    def limit(self, judging: Judging) -> Limit:
        """Raises KeyError where the run does not keep that limit."""
        if judging == Judging() and not self.limits:
            return Limit(self.threshold, self.point_threshold, self.held_out)
        return self.limits[judging.name]

    def with_tokens_scaled(self, ratio: float) -> Standard:
        """The same for a network whose residuals are that many times as large."""
        values = {**self.statistics.values, TOKEN: self.statistics.values[TOKEN] * ratio}
        return replace(self, statistics=replace(self.statistics, values=values))


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

    def relaid(self, points: DoubleArray, placement: Placement) -> tuple[Placement, float, Oriented | None]:
        """A placement of a scan (n, 3), or a better one by what the scan and the surface both show, if it is in doubt.

        Also how many times the usual residual is left there, infinite where they share too little to say, and the
        scan in the category's frame, with its outer sides; None in runs of older versions. What fits is no proof where
        a scan lies on another side: a plate's underside fits its upper side, and features contradict. What shows all
        of its sides lies on none, and is defective where it contradicts.
        """
        if not np.isfinite(self.whole.overlap):
            return placement, np.inf, None
        scan = Oriented(scaled(points, self.frame, self.size)[2])
        fit = judge(scan, self.normal.oriented, placement.pose)
        plain = fit.residual < PLAIN_OVERLAP * self.whole.overlap
        contradicted = fit.conflict > PLAIN_CONFLICT * self.whole.conflict + LEAST_CONFLICT
        if not plain or (contradicted and scan.down is not None):
            fit = better(scan, self.normal.oriented, placement.pose)
        misfit = fit.residual / self.whole.overlap if fit.shared > LEAST_SHARED else np.inf
        return replace(placement, pose=fit.pose), misfit, scan.moved(fit.pose)

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
            statistics = standard.statistics
            numbers = (category.size, standard.residual, standard.threshold, standard.point_threshold)
            exact[f"{prefix}limits"] = np.array([statistics.limits[name] for name in sorted(statistics.limits)])
            exact[f"{prefix}numbers"] = np.array(numbers)
            if len(standard.held_out):
                exact[f"{prefix}held_out"] = standard.held_out
            if len(standard.owners):
                exact[f"{prefix}owners"] = standard.owners.astype(float)
            if np.isfinite(standard.overlap):
                exact[f"{prefix}overlap"] = np.array([standard.overlap])
            if np.isfinite(standard.conflict):
                exact[f"{prefix}conflict"] = np.array([standard.conflict])
            if statistics.peaks:
                peaks = [
                    (statistics.peaks[name].mean, statistics.peaks[name].spread) for name in sorted(statistics.peaks)
                ]
                exact[f"{prefix}peaks"] = np.array(peaks)
            for name, limit in standard.limits.items():
                exact[f"{prefix}judged.{name}"] = np.array([limit.threshold, limit.point_threshold, *limit.held_out])
            tensors[f"{prefix}anchors"] = _pack(statistics.anchors)
            # Twenty-odd channels at two thousand places: eight bits say enough of what is usual.
            short = {f"{prefix}usual.{name}": torch.from_numpy(values) for name, values in statistics.values.items()}
            tensors |= {name: values.to(torch.bfloat16) for name, values in short.items()}
    if category.views is not None:
        compact |= {"views.directions": category.views.directions, "views.descriptors": category.views.descriptors}
        tensors["views.probes"] = _pack(category.views.probes)
        tensors["views.seen"] = torch.from_numpy(np.packbits(category.views.seen, axis=1))
    surface, coverage = category.normal.surface, category.normal.coverage
    if coverage is not None:
        bits = np.packbits(np.stack([coverage.confirmed, coverage.always]), axis=1)
        tensors["surface.coverage"] = torch.from_numpy(bits)
    tensors |= {"surface.points": _pack(surface.points), "surface.normals": packed_normals(surface.normals)}
    tensors |= {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in exact.items()}
    return tensors | {name: torch.from_numpy(value.astype(np.float32)) for name, value in compact.items()}


def category_from_tensors(tensors: Mapping[str, Tensor], judges: Judges | None) -> Category:
    """The inverse of `category_to_tensors`, which does not keep the judges that all categories share.

    Raises KeyError or ValueError where something is missing or misshapen.
    """
    arrays = {name: tensor.double().numpy() for name, tensor in tensors.items() if name != "views.seen"}
    _check("", arrays, {"frame": (4,), "numbers": (4,), "descriptor": (N_DESCRIPTOR,)})
    _check("", arrays, {name: (len(arrays[name]), 3) for name in ("surface.points", "controls")})
    _check("", arrays, {"surface.normals": (len(arrays["surface.points"]), 2)})
    _check_positive(arrays["frame"][3:])
    normals = unpacked_normals(tensors["surface.normals"])
    seen = tensors.get("views.seen")
    return Category(
        Frame(arrays["frame"][:3], float(arrays["frame"][3])),
        float(arrays["numbers"][0]),
        arrays["descriptor"],
        NormalSurface(
            Surface(arrays["surface.points"] / PER_RADIUS, normals),
            arrays["controls"],
            _coverage(tensors.get("surface.coverage"), len(normals)),
        ),
        _standard("", arrays, judges),
        None if seen is None else _standard("view.", arrays, judges),
        None if seen is None else _views(arrays, seen),
    )


def _coverage(packed: Tensor | None, n_points: int) -> Coverage | None:
    """None in runs of older versions. Raises ValueError."""
    if packed is None:
        return None
    if packed.dtype != torch.uint8 or tuple(packed.shape) != (2, -(-n_points // 8)):
        raise ValueError(f"surface.coverage is {tuple(packed.shape)} of {packed.dtype}, not of {n_points} places")
    confirmed, always = np.unpackbits(packed.numpy(), axis=1, count=n_points).astype(bool)
    return Coverage(confirmed, always)


def _standard(prefix: str, arrays: Mapping[str, DoubleArray], judges: Judges | None) -> Standard:
    """judges: have a say where peaks are kept."""
    own = f"{prefix}usual."
    channels = sorted(name.removeprefix(own) for name in arrays if name.startswith(own))
    network = NETWORK if f"{own}{NETWORK[-1]}" in arrays else (TOKEN,)
    expected = sorted({*CHANNELS, *network} - ({*FIELDS, *SPREADS, SIZE, ABSENT} if prefix else set()))
    if channels != expected:
        raise ValueError(f"usual values of {', '.join(channels)}, expected {', '.join(expected)}")
    n_anchors = len(arrays[f"{prefix}anchors"])
    shapes: dict[str, tuple[int, ...]] = {"numbers": (4,), "limits": (len(channels),), "anchors": (n_anchors, 3)}
    _check(prefix, arrays, shapes | {f"usual.{name}": (n_anchors,) for name in channels})
    numbers, limits = arrays[f"{prefix}numbers"], arrays[f"{prefix}limits"]
    values = {name: arrays[own + name] for name in channels}
    _check_positive(numbers[:2], limits, *values.values())
    peaks: dict[str, Peak] = {}
    if f"{prefix}peaks" in arrays:
        if judges is None:
            raise ValueError("it keeps peaks of channels, but no judge")
        peaked = sorted((*channels, *(JUDGED + kind for kind in ASKED)))
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
    judged = _judged(prefix, arrays)
    return Standard(known, residual, threshold, point_threshold, held_out, judged, overlap, conflict, owners)


def _owners(prefix: str, arrays: Mapping[str, DoubleArray], n_scores: int) -> IntArray:
    """Of the held-out scores; empty in runs of versions that did not keep them."""
    name = f"{prefix}owners"
    if name not in arrays or n_scores == 0:
        return np.empty(0, int)
    _check(prefix, arrays, {"owners": (n_scores,)})
    return np.asarray(arrays[name].astype(int))


def _positive_or_nan(prefix: str, name: str, arrays: Mapping[str, DoubleArray]) -> float:
    """One number; not a number in runs of versions that did not keep it."""
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
    """Raises KeyError or ValueError unless every array is there, has its shape, and is not empty."""
    for name, shape in shapes.items():
        if arrays[prefix + name].shape != shape or 0 in shape:
            raise ValueError(f"{prefix}{name} is {arrays[prefix + name].shape}, expected {shape}")


def _check_positive(*divisors: DoubleArray) -> None:
    if min(float(values.min()) for values in divisors) <= 0:
        raise ValueError("a size, a residual, a limit or a usual value is not above 0")
