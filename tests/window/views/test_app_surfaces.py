"""Points that look like surfaces: closed where the scan is dense, open where it is torn, lit from the right side."""

from __future__ import annotations

import numpy as np
import pytest
from app_helpers import WAIT_MS, dented_sphere, open_and_wait

from app.state.shapes import Shape
from app.views.facing import front_of, side_of
from app.views.preparing import COARSE, join, prepare, prepare_surface
from sedir_core.drawing.joining import MOST_JOINED
from sedir_core.drawing.meshing import NEIGHBOURS, triangulate
from sedir_core.drawing.outward import oriented_normals
from sedir_core.geometry.tree import PointTree
from sedir_core.types import Defect, Detection


def sphere(n: int = 6000, noise: float = 0.0) -> np.ndarray:
    points = dented_sphere(n, 0.0).points
    return points + noise * np.random.default_rng(0).normal(size=points.shape)


def wall(thickness: float, n: int = 4000) -> np.ndarray:
    """A plate of 40 by 40 with its rim, at random places: on its large sides points lie 0.9 apart."""
    rng = np.random.default_rng(1)
    flat = rng.uniform(-20, 20, size=(n, 2))
    sides = np.column_stack([flat, np.where(np.arange(n) % 2, thickness / 2, -thickness / 2)])
    m = int(n * 4 * thickness / 80)
    along, up, edge = (
        rng.uniform(-20, 20, m),
        rng.uniform(-thickness / 2, thickness / 2, m),
        rng.choice((-20.0, 20.0), m),
    )
    across = np.arange(m) % 2 == 0
    rim = np.column_stack([np.where(across, along, edge), np.where(across, edge, along), up])
    return np.concatenate([sides, rim])


def open_edges(triangles: np.ndarray) -> int:
    edges = np.sort(np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)]), axis=1)
    return int((np.unique(edges, axis=0, return_counts=True)[1] == 1).sum())


@pytest.fixture(scope="module")
def ball() -> Shape:
    return join(prepare(sphere(6000, noise=0.02)))


def test_a_noisy_sphere_of_points_is_closed(ball):
    assert open_edges(ball.triangles) == 0
    assert len(ball.triangles) == pytest.approx(2 * len(ball), rel=0.03)  # Euler: two triangles for each point
    assert not len(ball.alone)


def test_triangles_and_normals_look_outward(ball):
    outward = ball.points / np.linalg.norm(ball.points, axis=1, keepdims=True)
    assert np.einsum("ij,ij->i", ball.normals, outward).min() > 0.9
    a, b, c = (ball.level[ball.triangles[:, corner]] for corner in range(3))
    right = np.einsum("ij,ij->i", np.cross(b - a, c - a), a) > 0
    assert right.mean() > 0.98


def test_the_surface_lies_closer_to_the_truth_than_the_points(ball):
    before = np.abs(np.linalg.norm(ball.points + ball.origin, axis=1) - 10).mean()
    after = np.abs(np.linalg.norm(ball.level + ball.origin, axis=1) - 10).mean()
    assert after < 0.6 * before


def test_a_torn_surface_stays_torn():
    points = sphere(6000)
    torn = join(prepare(points[np.abs(points[:, 2]) > 0.8]))
    assert open_edges(torn.triangles) > 100
    sides = np.sign(torn.points[torn.triangles][:, :, 2])
    assert (np.abs(sides.sum(axis=1)) == 3).all()  # nothing spans the gap


def test_the_two_sides_of_a_thin_wall_are_lit_apart():
    points = wall(thickness=1.8)
    neighbours = PointTree(points).nearest_k(points, NEIGHBOURS + 1)[1]
    normals = oriented_normals(points, neighbours)
    inner = (np.abs(points[:, :2]) < 17).all(axis=1)
    assert (normals[inner, 2] * points[inner, 2] > 0).mean() > 0.98


def test_no_triangle_joins_the_two_sides_of_a_thin_wall():
    points = wall(thickness=1.8)
    distances, neighbours = PointTree(points).nearest_k(points, NEIGHBOURS + 1)
    triangles = triangulate(points.astype(np.float32), oriented_normals(points, neighbours), distances, neighbours)
    inner = (np.abs(points[triangles][:, :, :2]) < 17).all(axis=(1, 2))
    assert (np.abs(np.sign(points[triangles[inner]][:, :, 2]).sum(axis=1)) == 3).mean() > 0.99


def shell(thickness: float, n: int = 16_000) -> np.ndarray:
    """The two sides of the wall of a hollow ball of radius 20, with noise: points lie about 0.8 apart on each."""
    rng = np.random.default_rng(3)
    ways = rng.normal(size=(n, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    radius = np.where(np.arange(n) % 2, 20.0, 20.0 - thickness) + 0.08 * rng.normal(size=n)
    return radius[:, None] * ways


def test_the_two_sides_of_a_hollow_wall_are_closed_each_by_itself():
    shape = join(prepare(shell(thickness=1.6)))
    outer = np.linalg.norm(shape.points + shape.origin, axis=1) > 19.2
    sides = outer[shape.triangles].sum(axis=1)
    assert ((sides == 0) | (sides == 3)).mean() > 0.99
    assert open_edges(shape.triangles) < 20


def test_a_surface_has_no_spikes():
    shape = join(prepare(shell(thickness=1.6)))
    a, b, c = (shape.level[shape.triangles[:, corner]].astype(float) for corner in range(3))
    across = np.cross(b - a, c - a)
    middle = (a + b + c) / 3 + shape.origin
    lean = np.abs(np.einsum("ij,ij->i", across, middle))
    lean /= np.linalg.norm(across, axis=1) * np.linalg.norm(middle, axis=1)
    assert (lean > 0.6).mean() > 0.99


def test_what_noise_is_left_goes_and_the_shape_stays():
    points = sphere(6000, noise=0.1)
    shape = join(prepare(points))
    radius = np.linalg.norm(shape.level + shape.origin, axis=1)
    assert np.std(radius) < 0.32 * 0.1
    assert np.mean(radius) == pytest.approx(10.0, abs=0.02)


def test_strays_stay_points_and_the_rest_does_not():
    far = np.array([[25.0, 0, 0], [0, 25.0, 0]])
    shape = join(prepare(np.concatenate([sphere(4000), far])))
    assert set(shape.rows[shape.alone].tolist()) == {4000, 4001}


def test_large_scans_keep_their_points_and_get_a_light_surface():
    shape = join(prepare(sphere(MOST_JOINED + 1000)))
    assert not len(shape.triangles)
    assert 0 < int(shape.coarse.max()) < COARSE
    assert open_edges(shape.coarse) == 0


@pytest.mark.parametrize("n", [0, 1, 3, 50])
def test_few_points_are_no_surface(n):
    shape = join(prepare(sphere(6000)[:n]))
    assert shape.joined and not len(shape.triangles)


def test_points_that_are_all_the_same_are_no_trouble():
    assert join(prepare(np.ones((500, 3)))).joined


def test_patches_that_overlap_become_one_sheet():
    rng = np.random.default_rng(2)
    centres = sphere(300)
    patches = (centres[:, None] + 0.6 * rng.normal(size=(300, 40, 3))).reshape(-1, 3)
    patches *= (10 + 0.15 * rng.normal(size=len(patches)))[:, None] / np.linalg.norm(patches, axis=1, keepdims=True)
    sheet = prepare_surface(patches, prepare(sphere(4000)))
    assert len(sheet) < len(patches)
    off = np.abs(np.linalg.norm(sheet.points + sheet.origin, axis=1) - 10)
    assert off.mean() < 0.08


def test_the_scan_on_show_becomes_a_surface_and_the_camera_stays(qtbot, window, dented_file):
    open_and_wait(qtbot, window, dented_file)
    pose = window.page.clouds.pose
    qtbot.waitUntil(lambda: window.session.current_entry.shape.joined, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: window.session.current_entry.surface.joined, timeout=WAIT_MS)
    left, right = window.page.clouds.views
    assert left._drawn.has_surface and right._drawn.has_surface
    assert window.page.clouds.pose == pose


def test_only_scans_that_are_looked_at_are_joined(qtbot, window, dented_file, good_file):
    first, second = open_and_wait(qtbot, window, dented_file, good_file)
    qtbot.waitUntil(lambda: window.session.current_entry.shape.joined, timeout=WAIT_MS)
    other = second if window.session.current == first.id else first
    assert not window.session.get(other.id).shape.joined


def ball_with_defect(direction: np.ndarray) -> tuple[Shape, Detection]:
    points = sphere(4000)
    members = np.flatnonzero(points @ direction > 9.5)
    scores = np.zeros(len(points), np.float32)
    scores[members] = 2.0
    defect = Defect(points[members].mean(axis=0), np.ptp(points[members], axis=0), 2.0, 1.0, members)
    found = Detection(scores, 2.0, 1.0, 1.0, "ball", 1.0, False, "", points, np.ones(1, np.float32), (defect,))
    return prepare(points), found


@pytest.mark.parametrize("direction", [(-1.0, 0.2, 0.1), (0.0, 1.0, 0.0), (0.1, 0.1, 1.0), (-0.5, 0.5, -0.6)])
def test_the_first_view_looks_at_a_defect_on_any_side(direction):
    wanted = np.array(direction) / np.linalg.norm(direction)
    front = front_of(*ball_with_defect(wanted))
    assert front is not None and np.dot(front, wanted) > 0.6


def test_the_first_view_stays_as_usual_where_the_defect_is_seen_anyway():
    usual = np.array((0.8, -1.0, 0.55))
    assert front_of(*ball_with_defect(usual / np.linalg.norm(usual))) is None


def disc_with_dent() -> tuple[Shape, Defect]:
    """A flat disc of radius 20 with a defect on its upper face, far from the middle."""
    rng = np.random.default_rng(4)
    radius, turn = 20 * np.sqrt(rng.uniform(size=6000)), rng.uniform(0, 2 * np.pi, 6000)
    points = np.stack([radius * np.cos(turn), radius * np.sin(turn), np.where(np.arange(6000) % 2, 2.0, -2.0)], axis=1)
    members = np.flatnonzero((np.linalg.norm(points - (14.0, 0.0, 2.0), axis=1) < 4) & (points[:, 2] > 0))
    axes = np.eye(3)
    return prepare(points), Defect(points[members].mean(axis=0), np.ones(3), 2.0, 1.0, members, axes=axes)


def test_a_defect_on_the_face_of_a_disc_is_looked_at_from_above_it():
    shape, defect = disc_with_dent()
    way = side_of(shape, defect, defect.centroid - shape.origin)
    assert way[2] / np.linalg.norm(way) > 0.4


def test_a_defect_that_is_seen_from_outward_is_looked_at_from_there():
    direction = np.array([0.0, 1.0, 0.0])
    shape, found = ball_with_defect(direction)
    outward = found.defects[0].centroid - shape.origin
    assert side_of(shape, found.defects[0], outward) is outward
