"""Multi-scale descriptors: Simple3D's histograms, and curvature."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from sedir_core.geometry.fpfh import fpfh_of_sizes
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.surface import local_frames, normals_and_curvature
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray, FloatArray

HISTOGRAM_SIZES = (40, 80, 120)  # neighbours, about as Simple3D takes them [P]
AVERAGED_OVER = 128  # neighbours, some as many as Simple3D [P]
CURVATURE_SIZES = (16, 32, 64, 128)  # neighbours [O]
NORMAL_NEIGHBOURS = 30
CURVATURE_WEIGHT = 10.0  # [R]


def wide_histograms(points: DoubleArray, normals: DoubleArray | None = None) -> FloatArray:
    """(n, 99) histograms of three sizes, averaged over neighbourhoods.

    points: (n, 3), near the origin. normals: (n, 3) of unit length; None estimates them, with any sign.
    """
    return averaged(fpfh_of_sizes(points, normals, HISTOGRAM_SIZES), points, AVERAGED_OVER)


def curvatures(points: DoubleArray, normals: DoubleArray) -> FloatArray:
    """(n, 8) surface variation (0 to 1/3) and height of the neighbours' mean along the normal, for four sizes.

    The height is in radii of the neighbourhood, positive in a hollow; both are scaled to about unit spread.
    """
    distances, around = PointTree(points).nearest_k(points, max(CURVATURE_SIZES))
    columns = []
    for size in CURVATURE_SIZES:
        few = around[:, :size]
        values = local_frames(points, few)[0]
        variation = np.maximum(values[:, 0], 0) / np.maximum(values.sum(axis=1), 1e-300)
        offset = np.einsum("ij,ij->i", points[few].mean(axis=1) - points, normals)
        height = offset / np.maximum(distances[:, few.shape[1] - 1], 1e-12)
        columns += [np.sqrt(variation), 2 * height]
    return np.stack(columns, axis=1).astype(np.float32)


def geometry_change(points: DoubleArray, k: int = 30) -> DoubleArray:
    """(n,) rate of change of the surface around each point (n, 3): MC3D-AD's measure, over k neighbours.

    The mean angle between normals, in radians and regardless of sign, plus ten times the mean change of curvature.
    """
    around = PointTree(points).nearest_k(points, k)[1]
    values, vectors = local_frames(points, around)
    normals = vectors[:, :, 0]
    curvature = np.maximum(values[:, 0], 0) / np.maximum(values.sum(axis=1), 1e-300)
    cosines = np.abs(np.einsum("nki,ni->nk", normals[around], normals))
    angles = np.arccos(np.clip(cosines, 0, 1)).mean(axis=1)
    return np.asarray(angles + CURVATURE_WEIGHT * np.abs(curvature[around] - curvature[:, None]).mean(axis=1))


def averaged(features: FloatArray, points: DoubleArray, k: int) -> FloatArray:
    """(n, d) the mean of the features (n, d) of each point's k nearest points (n, 3)."""
    around = PointTree(points).nearest_k(points, k)[1]
    n, k = around.shape
    weights = csr_matrix((np.full(n * k, 1 / k, np.float32), around.ravel(), np.arange(0, n * k + 1, k)), (n, n))
    return np.asarray(weights @ features, dtype=np.float32)


def oriented_normals(points: DoubleArray, surface: Surface) -> DoubleArray:
    """Unit normals (n, 3) of aligned points, on the side of the surface's own."""
    normals = normals_and_curvature(points, NORMAL_NEIGHBOURS)[0]
    nearest = surface.tree.nearest(points)[1]
    against = np.einsum("ij,ij->i", normals, surface.normals[nearest]) < 0
    return np.where(against[:, None], -normals, normals)
