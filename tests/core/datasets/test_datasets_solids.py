"""Solids: what is drawn lies on the surface, evenly, with normals that point outwards."""

import numpy as np
import pytest

from sedir_core.datasets.mesh_solid import MeshSolid, Superquadric, outward
from sedir_core.datasets.outlines import Outline, circle, gear_outline, rectangle, rounded
from sedir_core.datasets.primitives import Extrusion, Revolution, box, capsule, cone, cylinder, sphere, torus
from sedir_core.datasets.solids import Solid, random_rotation, rotation, unit
from sedir_core.datasets.sweeps import Sweep, arc_path

SOLIDS: dict[str, Solid] = {
    "box": box(1, 0.6, 0.3),
    "rounded box": box(1, 0.6, 0.3, 0.1),
    "sphere": sphere(0.5),
    "capsule": capsule(0.2, 1),
    "cylinder": cylinder(0.3, 1),
    "cone": cone(0.5, 0.1, 1),
    "torus": torus(0.5, 0.2),
    "gear": Extrusion(Outline.of(gear_outline(16, 0.06), circle(0.2)), 0.2),
    "pipe": Sweep(Outline.of(circle(0.2), circle(0.14)), arc_path(0.8, 90)),
    "tapered bar": Sweep(rectangle(0.3, 0.1), arc_path(0.8, 120), np.linspace(1, 0.5, 25)),
    "union": sphere(0.5) | box(1.5, 0.2, 0.2) | cylinder(0.1, 1.5),
    "difference": box(1, 1, 0.5) - cylinder(0.2, 1) - sphere(0.3).moved((0.5, 0.5, 0.3)),
    "intersection": sphere(0.5) & box(0.8, 0.8, 0.8),
    "moved": torus(0.5, 0.2).moved((1, 2, 3), rotation(40, (1, 1, 0)), 0.7),
}


@pytest.fixture(params=sorted(SOLIDS), ids=lambda name: name.replace(" ", "_"))
def solid(request: pytest.FixtureRequest) -> Solid:
    return SOLIDS[request.param]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def tetrahedron() -> MeshSolid:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float64)
    return MeshSolid(vertices, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))


def test_as_many_points_as_asked(solid: Solid) -> None:
    points, normals = solid.sample(1234, rng())
    assert points.shape == normals.shape == (1234, 3)


def test_points_lie_on_the_surface(solid: Solid) -> None:
    points, _ = solid.sample(1000, rng())
    assert np.abs(solid.distance(points)).max() < 1e-3  # a swept arc is a polygon


def test_normals_are_unit(solid: Solid) -> None:
    _, normals = solid.sample(1000, rng())
    assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 1e-9


def test_normals_point_outwards(solid: Solid) -> None:
    points, normals = solid.sample(1000, rng())
    assert (solid.distance(points + 2e-3 * normals) > 0).mean() > 0.99
    assert (solid.distance(points - 2e-3 * normals) < 0).mean() > 0.99


def test_contains_agrees_with_the_sign_of_the_distance(solid: Solid) -> None:
    low, high = solid.bounds
    points = rng().uniform(low - 0.1, high + 0.1, (2000, 3))
    assert (solid.contains(points) == (solid.distance(points) < 0)).mean() > 0.999


def test_bounds_hold_every_point(solid: Solid) -> None:
    points, _ = solid.sample(2000, rng())
    assert (points >= solid.bounds[0] - 1e-9).all() and (points <= solid.bounds[1] + 1e-9).all()


def test_the_same_seed_draws_the_same_points(solid: Solid) -> None:
    np.testing.assert_array_equal(solid.sample(500, rng(7))[0], solid.sample(500, rng(7))[0])


@pytest.mark.parametrize(
    ("body", "area"),
    [
        (sphere(1), 4 * np.pi),
        (cylinder(1, 2), 6 * np.pi),
        (box(1, 2, 3), 22.0),
        (capsule(1, 4), 8 * np.pi),
        (torus(2, 0.5), 4 * np.pi**2),
        (Sweep(circle(0.5), arc_path(2, 90)), 2 * np.pi * 0.5 * np.pi + 2 * np.pi * 0.25),
    ],
)
def test_area_is_the_textbook_value(body: Solid, area: float) -> None:
    assert body.area == pytest.approx(area, rel=5e-3)


def test_a_cone_is_sampled_evenly_by_area() -> None:
    points, normals = cone(1.0, 0.0, 1.0).sample(40_000, rng())
    mantle = points[normals[:, 2] > 0]
    assert (mantle[:, 2] > 0).mean() == pytest.approx(0.25, abs=0.01)  # the upper half has a quarter of the mantle


def test_the_outside_of_a_bend_gets_more_points() -> None:
    bend = Sweep(circle(0.5), arc_path(2.0, 90))
    points, _ = bend.sample(40_000, rng())
    outer = np.hypot(points[:, 0] - 2.0, points[:, 2]) > 2.0
    mantle, caps = np.pi**2, np.pi / 2
    expected = ((0.5 + 0.25 / np.pi) * mantle + 0.5 * caps) / (mantle + caps)
    assert outer.mean() == pytest.approx(expected, abs=0.008)


def test_combining_keeps_the_density_even() -> None:
    # a slab with a hole: top, bottom and bore in the ratio of their areas
    points, normals = (box(2, 2, 1) - cylinder(0.5, 3)).sample(40_000, rng())
    bore = (np.hypot(points[:, 0], points[:, 1]) < 0.501).mean()
    top = (normals[:, 2] > 0.9).mean()
    assert bore / top == pytest.approx(np.pi / (4 - np.pi / 4), rel=0.05)


def test_nothing_is_left_inside_a_union() -> None:
    points, _ = (sphere(1) | sphere(1).moved((1, 0, 0))).sample(5000, rng())
    assert min(np.linalg.norm(points, axis=1).min(), np.linalg.norm(points - (1, 0, 0), axis=1).min()) > 1 - 1e-9


def test_a_bore_faces_its_axis() -> None:
    points, normals = (box(2, 2, 1) - cylinder(0.5, 3)).sample(5000, rng())
    wall = np.abs(normals[:, 2]) < 0.5
    wall &= np.hypot(points[:, 0], points[:, 1]) < 0.501
    assert ((points * normals)[wall, :2].sum(axis=1) < 0).all()


def test_a_body_cut_away_entirely_is_refused() -> None:
    with pytest.raises(ValueError, match="surface"):
        (sphere(1) - sphere(2)).sample(10, rng())


def test_a_profile_across_the_axis_is_refused() -> None:
    with pytest.raises(ValueError, match="axis"):
        Revolution(circle(1.0))


def test_unit_gives_a_unit_diagonal_about_the_origin() -> None:
    low, high = unit(box(3, 4, 12).moved((5, 5, 5))).bounds
    assert np.linalg.norm(high - low) == pytest.approx(1.0)
    np.testing.assert_allclose(low + high, 0, atol=1e-12)


def test_holes_are_outside_an_outline() -> None:
    ring = Outline.of(circle(1.0), circle(0.5))
    assert ring.contains(np.array([[0.75, 0.0], [0.0, 0.0], [1.5, 0.0]])).tolist() == [True, False, False]
    assert ring.distance(np.array([[0.0, 0.0]]))[0] == pytest.approx(0.5, abs=2e-3)


def test_rounding_a_square_takes_its_corners() -> None:
    area = Outline.of(rounded(rectangle(2, 2), 0.5)).area
    assert area == pytest.approx(4 - (4 - np.pi) * 0.25, abs=6e-3)


def test_a_random_rotation_is_a_rotation() -> None:
    turn = random_rotation(rng())
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)


def test_mesh_faces_are_drawn_by_area() -> None:
    points, _ = tetrahedron().sample(20_000, rng())
    slanted = (np.abs(points.sum(axis=1) - 1) < 1e-9).mean()
    assert slanted == pytest.approx(np.sqrt(3) / (3 + np.sqrt(3)), abs=0.015)


def test_mesh_creases_stay_sharp() -> None:
    points, normals = tetrahedron().sample(1000, rng())
    floor = points[:, 2] < 1e-12
    np.testing.assert_allclose(normals[floor], np.tile([0, 0, -1], (floor.sum(), 1)), atol=1e-12)


def test_mesh_distance_is_signed() -> None:
    inside, outside = tetrahedron().distance(np.array([[0.1, 0.1, 0.1], [0, 0, -1]]))
    assert inside == pytest.approx(-0.1, abs=1e-6) and outside == pytest.approx(1.0, abs=1e-6)


def test_a_mesh_that_is_inside_out_is_turned() -> None:
    mesh = tetrahedron()
    np.testing.assert_array_equal(outward(mesh.vertices, mesh.faces), mesh.faces)
    np.testing.assert_array_equal(outward(mesh.vertices, mesh.faces[:, ::-1]), mesh.faces)


def test_a_mesh_without_area_is_refused() -> None:
    with pytest.raises(ValueError, match="area"):
        MeshSolid(np.zeros((3, 3)), np.array([[0, 1, 2]]))


def test_a_superquadric_of_exponent_one_is_an_ellipsoid() -> None:
    points, _ = Superquadric(1.0, 0.5, 0.7).sample(2000, rng())
    assert np.abs(np.linalg.norm(points / (1.0, 0.5, 0.7), axis=1) - 1).max() < 5e-3
