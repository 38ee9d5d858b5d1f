"""Picture of a section for reports: outline of the scan over that of the expected surface."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sedir_core.drawing.colour_maps import Rgb
from sedir_core.drawing.deviation_scale import round_length
from sedir_core.drawing.painting import DPI, INK, PAPER, png
from sedir_core.types import FloatArray
from sedir_core.units import symbol

INCHES = (3.4, 2.6)
EXPECTED = "#aab4c0"
ROOM = 1.08  # margin, as a share of the content
BAR_SHARE = 0.25  # length of the scale bar, as a share of the width
DOT_PT2, EXPECTED_PT2 = 4.0, 1.0


def section_picture(outline: FloatArray, colours: Rgb, expected: FloatArray, factor: float, unit: str) -> bytes:
    """PNG. outline: (k, 2) of the scan with colours (k, 3); expected: (m, 2); both in the plane, in the scan's unit.

    factor: from there to `unit`, for the scale bar.
    """
    figure = Figure(figsize=INCHES, dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    every = np.concatenate([outline, expected])
    if not len(every):
        axes.text(0.5, 0.5, "no points in this section", color=INK, size=9, ha="center", transform=axes.transAxes)
        return png(figure)
    low, high = every.min(axis=0), every.max(axis=0)
    middle, wide = (low + high) / 2, INCHES[0] / INCHES[1]
    half = ROOM * max(float(high[0] - low[0]) / wide, float(high[1] - low[1]), 1e-9) / 2
    axes.set(
        xlim=(middle[0] - half * wide, middle[0] + half * wide),
        ylim=(middle[1] - half, middle[1] + half),
        aspect="equal",
    )
    axes.scatter(expected[:, 0], expected[:, 1], s=EXPECTED_PT2, c=EXPECTED, linewidths=0)
    axes.scatter(outline[:, 0], outline[:, 1], s=DOT_PT2, c=colours / 255.0, linewidths=0)
    length = round_length(2.0 * half * wide * BAR_SHARE * factor)
    left, bottom = middle[0] - 0.96 * half * wide, middle[1] - 0.94 * half
    axes.plot([left, left + length / factor], [bottom] * 2, color=INK, linewidth=2.0)
    said = axes.text(left, bottom + 0.04 * half, f"{length:g} {symbol(unit)}".rstrip(), color=INK, size=8, va="bottom")
    said.set_bbox({"color": PAPER, "alpha": 0.75, "pad": 1.0})
    return png(figure)
