"""Any pose of a part is found again: plain, symmetric, box-like, noisy, bent and broken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from sedir_core.datasets.defects import DEFECTS
from sedir_core.datasets.parts import PARTS
from sedir_core.datasets.primitives import box
from sedir_core.datasets.solids import Solid
from sedir_core.geometry.registration import (
    Pose,
    Surface,
    align,
    cube_rotations,
    principal_axes,
    random_rotation,
    rotation_from_vector,
)
from sedir_core.types import DoubleArray

NOISE = 0.003  # of the radius


@dataclass(frozen=True)
class Template:
    """A solid and its sampled surface in radii around its centre."""

    solid: Solid
    centre: DoubleArray
    radius: float
    surface: Surface

    def sample(self, n_points: int, seed: int) -> tuple[DoubleArray, DoubleArray]:
        points, normals = self.solid.sample(n_points, np.random.default_rng(seed))
        return (points - self.centre) / self.radius, normals

    def off_surface(self, points: DoubleArray) -> DoubleArray:
        """(n,) exact distances, in radii."""
        return np.abs(self.solid.distance(points * self.radius + self.centre)) / self.radius


def notched_box() -> Solid:
    return box(1, 0.7, 0.5) - box(0.25, 0.2, 0.2).moved((0.5, 0.35, 0.25))


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    solids = {name: build(np.random.default_rng(0)) for name, build in PARTS.items()}
    made = {}
    for name, solid in (solids | {"notched box": notched_box()}).items():
        points = solid.sample(6_000, np.random.default_rng(1))[0]
        centre = points.mean(axis=0)
        radius = float(np.linalg.norm(points - centre, axis=1).max())
        made[name] = Template(solid, centre, radius, Surface((points - centre) / radius))
    return made


def thrown(points: DoubleArray, seed: int) -> tuple[DoubleArray, Pose]:
    """The points with noise in a random pose, and the pose that brings them back."""
    rng = np.random.default_rng([seed, 7])
    turn, shift = random_rotation(rng), rng.normal(size=3)
    noisy = points + rng.normal(scale=NOISE, size=points.shape)
    return noisy @ turn.T + shift, Pose(turn.T, -turn.T @ shift)


def error(found: Pose, truth: Pose, points: DoubleArray) -> float:
    """RMS distance of points (n, 3) in the template's frame to where the found pose takes them."""
    return float(np.sqrt(((found.apply(truth.invert(points)) - points) ** 2).sum(axis=1).mean()))


def find(template: Template, points: DoubleArray, seed: int) -> tuple[Pose, Pose]:
    scan, truth = thrown(points, seed)
    return align(scan, template.surface, np.random.default_rng(0))[0], truth


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["bracket", "cup", "notched box"])
def test_the_pose_of_a_part_is_found(templates: dict[str, Template], name: str, seed: int) -> None:
    points = templates[name].sample(4_000, seed + 10)[0]
    assert error(*find(templates[name], points, seed), points) < 0.004


SYMMETRIC = ("bearing", "bottle", "flange", "gear", "hex_bolt", "pipe_elbow", "wing_nut")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", SYMMETRIC)
def test_a_symmetric_part_lies_on_its_surface(templates: dict[str, Template], name: str, seed: int) -> None:
    """Which of the equal poses is found does not matter."""
    template = templates[name]
    points = template.sample(4_000, seed + 10)[0]
    found, truth = find(template, points, seed)
    assert template.off_surface(found.apply(truth.invert(points))).mean() < 0.004


@pytest.mark.parametrize(("name", "defect"), [("bracket", "bend"), ("bracket", "broken"), ("cup", "bend")])
def test_a_damaged_part_is_held_by_what_is_whole(templates: dict[str, Template], name: str, defect: str) -> None:
    template = templates[name]
    points, normals = template.sample(4_000, 10)
    diagonal = float(np.linalg.norm(np.ptp(points, axis=0)))
    made = DEFECTS[defect](points / diagonal, normals, np.random.default_rng(3))
    found, truth = find(template, made.points * diagonal, 0)
    whole = made.points[~made.labels] * diagonal
    assert made.labels.any()
    assert error(found, truth, whole) < 0.02


def test_a_part_with_many_flying_points_is_found(templates: dict[str, Template]) -> None:
    template = templates["bracket"]
    points = template.sample(4_000, 10)[0]
    dirt = np.random.default_rng(0).uniform(-1, 1, size=(400, 3))
    found, truth = find(template, np.concatenate([points, dirt]), 0)
    assert error(found, truth, points) < 0.01


def test_the_residual_is_small_where_the_part_fits_and_large_where_it_does_not(templates: dict[str, Template]) -> None:
    scan = thrown(templates["bracket"].sample(4_000, 10)[0], 0)[0]
    own, other = (align(scan, templates[name].surface, np.random.default_rng(0))[1] for name in ("bracket", "gear"))
    assert other > 2 * own


def test_the_same_generator_gives_the_same_pose(templates: dict[str, Template]) -> None:
    points = templates["bracket"].sample(2_000, 10)[0]
    one, again = (find(templates["bracket"], points, 0)[0] for _ in range(2))
    assert np.array_equal(one.rotation, again.rotation)
    assert np.array_equal(one.translation, again.translation)


def test_a_found_rotation_mirrors_nothing(templates: dict[str, Template]) -> None:
    found = find(templates["cup"], templates["cup"].sample(2_000, 10)[0], 0)[0]
    assert np.linalg.det(found.rotation) == pytest.approx(1)
    assert found.rotation @ found.rotation.T == pytest.approx(np.eye(3), abs=1e-9)


def test_a_pose_and_its_inverse_lead_back() -> None:
    rng = np.random.default_rng(0)
    pose, points = Pose(random_rotation(rng), rng.normal(size=3)), rng.normal(size=(50, 3))
    assert pose.invert(pose.apply(points)) == pytest.approx(points)


def test_there_are_24_rotations_of_a_cube() -> None:
    found = cube_rotations()
    assert len({tuple(np.round(one).astype(int).ravel()) for one in found}) == 24
    assert np.linalg.det(found) == pytest.approx(1)


def test_principal_axes_are_right_handed_and_ordered() -> None:
    points = np.random.default_rng(0).normal(size=(5_000, 3)) * (1, 3, 2)
    axes = principal_axes(points)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert np.abs(axes) == pytest.approx(np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]]), abs=0.1)


def test_a_rotation_vector_turns_about_itself_by_its_length() -> None:
    turn = rotation_from_vector(np.array([[0, 0, np.pi / 2]]))[0]
    assert turn @ [1, 0, 0] == pytest.approx([0, 1, 0])
    assert rotation_from_vector(np.zeros((1, 3)))[0] == pytest.approx(np.eye(3))


def test_random_rotations_are_uniform() -> None:
    rng = np.random.default_rng(0)
    turned = np.array([random_rotation(rng) @ [1.0, 0, 0] for _ in range(3_000)])
    assert np.abs(turned.mean(axis=0)).max() < 0.05
    assert turned.T @ turned / 3_000 == pytest.approx(np.eye(3) / 3, abs=0.03)
