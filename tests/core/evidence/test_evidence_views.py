"""A run trained for scans from one side: views are known, judged by their own standard, and the unseen is no hole."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from core.tiny_run import HARDLY_FITTED, dented, part, scan_of, tiny_config, write_dataset, write_encoder

from sedir_core.detectors.sedir import SedirDetector
from sedir_core.evidence.category_tensors import category_from_tensors, category_to_tensors
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.geometry.tree import PointTree
from sedir_core.geometry.views import settled_from
from sedir_core.geometry.visibility import outward, seen_from, sphere_directions
from sedir_core.training.train import TrainRequest, train
from sedir_core.types import Detection, DoubleArray, Scan

N_POINTS = 8_000
VIEWED = ("bracket", "cup")


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> SedirDetector:
    folder = tmp_path_factory.mktemp("views")
    dataset, encoder = write_dataset(folder / "parts"), write_encoder(folder / "encoder.safetensors")
    # Judges are not asked about views; the surface is asked for the far side.
    config = tiny_config(encoder, epochs=15, views=2, judge_steps=1, **HARDLY_FITTED | {"surface_steps": 200})
    path = train(TrainRequest(dataset, VIEWED, config, folder / "run", device="cpu"), lambda event: None)
    return SedirDetector.load(path, "cpu")


@pytest.fixture(scope="module")
def bracket_seen(detector: SedirDetector) -> Detection:
    """What is found in a good view of a bracket, if it is said to be one."""
    return detector.detect(good_view("bracket"), "bracket")


def side_of(points: DoubleArray, direction: DoubleArray) -> DoubleArray:
    normals = outward(points, normals_and_curvature(points)[0], sphere_directions(48))
    return points[seen_from(points, direction / np.linalg.norm(direction), normals)]


def good_view(category: str, seed: int = 60) -> Scan:
    random = np.random.default_rng(seed)
    return scan_of(side_of(part(category, seed, N_POINTS), random.normal(size=3)))


@pytest.mark.parametrize("category", VIEWED)
def test_a_view_is_named_and_said_to_be_one(detector: SedirDetector, category: str) -> None:
    found = detector.detect(good_view(category))
    assert found.category == category
    assert "one side" in found.reason
    assert np.isfinite(found.point_scores).all()


def test_a_model_of_whole_scans_says_what_it_lacks(detector: SedirDetector) -> None:
    whole_only = {name: replace(one, view=None, views=None) for name, one in detector.known.items()}
    found = SedirDetector(detector.config, detector.nets, whole_only, detector.device).detect(good_view("bracket"))
    assert found.uncertain
    assert "from one side, but the model was trained for scans from all around" in found.reason


def test_a_view_has_its_own_threshold(detector: SedirDetector, bracket_seen: Detection) -> None:
    bracket = detector.known["bracket"]
    assert bracket.view is not None
    assert bracket_seen.threshold == bracket.view.threshold
    whole = detector.detect(scan_of(part("bracket", 60, N_POINTS)), "bracket")
    assert whole.threshold == bracket.whole.threshold
    assert "one side" not in whole.reason


def test_a_dent_in_view_raises_the_score(detector: SedirDetector) -> None:
    points = part("bracket", 61, N_POINTS)
    at = int(np.argmax(points @ [0.3, 0.5, 0.8]))
    middle = points.mean(axis=0)
    damaged = dented(points, at)[0]
    good = detector.detect(scan_of(side_of(points, points[at] - middle)), "bracket")
    bad = detector.detect(scan_of(side_of(damaged, points[at] - middle)), "bracket")
    assert bad.object_score > 1.5 * good.object_score


def test_what_the_camera_cannot_see_is_not_missing(detector: SedirDetector) -> None:
    bracket = detector.known["bracket"]
    points = part("bracket", 62, N_POINTS)
    direction = np.array([0.36, 0.48, 0.8])
    random = np.random.default_rng(0)
    placement, _, view = bracket.place_view(side_of(points, direction), random)
    aligned = placement.enter(side_of(points, direction))
    blind = bracket.normal.depart(aligned).channels["gap_32"]
    seeing = bracket.normal.depart(aligned, view.direction).channels["gap_32"]
    assert seeing.max() < 0.8 < 1.3 < blind.max()  # spacings; blind to the side, the missing half looks sparse, too


def test_the_reconstruction_completes_the_far_side(bracket_seen: Detection) -> None:
    surface = bracket_seen.reconstruction
    whole = part("bracket", 60, N_POINTS)
    assert surface is not None
    assert np.allclose(np.ptp(surface, axis=0), np.ptp(whole, axis=0), rtol=0.1)


def test_views_survive_saving(detector: SedirDetector) -> None:
    cup = detector.known["cup"]
    again = category_from_tensors(category_to_tensors(cup), cup.whole.statistics.judges)
    assert cup.views is not None
    assert again.views is not None
    assert again.view is not None
    assert np.array_equal(again.views.seen, cup.views.seen)
    assert np.allclose(again.views.probes, cup.views.probes, atol=1e-4)
    assert again.normal.coverage is not None
    assert cup.normal.coverage is not None
    assert np.array_equal(again.normal.coverage.confirmed, cup.normal.coverage.confirmed)
    assert np.array_equal(again.normal.coverage.always, cup.normal.coverage.always)
    with pytest.raises(ValueError, match=r"surface\.coverage"):
        category_from_tensors(
            category_to_tensors(cup) | {"surface.coverage": torch.zeros(2, 3, dtype=torch.uint8)}, None
        )


def test_a_hole_inside_a_view_is_missing_and_a_frayed_outline_is_not(detector: SedirDetector) -> None:
    bracket = detector.known["bracket"]
    direction = np.array([0.3, 0.4, 0.866])
    seen = seen_from(bracket.normal.surface.points, direction, bracket.normal.surface.normals)
    settled = settled_from(bracket.normal.surface.points, bracket.normal.surface.normals, direction)
    points = bracket.normal.surface.points[seen]
    inside = settled[seen]
    to_outline = PointTree(bracket.normal.surface.points[~settled]).nearest(points)[0]
    deepest = points[to_outline.argmax()]
    points = points + np.random.default_rng(1).normal(scale=0.003, size=points.shape)
    frayed = points[~inside | (to_outline > 0.02)]
    pierced = points[np.linalg.norm(points - deepest, axis=1) > 0.08]

    def widest_gap(view: DoubleArray) -> float:
        departure = bracket.normal.depart(view, direction)
        return float(departure.channels["gap_8"].max())

    assert to_outline.max() > 0.1  # radii
    assert widest_gap(frayed) < 1 < 4 < widest_gap(pierced)  # spacings
