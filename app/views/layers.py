"""What the scan view shows: points with a colour each, as the chosen layer requires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from app.state.entries import Beside, Entry
from app.state.shapes import Shape
from app.views.colours import Look
from sedir_core.drawing.colour_maps import Rgb
from sedir_core.drawing.colours import SURFACE, TRUTH
from sedir_core.drawing.deviation_scale import TABLE, DeviationScale
from sedir_core.types import BoolArray, FloatArray, IntArray

MOST_MIXED = 400_000
"""Points of either cloud in a blend; more make no visible difference."""
Paint = Callable[[IntArray], Rgb]
"""From point indices (m,) of a shape to colours (m, 3) uint8."""


class Layer(Enum):
    """What the scan view shows; the value is its title."""

    HEAT = "Scan"
    PLAIN = "Scan without heat"
    BOTH = "Scan over expected surface"
    DEVIATION = "Deviation"
    TRUTH = "Ground truth"


@dataclass(frozen=True, eq=False)
class ShownLengths:
    """(n,) signed lengths of a scan's points, in its own unit, in place of its deviation."""

    values: FloatArray


@dataclass(frozen=True)
class Wanted:
    """What to show of an entry, and how.

    limit: the point score in the middle of the calibrated scale. blend: see `mix`. scale: of the deviation, in the
    scan's unit. rigid: whether deviations include the smooth part-to-part variation. beside: what `Layer.BOTH` mixes
    with the scan. instead: lengths to show in place of the deviation, as from another
    scan.
    """

    layer: Layer = Layer.HEAT
    look: Look = field(default_factory=Look)
    limit: float = 1.0
    blend: float = 0.5
    scale: DeviationScale | None = None
    rigid: bool = False
    beside: Beside = Beside.EXPECTED
    instead: ShownLengths | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """What a view shows; `paint` is called for the points being drawn, chunk by chunk."""

    shape: Shape | None
    paint: Paint


class Composer:
    """Makes pictures; caches the last blend, which a new camera or defect does not change."""

    def __init__(self) -> None:
        self._mixed: tuple[Shape, Shape, float, Shape] | None = None  # the two shapes, the blend factor, and the result

    def picture(self, entry: Entry | None, wanted: Wanted) -> Picture:
        """What to draw; empty where the points are not loaded."""
        if entry is None or entry.shape is None or entry.scan is None:
            return NOTHING
        layer, shape, labels = wanted.layer, entry.shape, entry.scan.labels
        if layer is Layer.TRUTH and labels is not None:
            return Picture(shape, lambda rows: _marked(labels[shape.rows[rows]]))
        if entry.detection is None or layer in (Layer.PLAIN, Layer.TRUTH):
            return Picture(shape, plain)
        if layer is Layer.DEVIATION:
            deviation, of_lengths = deviation_of(entry, wanted.rigid), wanted.scale
            if wanted.instead is not None and len(wanted.instead.values) == len(entry.scan):
                deviation = wanted.instead.values
            if deviation is None or of_lengths is None:
                return Picture(shape, plain)
            return Picture(shape, lambda rows: of_lengths.colours(deviation[shape.rows[rows]]))
        scores = entry.detection.point_scores
        scale = wanted.look.scale(scores, wanted.limit)
        surface, blend = entry.surfaces.get(entry.shown_as(wanted.beside)), wanted.blend
        if layer is not Layer.BOTH or surface is None:
            return Picture(shape, lambda rows: scale.colours(scores[shape.rows[rows]]))
        if self._mixed is None or self._mixed[:3] != (shape, surface, blend):
            self._mixed = shape, surface, blend, mix(shape, surface, blend)
        mixed, n_scan = self._mixed[3], len(shape)

        def paint(rows: IntArray) -> Rgb:
            of = mixed.rows[rows]
            scanned = of < n_scan
            colours = plain(rows)
            colours[scanned] = scale.colours(scores[shape.rows[of[scanned]]])
            return colours

        return Picture(mixed, paint)


def deviation_of(entry: Entry | None, rigid: bool) -> FloatArray | None:
    """(n,) signed, in the scan's unit; None without an expected surface."""
    found = None if entry is None else entry.raw
    if found is None:
        return None
    return found.deviation_rigid if rigid else found.deviation


def mix(scan: Shape, surface: Shape, share: float) -> Shape:
    """A blend with that share of the surface's points. rows: into the scan's points, followed by the surface's.

    Blended as even subsets: transparent points would need sorting every frame, and half of the points look the same.
    """
    n_scan = round((1 - share) * min(len(scan), MOST_MIXED))
    n_surface = round(share * min(len(surface), MOST_MIXED))
    rows = np.concatenate([np.arange(n_scan), len(scan) + np.arange(n_surface)])
    order = np.random.default_rng(0).permutation(len(rows))
    points = np.concatenate([scan.points[:n_scan], surface.points[:n_surface]])[order]
    normals = np.concatenate([scan.normals[:n_scan], surface.normals[:n_surface]])[order]
    spacing = max(scan.head(n_scan).spacing if n_scan else 0.0, surface.head(n_surface).spacing if n_surface else 0.0)
    return Shape(points, normals, rows[order], spacing, scan.origin, scan.radius)


def plain(rows: IntArray) -> Rgb:
    """(m, 3): one light grey."""
    return np.full((len(rows), 3), SURFACE, np.uint8)


def missing_marked(surface: Shape) -> Callable[[IntArray], Rgb]:
    """An expected surface in grey, and in the colour of the most negative deviation where the scan has no material."""

    def paint(rows: IntArray) -> Rgb:
        colours = plain(rows)
        if len(surface.gone) == len(surface):
            colours[surface.gone[rows]] = TABLE[0]
        return colours

    return paint


def _marked(truth: BoolArray) -> Rgb:
    colours = np.full((len(truth), 3), SURFACE, np.uint8)
    colours[truth] = TRUTH
    return colours


NOTHING = Picture(None, plain)
