"""Parts that vary by nature, such as foods and castings: what they differ by is learned, and is no defect."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from sedir_core.evidence.aligned_parts import AlignedPart, align_parts, smooth_way
from sedir_core.evidence.comparison import Compared, compare
from sedir_core.evidence.normal_surface import NormalSurface, merge_parts, relaid_parts
from sedir_core.geometry.bent import bent
from sedir_core.geometry.elastic import SmoothPrior
from sedir_core.geometry.numbers import ELASTIC
from sedir_core.geometry.oriented import Oriented
from sedir_core.geometry.registration import Pose, Surface
from sedir_core.geometry.sampling import farthest_points
from sedir_core.models.sedir import Tokens
from sedir_core.types import BoolArray, DoubleArray

SIZE, NOISE = np.array([1.0, 0.7, 0.5]), 0.0005
WAYS = 0.04  # radii: standard deviation of how the parts differ


def body(seed: int, ways: float, length: float = ELASTIC.supple_length, n: int = 20_000) -> DoubleArray:
    """An ellipsoid with a knob off its axes, so that it has one way round, displaced alike over that length."""
    random = np.random.default_rng(seed)
    out = random.normal(size=(n, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    knob = 0.12 * np.exp(-((out - [0.5, 0.7, 0.5]) ** 2).sum(axis=1) / 0.03)
    points = out * SIZE * (1 + knob)[:, None]
    controls = points[farthest_points(points.astype(np.float32), 40)]
    field = SmoothPrior(controls, max(ways, ELASTIC.stiff), length).draw(ways, random)
    return np.asarray(points + field(points) + NOISE * random.normal(size=points.shape))


def parts(ways: float, length: float = ELASTIC.supple_length, count: int = 3) -> list[AlignedPart]:
    return align_parts([body(seed, ways, length) for seed in range(count)], np.random.default_rng(0))[0]


@pytest.fixture(scope="module")
def varying() -> NormalSurface:
    return merge_parts(parts(WAYS, count=4))


def test_how_much_parts_differ_is_learned_from_them(varying: NormalSurface) -> None:
    assert varying.prior.supple
    assert WAYS / 2 < varying.prior.amplitude < 3 * WAYS
    alike = parts(0.002)[0].toward_reference.prior
    assert (alike.supple, alike.amplitude) == (False, ELASTIC.stiff)


@pytest.mark.parametrize("n", [300, 700])
def test_scans_of_few_points_of_stiff_parts_do_not_vary(n: int) -> None:
    scans = [body(seed, 0.002, n=n) for seed in range(4)]
    assert not align_parts(scans, np.random.default_rng(0))[0][0].toward_reference.prior.supple


def test_over_how_long_ways_parts_differ_alike_is_learned_from_them(varying: NormalSurface) -> None:
    assert varying.prior.comparing.length <= 0.7
    assert parts(WAYS, 1.2)[0].toward_reference.prior.comparing.length > 0.8


def test_a_new_good_part_is_brought_onto_the_others(varying: NormalSurface) -> None:
    before = np.abs(varying.surface.toward(body(9, WAYS))[0])
    offsets = varying.depart(body(9, WAYS)).channels["offset_32"]
    assert np.nanquantile(offsets, 0.95) < 0.15 * np.quantile(before, 0.95)


def test_a_dent_of_a_part_that_varies_is_left(varying: NormalSurface) -> None:
    scan = body(9, WAYS)
    place = scan[np.argmin(scan[:, 2])]
    depth = 0.05 * np.clip(1 - (np.linalg.norm(scan - place, axis=1) / 0.2) ** 2, 0, None)
    dented = scan + depth[:, None] * [0, 0, 1]
    offsets = varying.depart(dented).channels["offset_32"]
    assert np.nanmax(offsets[depth > 0]) > 0.03
    assert np.nanquantile(offsets[depth == 0], 0.95) < 0.01


def disc(seed: int, turn: float, n: int = 20_000) -> DoubleArray:
    """A round body with three low bosses on its upper side, bent and turned."""
    random = np.random.default_rng(seed)
    out = random.normal(size=(n, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    points = out * [1.0, 1.0, 0.35]
    for centre in ([0.6, 0.0], [0.3, 0.5], [-0.3, -0.4]):
        points[:, 2] += 0.05 * ((np.linalg.norm(points[:, :2] - centre, axis=1) < 0.15) & (points[:, 2] > 0))
    controls = points[farthest_points(points.astype(np.float32), 40)]
    points = points + SmoothPrior(controls, WAYS).draw(WAYS, random)(points)
    points += NOISE * random.normal(size=points.shape)
    return np.asarray(points @ turned_by(turn).T)


def turned_by(angle: float) -> DoubleArray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1.0]])


def test_round_bodies_are_laid_by_their_details_whatever_their_outlines_say() -> None:
    turns = (0.0, 2.0, 4.0)
    clouds = [disc(seed, turn) for seed, turn in enumerate(turns)]
    laid, left_out = align_parts(clouds, np.random.default_rng(0))
    assert left_out == []
    ways = []
    for part in laid:
        i = next(i for i, cloud in enumerate(clouds) if is_turned(cloud, part.points))
        ways.append(rotation_between(clouds[i], part.points) @ turned_by(turns[i]))
    assert min(np.trace(way.T @ ways[0]) for way in ways) > 2.9


def rotation_between(before: DoubleArray, after: DoubleArray) -> DoubleArray:
    return np.asarray(Rotation.align_vectors(after - after.mean(axis=0), before - before.mean(axis=0))[0].as_matrix())


def is_turned(before: DoubleArray, after: DoubleArray) -> bool:
    rotation = rotation_between(before, after)
    return bool(np.allclose((before - before.mean(axis=0)) @ rotation.T, after - after.mean(axis=0), atol=1e-6))


def test_the_other_way_round_is_told_once_the_smooth_difference_is_out(varying: NormalSurface) -> None:
    """Rigidly, a part that varies fits as badly either way."""
    scan, half = Oriented(body(9, WAYS)), Pose(np.diag([-1.0, -1.0, 1.0]), np.zeros(3))
    turned = varying.judge(scan, half)
    assert varying.judge(scan, Pose(np.eye(3), np.zeros(3))).cost < 0.5 * turned.cost
    found = varying.better(scan, turned.pose).pose.rotation
    assert np.trace(found) > 2.9


def lump(scan: DoubleArray, size: float = 0.35, height: float = 0.12) -> tuple[DoubleArray, DoubleArray]:
    """A scan with a smooth lump on its end, and how high that is at each of its points, (n,)."""
    place = scan[np.argmax(scan[:, 0])]
    high = height * np.clip(1 - (np.linalg.norm(scan - place, axis=1) / size) ** 2, 0, None)
    return np.asarray(scan + high[:, None] * [1, 0, 0]), high


def test_a_lump_shows_whole_once_it_has_no_say_in_the_smooth_difference(varying: NormalSurface) -> None:
    scan, high = lump(body(9, WAYS))
    middle, tokens = high > 0.5 * high.max(), no_tokens(scan)
    hidden = compare(varying, scan, *tokens)
    shown = compare(varying, scan, *tokens, defects=scan[high > 0])

    def told(one: Compared, where: BoolArray) -> float:
        return float(np.nanmedian(one.evidence.channels["field_64"][where[one.evidence.picked]]))

    assert told(shown, middle) > 1.3 * told(hidden, middle)
    assert told(shown, high == 0) < 0.1 * told(shown, middle)


def test_where_all_of_a_scan_looks_defective_all_of_it_says_how_it_differs(varying: NormalSurface) -> None:
    scan = body(9, WAYS)
    tokens = no_tokens(scan)
    one, other = compare(varying, scan, *tokens), compare(varying, scan, *tokens, defects=scan[::20])
    assert np.array_equal(one.departure.places, other.departure.places)


def no_tokens(scan: DoubleArray) -> tuple[Tokens, DoubleArray]:
    """One group at the scan's first point, that nothing is said of."""
    centres = torch.from_numpy(scan[None, :1]).float()
    return Tokens(torch.zeros(3, 1, 1, 4), centres, torch.zeros(1, 1, 2)), np.zeros(1)


def test_a_lump_bends_nothing_when_sides_are_told_apart(varying: NormalSurface) -> None:
    """Else a true pose leaves more, all around the lump, than one in which the lump lies beyond what is known."""
    scan, still = Oriented(lump(body(9, WAYS), size=0.5, height=0.3)[0]), Pose(np.eye(3), np.zeros(3))
    plain, robust = (bent(scan, varying.confirmed, varying.prior, still, 3_000, 12, robust) for robust in (False, True))
    assert robust.mean > 1.1 * plain.mean  # the lump itself
    assert robust.median < 0.92 * plain.median  # and the rest


def rippled(seed: int, n: int = 20_000) -> DoubleArray:
    """A round body, rippled on its upper side, that differs a little from others."""
    random = np.random.default_rng(seed)
    out = random.normal(size=(n, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    points = out * [1.0, 1.0, 0.35]
    points[:, 2] += 0.02 * np.sin(12 * points[:, 0]) * np.sin(9 * points[:, 1]) * (points[:, 2] > 0)
    controls = points[farthest_points(points.astype(np.float32), 40)]
    points = points + SmoothPrior(controls, WAYS / 2).draw(WAYS / 2, random)(points)
    return np.asarray(points + NOISE * random.normal(size=points.shape))


def test_a_part_on_its_other_side_is_laid_right_once_the_others_are_merged() -> None:
    """The scanner sees nothing of the side that a part lies on, and upside down it fits at first sight."""
    clouds = [rippled(seed) for seed in range(5)]
    flip = np.diag([1.0, -1.0, -1.0])
    upper = [cloud[cloud[:, 2] > -0.2] for cloud in clouds[:4]]
    lower = clouds[4][clouds[4][:, 2] < 0.2]
    prior = SmoothPrior(upper[0][farthest_points(upper[0].astype(np.float32), 64)], WAYS)
    first, surface = Oriented(upper[0]), Surface(upper[0])
    laid = [AlignedPart(upper[0], prior.none)]
    laid += [AlignedPart(one, smooth_way(prior, Oriented(one), first, surface)) for one in (*upper[1:], lower @ flip)]
    found = relaid_parts(laid, merge_parts(laid))
    assert [one is before for one, before in zip(found, laid, strict=True)] == [True] * 4 + [False]
    assert rotation_between(lower, found[4].points)[2, 2] > 0.95  # its smooth side tells no turn
    assert not merge_parts(found).complete
