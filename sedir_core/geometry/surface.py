"""Surface properties estimated from a cloud: normals, curvature, and their rate of change."""

from __future__ import annotations

import numpy as np

from sedir_core.geometry.scan_numbers import SURFACE
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray, IntArray


def local_frames(points: DoubleArray, neighbours: IntArray) -> tuple[DoubleArray, DoubleArray]:
    """Eigenvalues (m, 3), ascending, and eigenvectors (m, 3, 3), as columns, of neighbourhood covariances.

    points: (n, 3). neighbours: (m, k) indices into them.
    """
    groups = np.take(points, neighbours, axis=0)
    groups -= np.einsum("mki->mi", groups)[:, None] / neighbours.shape[1]
    covariance = groups.transpose(0, 2, 1) @ groups / neighbours.shape[1]
    values, vectors = np.linalg.eigh(covariance)
    return values, vectors


def tangents(normals: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Two unit vectors (n, 3) each, orthogonal to unit normals (n, 3) and to each other."""
    aside = np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(normals, aside)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12)
    return first, np.cross(normals, first)


def normals_and_curvature(points: DoubleArray, k: int = SURFACE.normal_neighbours) -> tuple[DoubleArray, DoubleArray]:
    """Unit normals (n, 3) of arbitrary sign, and surface variation (n,): 0 is flat, 1/3 fully scattered.

    points: (n, 3). Source: Pauly et al. 2002; the paper's equation 15.
    """
    return normals_and_curvature_of(PointTree(points), k)


def normals_and_curvature_of(cloud: PointTree, k: int = SURFACE.normal_neighbours) -> tuple[DoubleArray, DoubleArray]:
    """The same of a cloud (n, 3) that is searched for more than that."""
    values, vectors = local_frames(cloud.points, cloud.around(k))
    return vectors[:, :, 0], values[:, 0] / np.maximum(values.sum(axis=1), 1e-300)


def smooth_onto_plane(
    points: DoubleArray, wanted: IntArray, k: int, facing: DoubleArray | None = None
) -> tuple[DoubleArray, DoubleArray]:
    """The wanted points moved along the normal onto the plane of their k neighbours, and those normals, both (m, 3).

    points: (n, 3). wanted: (m,) indices into them. facing: (n, 3) outward normals, the shorter the less sure; with them
    the two faces of a thin wall stay apart. Takes most of the sensor's noise out of a merged cloud (a moving least
    squares step of order one).
    """
    moved = points[wanted]
    neighbours = PointTree(points).nearest_k(moved, k)[1]
    other = np.zeros(neighbours.shape, bool)
    if facing is not None:
        other = np.einsum("mki,mi->mk", np.take(facing, neighbours, axis=0), facing[wanted]) < SURFACE.opposite
        other[other.sum(axis=1) > neighbours.shape[1] - SURFACE.least_alike] = False
        neighbours = np.where(other, wanted[:, None], neighbours)  # the point itself adds nothing to its plane
    normals = local_frames(points, neighbours)[1][:, :, 0]
    means = np.einsum("mki->mi", np.take(points, neighbours, axis=0) - moved[:, None]) / (~other).sum(axis=1)[:, None]
    return moved + np.einsum("ij,ij->i", means, normals)[:, None] * normals, normals


def local_variation(points: DoubleArray, centres: IntArray, k: int = SURFACE.normal_neighbours) -> DoubleArray:
    """Rate of change of the surface around each centre: (N, 2) mean angle of normals, mean change of curvature.

    points: (n, 3), the dense cloud. centres: (N,) indices. Neighbours are the points within 7 times the
    mean spacing, at most 64 of them; angles ignore the normals' sign. Source: the paper's equations 16-18.
    """
    tree = PointTree(points)
    probes = points[:: max(1, len(points) // 1_000)]
    radius = 7 * float(tree.nearest_k(probes, 2)[0][:, 1].mean())
    around = tree.nearest_k(points[centres], 64, within=radius)[1]
    inside = around < len(points)
    around = np.where(inside, around, centres[:, None])
    used, places = np.unique(around, return_inverse=True)
    values, vectors = local_frames(points, tree.nearest_k(points[used], k)[1])
    normals, curvature = vectors[:, :, 0], values[:, 0] / np.maximum(values.sum(axis=1), 1e-300)
    places = places.reshape(around.shape)
    own = np.searchsorted(used, centres)
    cosines = np.abs(np.einsum("nki,ni->nk", normals[places], normals[own]))
    angles = np.arccos(np.clip(cosines, 0, 1))
    changes = np.abs(curvature[places] - curvature[own][:, None])
    count = np.maximum(inside.sum(axis=1) - 1, 1)[:, None]
    return np.asarray(np.stack([(angles * inside).sum(axis=1), (changes * inside).sum(axis=1)], axis=1) / count)
