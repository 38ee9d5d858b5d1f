"""Which points of a section get a needle that shows their deviation magnified, and its direction. Plain geometry."""

from __future__ import annotations

import numpy as np

from app.views.section import CrossSection
from sedir_core.types import DoubleArray, FloatArray, IntArray

MOST = 200
LEAST_SHARE = 0.5
"""Share of the band below which a deviation is noise, whose direction says nothing."""


def needles(section: CrossSection, values: FloatArray, band: float) -> tuple[IntArray, DoubleArray]:
    """Indices (m,) of points of the outline, and unit vectors (m, 2) from the expected surface to them.

    values: (k,) deviations of the outline. band: the smaller end of the tolerance band.
    """
    nothing = np.empty(0, np.int64), np.empty((0, 2))
    if len(values) != len(section.outline) or not len(section.expected):
        return nothing
    told = np.flatnonzero(np.abs(np.nan_to_num(values)) > LEAST_SHARE * band)
    told = told[np.argsort(section.outline[told, 0], kind="stable")]
    told = told[:: -(-len(told) // MOST) or 1]
    if not len(told):
        return nothing
    from sedir_core.geometry.tree import PointTree  # late: the window opens without scipy

    away = section.outline[told] - section.expected[PointTree(section.expected).nearest(section.outline[told])[1]]
    lengths = np.linalg.norm(away, axis=1)
    known = lengths > 0
    return told[known], away[known].astype(np.float64) / lengths[known, None]
