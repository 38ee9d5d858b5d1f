"""A triangle mesh as a solid, and a superquadric implemented as one."""

from __future__ import annotations

import numpy as np

from sedir_core.datasets.solids import Primitive, Surface
from sedir_core.types import DoubleArray, IntArray

_SMOOTH = float(np.cos(np.radians(50.0)))


class MeshSolid(Primitive):
    """Triangles sampled by area. Normals are smooth over the vertices and sharp over creases.

    vertices: (v, 3) float64; faces: (f, 3) int64, wound so that normals point outwards.
    Raises ValueError if no face has an area.
    """

    def __init__(self, vertices: DoubleArray, faces: IntArray) -> None:
        whole, index = np.unique(vertices, axis=0, return_inverse=True)  # STL repeats vertices for every face
        faces = index.reshape(-1)[faces]
        corners = whole[faces]
        raw = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas = np.linalg.norm(raw, axis=1) / 2
        solid = areas > 0
        if not solid.any() or not np.isfinite(areas.sum()):
            raise ValueError("the mesh has no face with an area")
        self.vertices, self.faces = whole, faces[solid]
        self._corners, self._areas = corners[solid], areas[solid]
        self.area = float(self._areas.sum())
        self.bounds = np.stack([self._corners.min(axis=(0, 1)), self._corners.max(axis=(0, 1))])
        self._normals = _corner_normals(self.faces, len(whole), raw[solid])

    def draw(self, n: int, rng: np.random.Generator) -> Surface:
        face = rng.choice(len(self._areas), n, p=self._areas / self.area)
        u, v = rng.random((2, n, 1))
        root = np.sqrt(u)
        weights = np.stack([1 - root, root * (1 - v), root * v], axis=1)  # (n, 3, 1), uniform over a triangle
        points = (weights * self._corners[face]).sum(axis=1)
        normals = (weights * self._normals[face]).sum(axis=1)
        return points, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)

    def distance(self, points: DoubleArray) -> DoubleArray:
        import open3d as o3d

        middle = self.bounds.mean(axis=0)  # the scene is float32
        scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        vertices = o3d.core.Tensor.from_numpy((self.vertices - middle).astype(np.float32))
        scene.add_triangles(vertices, o3d.core.Tensor.from_numpy(self.faces.astype(np.uint32)))
        queries = o3d.core.Tensor.from_numpy((points - middle).astype(np.float32))
        return np.asarray(scene.compute_signed_distance(queries).numpy(), dtype=np.float64)


class Superquadric(MeshSolid):
    """Superquadric with semi-axes a, b, c and two exponents: 0.2 is nearly a box, 1 an ellipsoid, 2 an octahedron."""

    def __init__(self, a: float, b: float, c: float, vertical: float = 1.0, horizontal: float = 1.0) -> None:
        self.axes, self.vertical, self.horizontal = np.array([a, b, c]), vertical, horizontal
        rows, columns = 41, 80
        v = np.linspace(-np.pi / 2, np.pi / 2, rows)[:, None]
        u = np.linspace(-np.pi, np.pi, columns, endpoint=False)[None]
        ring = _power(np.cos(v), vertical)
        grid = np.stack(
            [
                a * ring * _power(np.cos(u), horizontal),
                b * ring * _power(np.sin(u), horizontal),
                c * _power(np.sin(v), vertical) * np.ones_like(u),
            ],
            axis=2,
        )
        super().__init__(grid.reshape(-1, 3), _grid_faces(rows, columns))

    def distance(self, points: DoubleArray) -> DoubleArray:
        x, y, z = (np.abs(points) / self.axes).T
        flat = (x ** (2 / self.horizontal) + y ** (2 / self.horizontal)) ** (self.horizontal / self.vertical)
        level = np.maximum(flat + z ** (2 / self.vertical), 1e-12)
        return np.asarray(np.linalg.norm(points, axis=1) * (1 - level ** (-self.vertical / 2)))


def outward(vertices: DoubleArray, faces: IntArray) -> IntArray:
    """The (f, 3) faces, flipped if they enclose a negative volume: scanners and CAD disagree on the orientation."""
    a, b, c = ((vertices - vertices.mean(axis=0))[faces[:, corner]] for corner in range(3))
    return faces if (a * np.cross(b, c)).sum() >= 0 else np.ascontiguousarray(faces[:, ::-1])


def _corner_normals(faces: IntArray, n_vertices: int, raw: DoubleArray) -> DoubleArray:
    """(f, 3, 3): the vertex normals, or the face's own at creases."""
    summed = np.zeros((n_vertices, 3))
    for corner in range(3):
        np.add.at(summed, faces[:, corner], raw)
    summed /= np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-300)
    own = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    shared = summed[faces]
    smooth = (shared * own[:, None]).sum(axis=2, keepdims=True) > _SMOOTH
    return np.where(smooth, shared, own[:, None])


def _grid_faces(rows: int, columns: int) -> IntArray:
    row, column = (axis.ravel() for axis in np.mgrid[: rows - 1, :columns])
    right = (column + 1) % columns
    a, b = row * columns + column, row * columns + right
    c, d = a + columns, b + columns
    return np.concatenate([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)]).astype(np.int64)


def _power(base: DoubleArray, exponent: float) -> DoubleArray:
    return np.asarray(np.sign(base) * np.abs(base) ** exponent)
