"""Fast point feature histograms: pose-invariant descriptors of the surface around a point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sedir_core.types import DoubleArray, FloatArray, IntArray

WIDTH = 33
# The published code looks within 1.0 and 2.5 mm, but no farther than these many neighbours. Scanned as densely as
# Real3D-AD's parts, the numbers bind and never the radii, and numbers mean the same in every unit.
NORMAL_NEIGHBOURS, FEATURE_NEIGHBOURS = 30, 100
LARGEST_SHARE = 210.0  # a point's own histogram and its neighbours' sum to 100 per cent each, up to rounding


def fpfh(points: DoubleArray, wanted: IntArray) -> FloatArray:
    """(m, 33) histograms of the angles between a point's normal and its neighbours'.

    points: (n, 3), in any unit but near the origin. wanted: (m,) indices. Normals have any sign,
    as in the published detectors. Source: Rusu et al. 2009, as Open3D computes it.
    """
    return _histograms(points, None, (FEATURE_NEIGHBOURS,), wanted)


def fpfh_of_sizes(points: DoubleArray, normals: DoubleArray | None, sizes: Sequence[int]) -> FloatArray:
    """(n, 33 per size) histograms over several numbers of neighbours, side by side.

    points: (n, 3), near the origin. normals: (n, 3) of unit length; None estimates them, with any sign.
    """
    return _histograms(points, normals, sizes, np.arange(len(points)))


def _histograms(points: DoubleArray, normals: DoubleArray | None, sizes: Sequence[int], wanted: IntArray) -> FloatArray:
    import open3d as o3d

    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    if normals is None:
        cloud.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(NORMAL_NEIGHBOURS))
    else:
        cloud.normals = o3d.utility.Vector3dVector(normals)
    found = []
    for size in sizes:
        around = o3d.geometry.KDTreeSearchParamKNN(size)
        found.append(o3d.pipelines.registration.compute_fpfh_feature(cloud, around, wanted.tolist()).data)
    values = np.concatenate(found).T
    # Coincident points have no angles: the result there is NaN or arbitrary.
    return np.asarray(np.where((values >= 0) & (values <= LARGEST_SHARE), values, 0.0), np.float32)
