"""Clusters above the threshold become defects with the right place, size and order."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from sedir_core.evidence.defects import clusters_above, find_defects, limit_that_shows, verdict_reason
from sedir_core.types import DoubleArray, FloatArray, Scan

N = 20_000
LARGE, SMALL = ((-0.5, 0.0), 0.2), ((0.5, 0.3), 0.1)  # centre and radius, in a square of side 2


def square() -> DoubleArray:
    return np.random.default_rng(0).uniform(-1, 1, size=(N, 3)) * (1, 1, 0)


def scores(points: DoubleArray, *spots: tuple[tuple[float, float], float, float]) -> FloatArray:
    """0.1 all over, and the given score in discs of (centre, radius, score)."""
    found = np.full(len(points), 0.1, dtype=np.float32)
    for centre, radius, score in spots:
        found[np.linalg.norm(points[:, :2] - centre, axis=1) < radius] = score
    return found


def two_dents() -> tuple[Scan, FloatArray]:
    points = square()
    return Scan(points, "part"), scores(points, (*LARGE, 2.0), (*SMALL, 3.0))


def test_a_clean_scan_has_no_defects() -> None:
    points = square()
    assert clusters_above(Scan(points, "part"), scores(points), 1.0) == ()


def test_two_dents_are_two_defects_the_highest_peak_first() -> None:
    found = find_defects(*two_dents(), 1.0)
    assert [defect.peak for defect in found] == [3.0, 2.0]


@pytest.mark.parametrize(("index", "spot"), [(0, SMALL), (1, LARGE)])
def test_a_defect_has_place_and_extent(index: int, spot: tuple[tuple[float, float], float]) -> None:
    (centre, radius), defect = spot, find_defects(*two_dents(), 1.0)[index]
    assert defect.centroid[:2] == pytest.approx(centre, abs=0.02)
    assert defect.extent == pytest.approx([2 * radius, 2 * radius, 0], abs=0.02)


@pytest.mark.parametrize(("index", "spot"), [(0, SMALL), (1, LARGE)])
def test_a_defect_has_its_area(index: int, spot: tuple[tuple[float, float], float]) -> None:
    assert find_defects(*two_dents(), 1.0)[index].area == pytest.approx(np.pi * spot[1] ** 2, rel=0.15)


def test_a_defect_has_all_its_points() -> None:
    scan, values = two_dents()
    first, second = find_defects(scan, values, 1.0)
    members = np.sort(np.concatenate([first.members, second.members]))
    assert np.array_equal(members, np.flatnonzero(values > 1.0))


def test_a_defect_of_a_dense_scan_has_all_its_points_too() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, size=(300_000, 3)) * (1, 1, 0)
    values = scores(points, ((0.0, 0.0), 0.6, 2.0))
    (defect,) = find_defects(Scan(points, "part"), values, 1.0)
    assert defect.n_points == (values > 1.0).sum()


def test_a_scan_on_a_grid_has_the_same_area() -> None:
    axis = np.linspace(-1, 1, 141)
    points = np.stack([*np.meshgrid(axis, axis), np.zeros((141, 141))], axis=-1).reshape(-1, 3)
    (defect,) = find_defects(Scan(points, "part"), scores(points, (*LARGE, 2.0)), 1.0)
    assert defect.area == pytest.approx(np.pi * LARGE[1] ** 2, rel=0.3)


def test_a_scan_with_every_point_twice_has_the_same_defects() -> None:
    scan, values = two_dents()
    twice = find_defects(Scan(np.repeat(scan.points, 2, axis=0), "part"), np.repeat(values, 2), 1.0)
    once = find_defects(scan, values, 1.0)
    assert [defect.n_points for defect in twice] == [2 * defect.n_points for defect in once]
    assert [defect.area for defect in twice] == pytest.approx([defect.area for defect in once], rel=0.2)


def test_specks_are_noise() -> None:
    points = square()
    values = scores(points)
    values[:: N // 8] = 5.0
    assert clusters_above(Scan(points, "part"), values, 1.0) == ()


def test_a_condemned_scan_names_its_hottest_place() -> None:
    points = square()
    found = find_defects(Scan(points, "part"), scores(points, (*LARGE, 0.9)), 1.0, condemned=True)
    assert len(found) == 1
    assert found[0].centroid[:2] == pytest.approx(LARGE[0], abs=0.02)


def test_the_hottest_place_of_a_condemned_scan_is_above_the_limit_that_is_shown() -> None:
    points = square()
    scan, hot = Scan(points, "part"), scores(points, (*LARGE, 0.9))
    (named,) = find_defects(scan, hot, 1.0, condemned=True)
    shown = limit_that_shows(scan, hot, 1.0, condemned=True)
    assert hot[named.members].min() > shown
    assert limit_that_shows(scan, hot, 1.0, condemned=False) == 1.0
    assert limit_that_shows(scan, 2 * hot, 1.0, condemned=True) == 1.0


def test_a_scan_that_is_not_ng_has_no_defects_and_nothing_above_the_limit_that_is_shown() -> None:
    scan, values = two_dents()
    assert find_defects(scan, values, 1.0, condemned=False) == ()
    shown = limit_that_shows(scan, values, 1.0, condemned=False)
    assert not (values > shown).any()
    assert len(clusters_above(scan, values, 0.9 * shown)) == 1  # NG under a lower limit, the hottest is back


def test_points_without_a_score_belong_to_nothing() -> None:
    scan, values = two_dents()
    holes = scan.points.copy()
    holes[::3], values[::3] = np.nan, np.nan
    found = find_defects(Scan(holes, "part"), values, 1.0)
    assert len(found) == 2
    assert all(np.isfinite(defect.centroid).all() and (defect.members % 3 > 0).all() for defect in found)


def test_shuffled_points_have_the_same_defects() -> None:
    scan, values = two_dents()
    order = np.random.default_rng(1).permutation(N)
    shuffled = find_defects(Scan(scan.points[order], "part"), values[order], 1.0)
    for one, other in zip(find_defects(scan, values, 1.0), shuffled, strict=True):
        assert np.array_equal(one.members, np.sort(order[other.members]))
        assert one.area == other.area


def test_the_reason_says_the_share_of_the_limit() -> None:
    assert "50 %" in verdict_reason(0.5, 1.0, ())


def test_the_reason_counts_defects() -> None:
    defects = find_defects(*two_dents(), 1.0)
    assert "one defect" in verdict_reason(2.0, 1.0, defects[:1])
    assert "2 defects" in verdict_reason(2.0, 1.0, defects)


def test_a_score_at_the_limit_is_no_departure() -> None:
    assert "nothing above" in verdict_reason(1.0, 1.0, ())


def test_the_reason_says_no_number_beyond_what_says_anything() -> None:
    defects = find_defects(*two_dents(), 1.0)
    assert verdict_reason(23.9, 1.0, defects) == "2 defects, more than 10 times the limit"
    assert verdict_reason(10.0, 1.0, defects) == "2 defects, 1000 % of the limit"


def test_a_defect_of_many_points_takes_little_memory() -> None:
    """A part that is wrong all over is one cluster; a matrix of its points by its points would be 3 GB."""
    points = square()
    tracemalloc.start()
    (found,) = find_defects(
        Scan(points, "part"), scores(points, ((0.0, 0.0), 9.0, 2.0)), 1.0, True, (), np.full(N, 0.1, np.float32)
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.members) == N
    assert peak < 200 * 2**20
