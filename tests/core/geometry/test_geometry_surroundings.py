"""Tables under parts are found, faces of parts are not; parts that lie apart are told apart."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from sedir_core.datasets.parts import PARTS
from sedir_core.datasets.specimen import make_specimen
from sedir_core.geometry.surroundings import find_table, separate

draw = np.random.default_rng(4)
SIZE = 100.0


def part(name: str = "cup", seed: int = 0, n: int = 8000, one_sided: bool = False) -> np.ndarray:
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return make_specimen(PARTS[name](rng).moved(scale=SIZE), None, n, rng, one_sided).points


def on_table(
    points: np.ndarray, reach: float = 1.0, noise: float = 0.05, n: int = 8000
) -> tuple[np.ndarray, np.ndarray]:
    """The part on a round table that reaches `reach` part sizes from the middle; and which points are table."""
    stood = points - [*points[:, :2].mean(axis=0), points[:, 2].min()]
    angle, radius = draw.uniform(0, 2 * np.pi, n), reach * SIZE * np.sqrt(draw.uniform(0, 1, n))
    table = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), draw.normal(0, noise, n)])
    return np.concatenate([stood[stood[:, 2] > 1], table]), np.arange((stood[:, 2] > 1).sum() + n) >= (
        stood[:, 2] > 1
    ).sum()


def turned(points: np.ndarray, seed: int = 1) -> np.ndarray:
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return points @ (q * np.sign(np.diag(r))) + [5e6, 4e5, -300]


@pytest.mark.parametrize("name", ["cup", "bracket", "flange", "gear", "vase", "wing_nut"])
@pytest.mark.parametrize("reach", [1.0, 2.5])
def test_a_table_is_found_in_any_pose_and_place(name: str, reach: float) -> None:
    points, truth = on_table(part(name), reach)
    found = find_table(turned(points))
    assert found is not None
    assert found[truth].mean() > 0.99 and found[~truth].mean() < 0.03


def test_a_noisy_table_is_found() -> None:
    points, truth = on_table(part(), noise=0.3)
    found = find_table(points)
    assert found is not None and found[truth].mean() > 0.97 and found[~truth].mean() < 0.06


def test_a_table_that_the_scanner_cut_off_at_one_side_is_found() -> None:
    points, truth = on_table(part())
    kept = ~truth | (points[:, 0] > -0.1 * SIZE)
    found = find_table(points[kept])
    assert found is not None and found[truth[kept]].mean() > 0.98


def test_a_turntable_on_a_table_goes_with_it() -> None:
    points, truth = on_table(part(), 1.0)
    angle, radius = draw.uniform(0, 2 * np.pi, 12_000), 2.5 * SIZE * np.sqrt(draw.uniform(0, 1, 12_000))
    floor = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), draw.normal(-30, 0.05, 12_000)])
    found = find_table(np.concatenate([points, floor]))
    assert found is not None
    assert found[: len(points)][truth].mean() > 0.98 and found[: len(points)][~truth].mean() < 0.03
    assert found[len(points) :].all()


def test_flying_pixels_below_a_table_do_not_hide_it() -> None:
    points, _ = on_table(part())
    points[:40, 2] -= draw.uniform(20, 80, 40)
    assert find_table(points) is not None


@pytest.mark.parametrize("name", sorted(PARTS))
@pytest.mark.parametrize("one_sided", [False, True])
def test_no_face_of_a_part_is_a_table(name: str, one_sided: bool) -> None:
    for seed in range(2):
        assert find_table(part(name, seed, one_sided=one_sided)) is None


def box(size: list[float], n: int = 8000) -> np.ndarray:
    points = draw.uniform(-0.5, 0.5, size=(n, 3))
    areas = np.array([size[1] * size[2], size[0] * size[2], size[0] * size[1]])
    axis = draw.choice(3, n, p=areas / areas.sum())
    points[np.arange(n), axis] = draw.choice([-0.5, 0.5], n)
    return points * size


@pytest.mark.parametrize("size", [[80.0, 50.0, 2.0], [80.0, 50.0, 40.0], [100.0, 10.0, 10.0]])
def test_plates_and_boxes_are_parts(size: list[float]) -> None:
    assert find_table(turned(box(size))) is None


def test_a_plate_with_a_knob_is_a_part_while_both_its_faces_are_seen() -> None:
    knob = box([15, 15, 15], 2000) + np.array([0, 0, 8.5])
    assert find_table(np.concatenate([box([80, 80, 2]), knob])) is None


def test_a_bare_table_is_no_part_on_a_table() -> None:
    assert find_table(draw.uniform(-1, 1, size=(5000, 3)) * [100, 100, 0.05]) is None


def test_two_parts_are_told_apart() -> None:
    first, second = part("cup"), part("vase") + np.array([1.6 * SIZE, 0, 0])
    labels = separate(turned(np.concatenate([first, second])))
    assert set(labels.tolist()) == {0, 1}
    assert len(set(labels[: len(first)].tolist())) == 1 and len(set(labels[len(first) :].tolist())) == 1


def test_flying_pixels_between_two_parts_do_not_join_them() -> None:
    first, second = part("cup"), part("vase") + np.array([1.6 * SIZE, 0, 0])
    bridge = np.column_stack([np.linspace(0, 1.6 * SIZE, 60), np.zeros(60), np.zeros(60)])
    labels = separate(np.concatenate([first, second, bridge]))
    assert labels[0] != labels[len(first)]


@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_whole_part_is_one(name: str) -> None:
    assert not separate(part(name)).any()


def test_a_small_piece_belongs_to_the_part_beside_it() -> None:
    first, second = part("cup"), part("vase") + np.array([1.8 * SIZE, 0, 0])
    chip = second.max(axis=0) + np.array([12, 0, 0]) + draw.normal(0, 0.5, (100, 3))
    labels = separate(np.concatenate([first, second, chip]))
    assert (labels[-100:] == labels[len(first)]).all()


def test_points_in_one_place_are_one_part() -> None:
    assert not separate(np.zeros((100, 3))).any()


def test_the_same_scan_gives_the_same_answer() -> None:
    points, _ = on_table(part())
    np.testing.assert_array_equal(find_table(points), find_table(points))
    np.testing.assert_array_equal(separate(points), separate(points))
