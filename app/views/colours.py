"""How the 3D views show points: which colours, how large, and with what depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedir_core.drawing.colour_maps import DEFAULT_MAP
from sedir_core.drawing.colours import Scale, calibrated
from sedir_core.types import FloatArray


@dataclass(frozen=True)
class Look:
    """How the 3D views show points. depth_shading: eye-dome lighting; None chooses by the hardware."""

    colour_map: str = DEFAULT_MAP
    per_scan: bool = False
    depth_shading: bool | None = None
    point_factor: float = 1.0

    def scale(self, scores: FloatArray, limit: float) -> Scale:
        """The colour scale for a scan: calibrated, or the scan's own if requested and available."""
        if self.per_scan and (known := scores[~np.isnan(scores)]).size:
            low, high = float(known.min()), float(known.max())
            return Scale(low, high if high > low else low + 1.0, self.colour_map, own=True)
        return calibrated(limit, self.colour_map)
