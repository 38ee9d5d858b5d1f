"""A part that does not stand alone in its scan: which of the points are its own.

Looked into only where a model cannot explain the scan as it is: shape alone cannot tell a part on a table from a flange
seen from above. All of this is our choice [O].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sedir_core.geometry.surroundings import find_table, separate
from sedir_core.geometry.tree import PointTree
from sedir_core.types import BoolArray, DoubleArray


@dataclass(frozen=True)
class Alone:
    """Points (n, 3) of a scan, in file coordinates, and which of them, (n,), are of the part that is judged.

    table: whether others are of a table. n_parts: how many parts the scan shows; the largest is judged.
    """

    points: DoubleArray
    of_part: BoolArray
    table: bool
    n_parts: int

    @cached_property
    def _tree(self) -> PointTree:
        return PointTree(self.points)

    def keeps(self, points: DoubleArray) -> BoolArray:
        """(m,) which of any points (m, 3) of the same scan are of the part."""
        return np.asarray(self.of_part[self._tree.nearest(points)[1]])

    def words(self, left_out: int) -> str:
        """In an operator's words. left_out: how many points of the scan are not of the part."""
        said = f"; {left_out:,} points of a table were left out" if self.table else ""
        return said + (f"; the largest of {self.n_parts} parts was judged" if self.n_parts > 1 else "")


def part_alone(points: DoubleArray) -> Alone | None:
    """The largest part among the finite points (n, 3), without the table it stands on; None where there is only it."""
    table = find_table(points)
    own = np.ones(len(points), bool) if table is None else ~table
    parts = separate(points[own])
    n_parts = int(parts.max(initial=0)) + 1
    if table is None and n_parts == 1:
        return None
    own[np.flatnonzero(own)[parts > 0]] = False
    return Alone(points, own, table is not None, n_parts)
