"""What lies outside a section plane, drawn darker."""

from __future__ import annotations

import numpy as np

from app.views.layers import Picture
from app.views.section import CuttingPlane, half_thickness
from sedir_core.drawing.colour_maps import Rgb
from sedir_core.types import IntArray

OUTSIDE_DIM = 0.38
"""Brightness of points outside the section plane."""


def dimmed(picture: Picture, plane: CuttingPlane | None) -> Picture:
    """The picture with the points outside the plane dimmed; unchanged without a plane."""
    shape = picture.shape
    if shape is None or plane is None:
        return picture

    def paint(rows: IntArray) -> Rgb:
        colours = picture.paint(rows).copy()
        outside = np.abs(plane.distances(shape.points[rows])) > half_thickness(shape)
        colours[outside] = (colours[outside] * OUTSIDE_DIM).astype(np.uint8)
        return colours

    return Picture(shape, paint)
