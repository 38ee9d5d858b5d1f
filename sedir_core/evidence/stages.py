"""Shared by detectors: the stopwatch of their stages, the choice of points, access to a run's tensors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from sedir_core.config import GroupingConfig
from sedir_core.errors import Cancelled, TooFewPoints
from sedir_core.evidence.numbers import RESOLUTION
from sedir_core.geometry.own_axes import own_axes
from sedir_core.geometry.sampling import repeatable_order, selected
from sedir_core.io.guard import check_points
from sedir_core.types import DoubleArray, IntArray, Report, Scan, Stop

LESS_MEMORY = "close other programs that use it, or inspect with --device cpu"


@dataclass
class Stopwatch:
    """Seconds per stage; checks for a stop between stages."""

    report: Report
    stop: Stop
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, fraction: float) -> Iterator[None]:
        """Raises Cancelled before the stage if a stop was requested."""
        if self.stop():
            raise Cancelled
        self.report(fraction, name)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


def least_points(grouping: GroupingConfig) -> int:
    """The smallest number of points that can be grouped."""
    return int(grouping.group_size * grouping.ratio)


def whole_points(grouping: GroupingConfig) -> int:
    """The largest number of points used of a whole part."""
    return grouping.working_points or RESOLUTION.all_points


def compared_points(grouping: GroupingConfig) -> int:
    """The largest number of points of a whole scan that are compared with the normal surface."""
    return grouping.compared_points or min(whole_points(grouping), RESOLUTION.surface_points)


def working_points(scan: Scan, grouping: GroupingConfig, or_more: int = 0) -> IntArray:
    """Indices of the finite points used, each position once, in an order that depends on the shape alone.

    or_more: use at least that many if available; the first ones stay the same.

    Raises TooFewPoints, UnreadableScan (coordinates out of range).
    """
    check_points(scan.path or scan.name, scan.points)
    valid, most = scan.finite, max(whole_points(grouping), or_more)
    points = selected(scan.points, valid)
    own = own_axes(points)
    distinct = _distinct(points, repeatable_order(points, most, own))
    if len(distinct) < min(most, len(points)):
        distinct = _distinct(points, repeatable_order(points, own=own))
    check_enough(scan, len(distinct), grouping)
    return distinct[:most] if valid.all() else np.flatnonzero(valid)[distinct[:most]]


def _distinct(points: DoubleArray, order: IntArray) -> IntArray:
    """The first of points (n, 3), in their repeatable order, at each position: equal positions are adjacent in it."""
    places = points[order]
    again = (places[1:] == places[:-1]).all(axis=1)
    return order[np.concatenate([[True], ~again])] if len(order) else order


def check_enough(scan: Scan, n_usable: int, grouping: GroupingConfig) -> None:
    """Raises TooFewPoints if a scan's usable points are too few to be grouped."""
    least = least_points(grouping)
    if n_usable < least:
        what = f"{n_usable} usable points, the model needs {least}"
        raise TooFewPoints(scan.path or scan.name, what, "scan the part more densely")


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with the prefix, which is removed."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
