"""Places of an expected surface where a scan should have points: its gaps, and what is absent."""

from __future__ import annotations

import numpy as np

from sedir_core.evidence.coverage import Coverage, largest_absent
from sedir_core.evidence.fields import Places
from sedir_core.evidence.numbers import PROBES
from sedir_core.geometry.tree import PointTree
from sedir_core.geometry.views import settled_from
from sedir_core.types import BoolArray, DoubleArray

GAP_SIZES = (4, 8, 32)
SEAM = "seam"
GAPS = (*(f"gap_{k}" for k in GAP_SIZES), SEAM)


class Probes:
    """Places (p, 3) on a surface with their normals (p, 3) and neighbours, made once for all scans."""

    def __init__(self, points: DoubleArray, normals: DoubleArray, coverage: Coverage | None = None) -> None:
        self.points, self.normals = points, normals
        self.places = Places(points, normals, None if coverage is None else coverage.confirmed)
        self.always = np.ones(len(points), bool) if coverage is None else coverage.always
        self.tree, self.spacing = self.places.tree, self.places.spacing
        self.around = self.tree.nearest_k(points, max(GAP_SIZES))[1]

    def gaps(self, scan: PointTree, direction: DoubleArray | None = None) -> dict[str, DoubleArray]:
        """GAPS of a scan around its points (n, 3), in the surface's shape.

        direction: (3,) viewing direction of a single-view scan; then only what was visible can be missing.
        """
        uncovered = scan.nearest(self.points)[0]
        settled = np.ones(len(self.points), bool)
        if direction is not None:
            settled = settled_from(self.points, self.normals, direction)
        spacing = max(_spacing_of_scan(uncovered[settled]), PROBES.densest * self.spacing)
        widths = _surely_missing(uncovered, self.points, settled) / spacing
        beside = self.tree.nearest_k(scan.points, 8)[1]
        found = {f"gap_{k}": widths[self.around[:, :k]].mean(axis=1)[beside].max(axis=1) for k in GAP_SIZES}
        narrow = np.minimum(widths, PROBES.widest_seam).astype(np.float32)
        found[SEAM] = self.places.seams.highest_means(narrow)[beside[:, :4]].max(axis=1)
        return found

    def largest_absent(self, scan: PointTree) -> float:
        """See `coverage.largest_absent`. scan: all of it, in the mean shape."""
        return largest_absent(scan, self.places, self.always)


def _spacing_of_scan(uncovered: DoubleArray) -> float:
    """The spacing of a scan's points, from its distances (p,) to places of the surface.

    Estimated from their lower third, so that a scan with one half missing is not taken for a sparse one.
    """
    if len(uncovered) == 0:
        return np.inf
    return float(np.quantile(uncovered, PROBES.near_share)) / PROBES.near


def _surely_missing(uncovered: DoubleArray, probes: DoubleArray, settled: BoolArray) -> DoubleArray:
    """The (p,) gaps of a view: no wider than the distance to places that may be invisible.

    A view frays at its outline, farther in than any rule about angles predicts; a hole inside it keeps its width.
    """
    if settled.all():
        return uncovered
    found = np.zeros_like(uncovered)
    if settled.any():
        inside = PointTree(probes[~settled]).nearest(probes[settled])[0]
        found[settled] = np.minimum(uncovered[settled], inside)
    return found
