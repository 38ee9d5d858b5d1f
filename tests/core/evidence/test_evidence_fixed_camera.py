"""A camera that is fixed above a line shows one side of every part, of the training's, too."""

from pathlib import Path

import numpy as np
import pytest
import torch
from core.tiny_run import CATEGORIES, HARDLY_FITTED, dented, part, scan_of, tiny_config, write_encoder

from sedir_core.config import Config
from sedir_core.datasets.index import open_dataset
from sedir_core.datasets.parts import PARTS
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.evidence.category_tensors import category_from_tensors, category_to_tensors
from sedir_core.evidence.fitted_parts import fit_parts, seen_from_one_side
from sedir_core.geometry.registration import rotation_from_vector
from sedir_core.geometry.surface import normals_and_curvature
from sedir_core.geometry.visibility import outward, seen_from, sphere_directions
from sedir_core.io.export import write_points_ply
from sedir_core.training.parts_cache import cached_parts
from sedir_core.training.train import TrainRequest, train
from sedir_core.types import DoubleArray, never_stop, no_report

N_POINTS, DIAGONAL_MM = 6_000, 100.0
CAMERA = np.array([0.36, 0.48, 0.8])
ON_THE_LINE = ("bracket", "pipe_elbow")


def lying(category: str, seed: int) -> DoubleArray:
    """A good part (n, 3) in about the pose that all of its kind have."""
    random = np.random.default_rng(seed)
    solid = PARTS[category](np.random.default_rng(3)).moved(scale=DIAGONAL_MM)
    points = solid.sample(N_POINTS, random)[0]
    turn = rotation_from_vector(random.normal(scale=0.05, size=(1, 3)))[0]
    return points @ turn.T + random.normal(0.0, 2.0, 3) + random.normal(0.0, 0.1, points.shape)


def under_the_camera(points: DoubleArray) -> DoubleArray:
    normals = outward(points, normals_and_curvature(points)[0], sphere_directions(48))
    return points[seen_from(points, CAMERA, normals)]


def config_for(folder: Path, **training: str) -> Config:
    encoder = write_encoder(folder / "encoder.safetensors")
    config = tiny_config(encoder, epochs=15, views=2, judge_steps=50, **HARDLY_FITTED)
    return config.model_copy(update={"training": config.training.model_copy(update=training)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("line")
    for category in ON_THE_LINE:
        for i in range(2):
            home = folder / "parts" / category
            write_points_ply(home / f"{i}.ply", under_the_camera(lying(category, i)))
    return folder


@pytest.fixture(scope="module")
def detector(folder: Path) -> SedirDetector:
    request = TrainRequest(folder / "parts", None, config_for(folder), folder / "run", device="cpu")
    return SedirDetector.load(train(request, lambda event: None), "cpu")


def test_it_is_found_out_for_each_kind_of_part() -> None:
    assert seen_from_one_side([under_the_camera(lying("bracket", i)) for i in range(2)])
    for category in CATEGORIES:
        assert not seen_from_one_side([part(category, i) for i in range(2)])


def test_whoever_knows_better_may_say_so() -> None:
    clouds = [under_the_camera(lying("bracket", i)) for i in range(2)]
    assert fit_parts(clouds, 0).one_sided
    assert not fit_parts(clouds, 0, one_sided=False).one_sided


def test_such_scans_train_a_model_that_is_meant_for_views_of_whole_parts_too(detector: SedirDetector) -> None:
    assert detector.config.training.views > 0
    for category in detector.known.values():
        assert category.one_sided
        assert not category.knows_views


def test_whoever_trains_is_told_each_time(
    detector: SedirDetector, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cached_parts(open_dataset(folder / "parts"), detector.config, no_report, never_stop)  # from the cache
    assert "the scans of bracket show one side" in caplog.text


def test_a_run_keeps_it(detector: SedirDetector) -> None:
    one = next(iter(detector.known.values()))
    tensors = {name: tensor.clone() for name, tensor in category_to_tensors(one).items()}
    assert category_from_tensors(tensors, detector.judges).one_sided
    del tensors["one_sided"]
    assert not category_from_tensors(tensors, detector.judges).one_sided
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())


@pytest.mark.parametrize("category", ON_THE_LINE)
def test_a_good_part_is_judged_as_a_whole(detector: SedirDetector, category: str) -> None:
    found = detector.detect(scan_of(under_the_camera(lying(category, 20))))
    assert found.category == category
    assert "one side" not in found.reason  # nothing but that side is known, so nothing is missing of it
    assert "fits no known category" not in found.reason
    assert not found.from_one_side
    assert found.object_score < 1.5 * found.threshold


def test_a_dent_under_the_camera_raises_the_score(detector: SedirDetector) -> None:
    points = lying("bracket", 21)
    damaged = dented(points, int(np.argmax(points @ CAMERA)))[0]
    good = detector.detect(scan_of(under_the_camera(points)), "bracket")
    bad = detector.detect(scan_of(under_the_camera(damaged)), "bracket")
    assert bad.object_score > 1.3 * good.object_score


def test_the_part_turned_over_is_no_known_side(detector: SedirDetector) -> None:
    turned = lying("bracket", 22) @ np.diag([1.0, -1.0, -1.0])
    found = detector.detect(scan_of(under_the_camera(turned)), "bracket")
    assert found.uncertain
    assert "does the part lie as in the training scans?" in found.reason
