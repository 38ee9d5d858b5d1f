"""What the view of the scan shows: its points and a colour for each, as the chosen layer asks."""

from __future__ import annotations

from enum import Enum

import numpy as np

from app.entries import Entry
from app.shapes import Shape
from app.views.colours import SURFACE, TRUTH, Look, Rgb, Scale
from sedir_core.types import FloatArray

FAR_SHARE = 0.05
"""Of the part's radius: about where the scale of the difference ends."""
_NO_COLOURS: Rgb = np.empty((0, 3), np.uint8)


class Layer(Enum):
    """What the view of the scan shows; the value is its title."""

    HEAT = "Scan"
    PLAIN = "Scan without heat"
    BOTH = "Scan over reconstruction"
    DIFFERENCE = "Distance to the reconstruction"
    TRUTH = "Ground truth"


class Composer:
    """Keeps the last mixture and the last colours, since a camera or a defect changes neither."""

    def __init__(self) -> None:
        self._mixed: tuple[Shape, Shape, float, Shape] | None = None  # of which two, the blend, and the mixture
        self._coloured: tuple[Shape, FloatArray, Look, float, Rgb] | None = None  # of what, and the colours

    def picture(
        self, entry: Entry | None, layer: Layer, look: Look, limit: float, blend: float
    ) -> tuple[Shape | None, Rgb]:
        """limit: the point score in the middle of the calibrated scale. blend: see `mix`."""
        if entry is None or entry.shape is None or entry.scan is None:
            return None, _NO_COLOURS
        shape, surface = entry.shape, entry.surface
        if layer is Layer.TRUTH and entry.scan.labels is not None:
            colours = plain(shape)
            colours[entry.scan.labels[shape.rows]] = TRUTH
            return shape, colours
        if entry.detection is None or surface is None or layer in (Layer.PLAIN, Layer.TRUTH):
            return shape, plain(shape)
        if layer is Layer.DIFFERENCE and entry.difference is not None:
            return shape, Scale(0.0, far(shape), look.colour_map).colours(entry.difference[shape.rows])
        colours = self._heat(shape, entry.detection.point_scores, look, limit)
        if layer is not Layer.BOTH:
            return shape, colours
        if self._mixed is None or self._mixed[0] is not shape or self._mixed[1:3] != (surface, blend):
            self._mixed = shape, surface, blend, mix(shape, surface, blend)
        mixed = self._mixed[3]
        return mixed, np.concatenate([colours, plain(surface)])[mixed.rows]

    def _heat(self, shape: Shape, scores: FloatArray, look: Look, limit: float) -> Rgb:
        old = self._coloured
        if old is None or old[0] is not shape or old[1] is not scores or old[2:4] != (look, limit):
            colours = look.scale(scores, limit).colours(scores[shape.rows])
            self._coloured = old = shape, scores, look, limit, colours
        return old[4]


def far(shape: Shape | None) -> float:
    """The distance at the end of the scale of `Layer.DIFFERENCE`: depends on the part's size, on no defect."""
    return round_length(FAR_SHARE * (1.0 if shape is None else shape.radius))


def mix(scan: Shape, surface: Shape, share: float) -> Shape:
    """That share of the surface's points and the rest of the scan's. rows: into the scan's points, then the surface's.

    As even subsets: see-through points would have to be sorted for every frame, and half of them looks the same.
    """
    n_scan, n_surface = round((1 - share) * len(scan)), round(share * len(surface))
    rows = np.concatenate([np.arange(n_scan), len(scan) + np.arange(n_surface)])
    order = np.random.default_rng(0).permutation(len(rows))
    points = np.concatenate([scan.points[:n_scan], surface.points[:n_surface]])[order]
    normals = np.concatenate([scan.normals[:n_scan], surface.normals[:n_surface]])[order]
    spacing = max(scan.head(n_scan).spacing if n_scan else 0.0, surface.head(n_surface).spacing if n_surface else 0.0)
    return Shape(points, normals, rows[order], spacing, scan.origin, scan.radius)


def round_length(length: float) -> float:
    """The nearest of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(length))
    return float(min((power * step for step in (1, 2, 5, 10)), key=lambda value: abs(np.log(value / length))))


def plain(shape: Shape | None) -> Rgb:
    """(n, 3): one light grey."""
    return np.full((0 if shape is None else len(shape), 3), SURFACE, np.uint8)
