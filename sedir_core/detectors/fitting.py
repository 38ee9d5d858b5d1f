"""From normal training parts to fitted categories: frames, surfaces, samplings, and what is usual.

Only training parts are seen. A part's own values are always measured against the surface of the *other* parts, so
that what is called usual holds for a part never seen before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sedir_core.config import Config
from sedir_core.detectors.category import Category, Standard, View
from sedir_core.detectors.frames import Frame, frame_of, gyration, shape_descriptor
from sedir_core.detectors.limits import object_limits
from sedir_core.detectors.normal_surface import (
    AlignedPart,
    NormalSurface,
    align_parts,
    merge_parts,
    tolerance_amplitude,
)
from sedir_core.detectors.scoring import Evidence, learn_usual, object_score, point_map
from sedir_core.detectors.stages import VIEW_POINTS
from sedir_core.errors import Cancelled
from sedir_core.geometry.elastic import random_displacement
from sedir_core.geometry.registration import Surface, align, random_rotation, rotation_from_vector
from sedir_core.geometry.sampling import farthest_points
from sedir_core.geometry.views import Views, align_view, refine_direction, views_of
from sedir_core.geometry.visibility import scanned_from, seen_from
from sedir_core.runtime import generator
from sedir_core.types import DoubleArray, IntArray, Report, Stop, never_stop

N_ANCHORS, N_ANCHORS_OF_ONE = 2_048, 16
MOST_POINTS = 150_000
MOST_SEEN_POINTS = 120_000  # of a part that virtual cameras look at
VIEW_TURNS = 2  # times as many held-out views as whole scans: each shows a part of the part
JITTER_RADIANS, JITTER_SHIFT = 0.01, 0.003  # about what alignment leaves
POINT_QUANTILE = 0.9995
# An only part: held-out samplings, whose tolerances are assumed; how much farther than they new parts reach.
LEAST_OF_ONE, MARGIN_OF_ONE = 8, 1.2
MARGIN_OF_VIEWS = 1.25  # the same for scans from one side: a scanner loses more than virtual cameras do
MISALIGNED = 1.5  # times the median residual
PAPER_POINT_THRESHOLD = 0.5  # published scores are min-maxed in each scan, so no limit can be learned

Gather = Callable[[NormalSurface, DoubleArray, View | None], tuple[Evidence, float]]
"""Evidence of an aligned sampling, from all around or one side, against a surface, and the published object score."""


@dataclass(frozen=True)
class Stage:
    """What virtual cameras look at: the surface, and the aligned parts: points (n, 3), nearest surface points (n,).

    What is seen of the surface decides what is seen of a part: noise hides points behind each other.
    """

    surface: Surface
    parts: tuple[tuple[DoubleArray, IntArray], ...]
    views: Views

    def look(self, part: int, random: np.random.Generator) -> tuple[DoubleArray, View]:
        """The points (m, 3) of a part that are seen from a random direction, in random order.

        Scanners differ in how far they see into hollows, so one rule or the other decides.
        """
        points, nearest_on_surface = self.parts[part]
        direction = random.normal(size=3)
        direction /= np.linalg.norm(direction)
        nearest = int((self.views.directions @ direction).argmax())
        rule = scanned_from if random.random() < 0.5 else seen_from
        shown = rule(self.surface.points, direction, self.surface.normals)
        seen = np.flatnonzero(shown[nearest_on_surface])
        return points[random.permutation(seen)], View(direction, float(self.views.seen[nearest].mean()))


@dataclass(frozen=True)
class Basis:
    """A category while it is being fitted.

    others[i]: the surface without part i; of a single part, the surface of one half of its points. unseen[i]: (n, 3)
    points of part i that others[i] was not made of. stage: None where no scans from one side are expected.
    """

    frame: Frame
    size: float
    descriptor: DoubleArray
    parts: tuple[AlignedPart, ...]
    whole: NormalSurface
    others: tuple[NormalSurface, ...]
    unseen: tuple[DoubleArray, ...]
    amplitude: float
    stage: Stage | None = None

    @property
    def single(self) -> bool:
        """Whether there is one part only, so that tolerances are assumed."""
        return len(self.parts) == 1


@dataclass(frozen=True)
class HeldOut:
    """A held-out normal sampling of a part: its evidence, what alignment left, the published object score."""

    part: int
    evidence: Evidence
    residual: float
    published: float


def fit_basis(clouds: Sequence[DoubleArray], seed: int, stop: Stop = never_stop, from_one_side: bool = False) -> Basis:
    """clouds: the normal training parts of one category, each (n, 3) finite, without strays, in file coordinates.

    from_one_side: be ready for views of the parts, too.

    Raises Cancelled.
    """
    random = generator(seed, "basis")
    thinned = [cloud[np.sort(random.permutation(len(cloud))[:MOST_POINTS])] for cloud in clouds]
    reference = thinned[0]
    frame = frame_of(reference)
    parts = align_parts([frame.enter(cloud) for cloud in thinned], random, stop)
    whole = merge_parts(parts, parts)
    others, unseen = _apart(parts, random, stop)
    descriptor = shape_descriptor(reference, generator(0, "descriptor"))
    stage = None
    if from_one_side:
        stage = set_stage(whole.surface, unseen, views_of(whole.surface), random)
    size, amplitude = gyration(reference), tolerance_amplitude(parts)
    return Basis(frame, size, descriptor, tuple(parts), whole, tuple(others), tuple(unseen), amplitude, stage)


def _apart(
    parts: Sequence[AlignedPart], random: np.random.Generator, stop: Stop
) -> tuple[list[NormalSurface], list[DoubleArray]]:
    """For every part the surface without it, and its points; a single one is halved, as it knows itself too well."""
    if len(parts) == 1:
        points = parts[0].points[random.permutation(len(parts[0].points))]
        half = len(points) // 2
        return [merge_parts([replace(parts[0], points=points[:half])], parts)], [points[half:]]
    others = []
    for part in parts:
        if stop():
            raise Cancelled
        others.append(merge_parts([other for other in parts if other is not part], parts))
    return others, [part.points for part in parts]


def set_stage(surface: Surface, parts: Sequence[DoubleArray], views: Views, random: np.random.Generator) -> Stage:
    """parts: aligned with the surface, each (n, 3)."""
    few = [points[random.permutation(len(points))[:MOST_SEEN_POINTS]] for points in parts]
    return Stage(surface, tuple((points, surface.tree.nearest(points)[1]) for points in few), views)


def draw_sampling(
    basis: Basis, part: int, n_points: int, random: np.random.Generator, from_one_side: bool = False
) -> DoubleArray:
    """A normal scan that could have been: other points, another smooth tolerance, the error of an alignment.

    Returns (n, 3) in the category's frame; n is `n_points` or fewer, from one side the share that is seen.
    """
    if from_one_side:
        assert basis.stage is not None
        points, view = basis.stage.look(part, random)
        points = points[: round(n_points * view.share)]
    else:
        points = basis.parts[part].points
        points = points[random.permutation(len(points))[:n_points]]
    points = points + random_displacement(basis.whole.controls, basis.amplitude, random)(points)
    turn = rotation_from_vector(random.normal(scale=JITTER_RADIANS, size=(1, 3)))[0]
    return np.asarray(points @ turn.T + random.normal(scale=JITTER_SHIFT, size=3))


def hold_out(basis: Basis, part: int, n_points: int, random: np.random.Generator) -> tuple[DoubleArray, float]:
    """A fresh sampling of a part, thrown into any pose and aligned to the surface of the others.

    Returns (n, 3) in the category's frame and the residual that alignment left.
    """
    points = basis.unseen[part]
    points = _another(basis, points[random.permutation(len(points))[:n_points]], random) @ random_rotation(random).T
    pose, residual = align(points, basis.others[part].surface, random)
    return pose.apply(points), residual


def hold_out_view(
    basis: Basis, part: int, n_points: int, random: np.random.Generator
) -> tuple[DoubleArray, float, View]:
    """The same for what is seen of the part from a random direction, and the view that alignment takes it for."""
    assert basis.stage is not None
    surface = basis.others[part].surface
    points = _another(basis, basis.stage.look(part, random)[0], random) @ random_rotation(random).T
    fit = align_view(points[:n_points], surface, basis.stage.views, random)
    laid = fit.pose.apply(points[: round(max(n_points, VIEW_POINTS) * fit.share)])
    return laid, fit.residual, View(refine_direction(laid, surface, fit.direction), fit.share)


def _another(basis: Basis, points: DoubleArray, random: np.random.Generator) -> DoubleArray:
    """The points (n, 3) as they are, or, of the only part, as another part could have them."""
    if not basis.single:
        return points
    return np.asarray(points + random_displacement(basis.whole.controls, basis.amplitude, random)(points))


def calibrate(
    config: Config, bases: Mapping[str, Basis], gather: Gather, n_points: int, report: Report, stop: Stop
) -> dict[str, Category]:
    """Fitted categories. Thresholds hold for the configured rate of false alarms on held-out normal samplings."""
    whole: dict[str, Standard] = {}
    views: dict[str, Standard] = {}
    scores: dict[str, DoubleArray] = {}
    view_scores: dict[str, DoubleArray] = {}
    for done, (name, basis) in enumerate(bases.items()):

        def report_part(fraction: float, stage: str, done: int = done) -> None:
            report((done + fraction) / len(bases), stage)

        held_out = _hold_out_all(config, name, basis, gather, n_points, report_part, stop)
        whole[name], scores[name] = _standard(config, basis, held_out)
        if basis.stage is not None:
            held_out = _hold_out_views(config, name, basis, gather, n_points, report_part, stop)
            views[name], view_scores[name] = _standard(config, basis, held_out)
    whole, views = _limited(config, whole, scores), _limited(config, views, view_scores)
    return {
        name: Category(
            basis.frame,
            basis.size,
            basis.descriptor,
            basis.whole,
            whole[name],
            views.get(name),
            None if basis.stage is None else basis.stage.views,
        )
        for name, basis in bases.items()
    }


def _standard(config: Config, basis: Basis, held_out: Sequence[HeldOut]) -> tuple[Standard, DoubleArray]:
    """What is usual, yet without a threshold, and the object scores that it follows from."""
    surface = basis.whole.surface.points
    # Places of a single part show its own noise, again in every sampling of it: neighbourhoods say what is usual.
    n_anchors = N_ANCHORS_OF_ONE if basis.single else N_ANCHORS
    anchors = surface[farthest_points(surface.astype(np.float32), min(n_anchors, len(surface)))]
    if config.scoring.method == "paper":
        scores, point_threshold = np.array([one.published for one in held_out]), PAPER_POINT_THRESHOLD
    else:
        scores, point_threshold = _unseen_scores(held_out, anchors)
        margin = MARGIN_OF_ONE if basis.single else 1.0
        if held_out[0].evidence.from_one_side:
            margin *= MARGIN_OF_VIEWS
        scores, point_threshold = scores * margin, point_threshold * margin
    usual = learn_usual([one.evidence for one in held_out], anchors)
    return Standard(usual, float(np.median([one.residual for one in held_out])), np.nan, point_threshold), scores


def _limited(
    config: Config, standards: Mapping[str, Standard], scores: Mapping[str, DoubleArray]
) -> dict[str, Standard]:
    if not standards:
        return {}
    limits = object_limits(scores, config.scoring.false_alarm_rate)
    return {
        name: replace(standard, threshold=limits[name], held_out=scores[name]) for name, standard in standards.items()
    }


def _unseen_scores(held_out: Sequence[HeldOut], anchors: DoubleArray) -> tuple[DoubleArray, float]:
    """Object scores, and the limit of point scores, of each part held against what is usual for the others.

    Of a single part, each sampling is held against the other samplings; of a single sampling, against itself.
    """
    scores, maps = [], []
    single = len({one.part for one in held_out}) == 1
    owners = list(range(len(held_out))) if single else [one.part for one in held_out]
    for owner in sorted(set(owners)):
        others = [one.evidence for one, own in zip(held_out, owners, strict=True) if own != owner]
        usual = learn_usual(others or [one.evidence for one in held_out], anchors)
        for one, own in zip(held_out, owners, strict=True):
            if own == owner:
                exceedance = usual.exceed(one.evidence)
                scores.append(object_score(exceedance, one.evidence.from_one_side))
                maps.append(point_map(exceedance, one.evidence.places))
    return np.array(scores), float(np.quantile(np.concatenate(maps), POINT_QUANTILE))


def _turns(config: Config, basis: Basis) -> int:
    """How many samplings of each part are held out."""
    return max(config.training.held_out, LEAST_OF_ONE) if basis.single else config.training.held_out


def _hold_out_all(
    config: Config, name: str, basis: Basis, gather: Gather, n_points: int, report: Report, stop: Stop
) -> list[HeldOut]:
    held_out: list[HeldOut] = []
    turns = _turns(config, basis)
    for part in range(len(basis.parts)):
        for turn in range(turns):
            if stop():
                raise Cancelled
            report(len(held_out) / (len(basis.parts) * turns), f"calibrate {name}")
            random = generator(config.training.seed, "held out", name, part, turn)
            points, residual = hold_out(basis, part, n_points, random)
            evidence, published = gather(basis.others[part], points, None)
            held_out.append(HeldOut(part, evidence, residual, published))
    return _aligned(held_out)


def _hold_out_views(
    config: Config, name: str, basis: Basis, gather: Gather, n_points: int, report: Report, stop: Stop
) -> list[HeldOut]:
    held_out: list[HeldOut] = []
    turns = VIEW_TURNS * _turns(config, basis)
    for part in range(len(basis.parts)):
        for turn in range(turns):
            if stop():
                raise Cancelled
            report(len(held_out) / (len(basis.parts) * turns), f"calibrate views of {name}")
            random = generator(config.training.seed, "held out view", name, part, turn)
            points, residual, view = hold_out_view(basis, part, n_points, random)
            evidence, published = gather(basis.others[part], points, view)
            held_out.append(HeldOut(part, evidence, residual, published))
    return _aligned(held_out)


def _aligned(held_out: Sequence[HeldOut]) -> list[HeldOut]:
    """Those that lie where they belong: one part laid the wrong way round would make every dent look usual."""
    limit = MISALIGNED * float(np.median([one.residual for one in held_out]))
    return [one for one in held_out if one.residual <= limit]
