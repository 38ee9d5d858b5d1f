"""A category's aligned training parts, and the normal samplings drawn or held out from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sedir_core.errors import Cancelled
from sedir_core.evidence.aligned_parts import AlignedPart, align_parts, tolerance_amplitude
from sedir_core.evidence.category import View
from sedir_core.evidence.normal_surface import NormalSurface, merge_parts, relaid_parts
from sedir_core.evidence.numbers import RESOLUTION
from sedir_core.evidence.training_numbers import FITTED_PARTS
from sedir_core.geometry.frames import Frame, frame_of, gyration, shape_descriptor
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.registration import Pose, Surface, random_rotation, rotation_from_vector
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.geometry.views import Views, align_view, one_camera_sees, refine_direction, views_of
from sedir_core.geometry.visibility import scanned_from, seen_from
from sedir_core.runtime import generator
from sedir_core.types import BoolArray, DoubleArray, IntArray, Stop, never_stop

MOST_POINTS = 150_000
MOST_SEEN_POINTS = 120_000  # of a part that a virtual scanner sees


@dataclass(frozen=True)
class VirtualScanner:
    """Sees aligned parts from one side. parts: their points (n, 3), and the nearest surface point of each (n,).

    Visibility is decided on the surface, not on the part, whose noise would hide points behind each other.
    """

    surface: Surface
    parts: tuple[tuple[DoubleArray, IntArray], ...]
    views: Views

    def scan(self, part: int, random: np.random.Generator) -> tuple[DoubleArray, View]:
        """The points (m, 3) of a part that are visible from a random direction, in random order.

        Scanners differ in how far they see into hollows, so one of two rules is drawn.
        """
        points, nearest_on_surface = self.parts[part]
        cosines = np.zeros(1)
        while cosines.max() < FITTED_PARTS.within_views:
            direction = random.normal(size=3)
            direction /= np.linalg.norm(direction)
            cosines = self.views.directions @ direction
        nearest = int(cosines.argmax())
        rule = scanned_from if random.random() < 0.5 else seen_from
        shown = rule(self.surface.points, direction, self.surface.normals)
        seen = np.flatnonzero(shown[nearest_on_surface])
        return points[random.permutation(seen)], View(direction, float(self.views.seen[nearest].mean()))


@dataclass(frozen=True)
class FittedParts:
    """A category's training parts, fitted to each other: what its normal statistics are learned from.

    others[i]: the surface without part i; for a single part, the surface of one half of its points. unseen[i]: (n, 3)
    points of part i that others[i] was not made of. scanner: None if no single-view scans are expected besides whole
    ones. left_out: indices of training scans that fit none of the others. one_sided: the training scans themselves show
    one side, as under a fixed camera; nothing is known of the other sides.
    """

    frame: Frame
    size: float
    descriptor: DoubleArray
    parts: tuple[AlignedPart, ...]
    whole: NormalSurface
    others: tuple[NormalSurface, ...]
    unseen: tuple[DoubleArray, ...]
    amplitude: float
    scanner: VirtualScanner | None = None
    left_out: tuple[int, ...] = ()
    one_sided: bool = False

    @property
    def single(self) -> bool:
        """Whether there is only one part, so that its variation must be assumed."""
        return len(self.parts) == 1


def fit_parts(
    clouds: Sequence[DoubleArray],
    seed: int,
    stop: Stop = never_stop,
    from_one_side: bool = False,
    one_sided: bool | None = None,
) -> FittedParts:
    """clouds: the normal training parts of one category, each (n, 3), finite, without outliers, in file coordinates.

    from_one_side: also prepare for single views of whole parts. one_sided: see `FittedParts`; None detects it.

    Raises Cancelled.
    """
    random = generator(seed, "basis")  # named before the class was renamed; another name would draw other numbers
    one_sided = seen_from_one_side(clouds) if one_sided is None else one_sided
    thinned = [cloud[np.sort(random.permutation(len(cloud))[:MOST_POINTS])] for cloud in clouds]
    reference = thinned[0]
    frame = frame_of(reference)
    parts, left_out = align_parts([frame.enter(cloud) for cloud in thinned], random, stop)
    whole = merge_parts(parts)
    laid = relaid_parts(parts, whole)
    if laid is not parts:
        parts, whole = laid, merge_parts(laid)
    others, unseen = _apart(parts, random, stop)
    descriptor = shape_descriptor(reference, generator(0, "descriptor"))
    scanner = None
    if from_one_side and not one_sided:
        scanner = scanner_of(whole.surface, unseen, views_of(whole.surface), random)
    size, amplitude = gyration(reference), tolerance_amplitude(parts)
    return FittedParts(
        frame,
        size,
        descriptor,
        tuple(parts),
        whole,
        tuple(others),
        tuple(unseen),
        amplitude,
        scanner,
        tuple(left_out),
        one_sided,
    )


def seen_from_one_side(clouds: Sequence[DoubleArray]) -> bool:
    """Whether most of the clouds, each (n, 3), show what one camera sees of a part, as one fixed above a line does."""
    some = [cloud[generator(0, "sides").permutation(len(cloud))[: FITTED_PARTS.telling_sides]] for cloud in clouds]
    views = [one_camera_sees(points, normals_and_curvature(points)[0], FITTED_PARTS.seen_by_one) for points in some]
    return 2 * sum(views) > len(views)


def _apart(
    parts: Sequence[AlignedPart], random: np.random.Generator, stop: Stop
) -> tuple[list[NormalSurface], list[DoubleArray]]:
    """For each part, the surface without it, and its points; a single part is halved: it would fit itself too well."""
    if len(parts) == 1:
        points = parts[0].points[random.permutation(len(parts[0].points))]
        half = len(points) // 2
        return [merge_parts([replace(parts[0], points=points[:half])])], [points[half:]]
    others = []
    for part in parts:
        if stop():
            raise Cancelled
        rest = [other for other in parts if other is not part]
        others.append(merge_parts(rest))  # in their own mean shape: a new part has no share in it, either
    return others, [part.points for part in parts]


def scanner_of(
    surface: Surface, parts: Sequence[DoubleArray], views: Views, random: np.random.Generator
) -> VirtualScanner:
    """parts: each (n, 3), aligned with the surface."""
    few = [points[random.permutation(len(points))[:MOST_SEEN_POINTS]] for points in parts]
    return VirtualScanner(surface, tuple((points, surface.tree.nearest(points)[1]) for points in few), views)


def draw_sampling(
    fitted: FittedParts, part: int, n_points: int, random: np.random.Generator, from_one_side: bool = False
) -> DoubleArray:
    """A plausible normal scan: other points, another smooth variation, and an alignment error.

    Returns (n, 3) in the category's frame; n is `n_points` or fewer, and the visible share for a single view. If the
    training scans show one side only, so do all of these.
    """
    if from_one_side and fitted.scanner is not None:
        points, view = fitted.scanner.scan(part, random)
        points = points[: round(n_points * view.share)]
    else:
        points = fitted.parts[part].points
        points = points[random.permutation(len(points))[:n_points]]
    points = points + fitted.whole.prior.comparing.draw(fitted.amplitude, random)(points)
    turn = rotation_from_vector(random.normal(scale=FITTED_PARTS.jitter_radians, size=(1, 3)))[0]
    return np.asarray(points @ turn.T + random.normal(scale=FITTED_PARTS.jitter_shift, size=3))


@dataclass(frozen=True)
class AlignedSampling:
    """A sampling of a training part in the category's frame, aligned with the surface of the other parts.

    points: (n, 3), a subset of every: (m, 3), all its points. residual, overlap: alignment residuals over all its
    points, and over what both the sampling and the surface show; conflict: their disagreement there. scan: the sampling
    with outward normals. A single-view sampling has a view instead of these.
    """

    part: int
    points: DoubleArray
    every: DoubleArray
    residual: float
    overlap: float = np.nan
    conflict: float = np.nan
    scan: Oriented | None = None
    view: View | None = None


def hold_out(
    fitted: FittedParts, part: int, n_points: int, random: np.random.Generator, displaced: bool = False
) -> AlignedSampling:
    """A fresh sampling of a part, realigned from near its known pose.

    displaced: by a further smooth variation, as another part's points could be; a single part always is.
    """
    points = fitted.unseen[part][random.permutation(len(fitted.unseen[part]))]
    if displaced or fitted.single:
        points = _another(fitted, points, random)
    turn = rotation_from_vector(random.normal(scale=FITTED_PARTS.jitter_radians, size=(1, 3)))[0]
    scan, nearby = Oriented(points), Pose(turn, random.normal(scale=FITTED_PARTS.jitter_shift, size=3))
    pose, residual = fitted.others[part].settled(scan, points[:n_points], nearby)
    both = fitted.others[part].judge(scan, pose)
    laid = pose.apply(points)
    known = known_to_others(fitted, part, laid)
    few = laid[:n_points][known[:n_points]]
    return AlignedSampling(part, few, laid[known], residual, both.residual, both.conflict, scan.moved(pose))


def known_to_others(fitted: FittedParts, part: int, points: DoubleArray) -> BoolArray:
    """(n,) which points (n, 3) of a part, in the category's frame, may be compared with the other parts.

    A face that only this part shows, such as the side the others lie on, would be compared with the face behind it.
    """
    off, off_whole = (np.abs(normal.probes.places.over(points).along) for normal in (fitted.others[part], fitted.whole))
    return (off < FITTED_PARTS.another_face * fitted.whole.probes.spacing) | (off_whole > FITTED_PARTS.its_own * off)


def hold_out_view(fitted: FittedParts, part: int, n_points: int, random: np.random.Generator) -> AlignedSampling:
    """The same for what is visible of the part from a random direction, and the view that alignment identifies."""
    assert fitted.scanner is not None
    surface = fitted.others[part].surface
    points = fitted.scanner.scan(part, random)[0]
    points = (_another(fitted, points, random) if fitted.single else points) @ random_rotation(random).T
    fit = align_view(points[:n_points], surface, fitted.scanner.views, random)
    laid = fit.pose.apply(points[: round(max(n_points, RESOLUTION.view_points) * fit.share)])
    view = View(refine_direction(laid, surface, fit.direction), fit.share)
    return AlignedSampling(part, laid, laid, fit.residual, view=view)


def _another(fitted: FittedParts, points: DoubleArray, random: np.random.Generator) -> DoubleArray:
    """Points (n, 3) of a part, displaced as another part's could be."""
    return np.asarray(points + fitted.whole.prior.comparing.draw(fitted.amplitude, random)(points))
