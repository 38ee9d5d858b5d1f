"""Values in times of what is usual at their place, smoothed in space; descriptors over several sizes."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_run import dented, part

from sedir_core.detectors.by_place import PlaceStatistics, smoothed, top_mean
from sedir_core.detectors.place_bank import PlaceMemory, concluded
from sedir_core.detectors.wide_features import averaged, curvatures, wide_histograms
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.training.learn_place import leave_one_out


@pytest.fixture(scope="module")
def plane() -> np.ndarray:
    random = np.random.default_rng(0)
    return np.column_stack([random.uniform(-1, 1, size=(4_000, 2)), np.zeros(4_000)])


def test_what_is_usual_everywhere_becomes_one(plane: np.ndarray) -> None:
    loud = np.where(plane[:, 0] > 0, 5.0, 1.0)
    statistics = PlaceStatistics.learn(plane, [(plane, loud)] * 400)
    away = np.abs(plane[:, 0]) > 0.2
    assert np.allclose(statistics.standardised(plane, loud)[away], 1.0, atol=0.2)


def test_a_value_among_quiet_ones_stands_out_more(plane: np.ndarray) -> None:
    statistics = PlaceStatistics.learn(plane, [(plane, np.where(plane[:, 0] > 0, 5.0, 1.0))] * 40)
    found = statistics.standardised(np.array([[0.7, 0, 0], [-0.7, 0, 0]]), np.array([5.0, 5.0]))
    assert found[1] > 3 * found[0]


def test_what_is_usual_survives_being_stored(plane: np.ndarray) -> None:
    statistics = PlaceStatistics.learn(plane, [(plane, np.ones(len(plane)))])
    again = PlaceStatistics.from_tensors(statistics.tensors())
    assert np.array_equal(statistics.rms, again.rms) and np.array_equal(statistics.anchors, again.anchors)


def test_a_held_out_scan_is_not_measured_in_times_of_itself(plane: np.ndarray) -> None:
    loud = np.where(np.linalg.norm(plane[:, :2] - 0.5, axis=1) < 0.2, 10.0, 1.0)
    shown = [(plane, np.ones(len(plane))), (plane, loud)]
    found = leave_one_out(plane, [0, 1], shown)
    assert found[1].object_score == pytest.approx(10.0, rel=0.01)
    together = concluded(PlaceStatistics.learn(plane, shown), *shown[1])
    assert together.object_score < 0.8 * found[1].object_score
    alone = leave_one_out(plane, [0], shown[1:])
    assert alone[0].object_score == concluded(PlaceStatistics.learn(plane, shown[1:]), *shown[1]).object_score


def test_smoothing_keeps_the_mean_of_a_constant_and_the_top_is_a_mean(plane: np.ndarray) -> None:
    assert np.allclose(smoothed(np.full(len(plane), 3.0), plane), 3.0)
    scores = np.arange(5_000, dtype=np.float64)
    assert top_mean(scores) == pytest.approx(scores[-10:].mean())


def test_a_held_out_part_is_not_compared_with_itself(plane: np.ndarray) -> None:
    features = np.repeat([[0.0], [4.0]], 2_000, axis=0).astype(np.float32)
    memory = PlaceMemory(plane, features, np.repeat([0, 1], 2_000))
    own = memory.distances(plane[:5], features[:5], 32)
    others = memory.without(0).distances(plane[:5], features[:5], 32)
    assert np.allclose(own, 0) and np.allclose(others, 4)
    assert len(PlaceMemory(plane, features, np.zeros(4_000, np.int64)).without(0).places) == 4_000


def test_only_descriptors_near_in_space_are_asked(plane: np.ndarray) -> None:
    features = np.where(plane[:, :1] > 0, 1.0, 0.0).astype(np.float32)
    memory = PlaceMemory(plane, features, np.zeros(len(plane), np.int64))
    there = np.array([[-0.8, 0.0, 0.0]])
    assert memory.distances(there, np.array([[1.0]], np.float32), 32)[0] == pytest.approx(1.0)


def test_curvature_tells_hollows_from_bumps_and_flat_is_nothing(plane: np.ndarray) -> None:
    up = np.tile([0.0, 0.0, 1.0], (len(plane), 1))
    inside = np.abs(plane[:, :2]).max(axis=1) < 0.5
    assert np.abs(curvatures(plane, up)[inside]).max() < 1e-3
    bowl = plane + [0, 0, 1] * (plane[:, :1] ** 2 + plane[:, 1:2] ** 2)
    heights = curvatures(bowl, up)[:, 1::2]
    assert (heights[inside].mean(axis=0) > 0).all()
    assert (curvatures(bowl, -up)[inside, 1::2].mean(axis=0) < 0).all()


def test_histograms_of_three_sizes_are_averaged_over_neighbours() -> None:
    points = part("bracket", 0, 2_000) / 50
    features = wide_histograms(points)
    assert features.shape == (2_000, 99)
    assert np.allclose(averaged(np.ones((2_000, 1), np.float32), points, 128), 1.0)
    rough = np.random.default_rng(0).normal(size=(2_000, 1)).astype(np.float32)
    assert averaged(rough, points, 128).std() < 0.3 * rough.std()


def test_oriented_histograms_do_not_depend_on_the_estimated_sign() -> None:
    points = dented(part("cup", 0, 2_000) / 50)[0]
    normals = normals_and_curvature(points, 30)[0]
    flipped = normals * np.random.default_rng(0).choice([-1, 1], size=(2_000, 1))
    assert not np.allclose(wide_histograms(points, normals), wide_histograms(points, flipped))
