"""Which points of a scan belong to the part, if the scan shows more than the part.

Applied only if the model cannot explain the scan as it is: shape alone cannot tell a part on a table from a flange seen
from above. All of this is our choice [O].
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
    """Points (n, 3) of a scan, in file coordinates, and which of them, (n,), belong to the part that is judged.

    table: whether other points show a table. n_parts: number of parts in the scan; the largest is judged.
    """

    points: DoubleArray
    of_part: BoolArray
    table: bool
    n_parts: int

    @cached_property
    def _tree(self) -> PointTree:
        return PointTree(self.points)

    def keeps(self, points: DoubleArray) -> BoolArray:
        """(m,) which points (m, 3) of the same scan belong to the part."""
        return np.asarray(self.of_part[self._tree.nearest(points)[1]])

    def words(self, left_out: int) -> str:
        """The remark for the operator. left_out: number of points that do not belong to the part."""
        said = f"; {left_out:,} points of a table were left out" if self.table else ""
        return said + (f"; the largest of {self.n_parts} parts was judged" if self.n_parts > 1 else "")


def part_alone(points: DoubleArray) -> Alone | None:
    """The largest part among the finite points (n, 3), without its table; None if there is nothing else."""
    table = find_table(points)
    own = np.ones(len(points), bool) if table is None else ~table
    parts = separate(points[own])
    n_parts = int(parts.max(initial=0)) + 1
    if table is None and n_parts == 1:
        return None
    own[np.flatnonzero(own)[parts > 0]] = False
    return Alone(points, own, table is not None, n_parts)
