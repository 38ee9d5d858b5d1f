"""What detectors share: the stopwatch of their stages, the points they work on, the way into a run's tensors."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from sedir_core.config import GroupingConfig
from sedir_core.errors import Cancelled, TooFewPoints
from sedir_core.geometry.sampling import repeatable_order
from sedir_core.io.guard import check_points
from sedir_core.types import IntArray, Report, Scan, Stop

ALL_POINTS = 150_000  # a scan is resampled to this many where the configuration keeps all
# A scan from one side is compared with the surface as densely as a whole part of this many points, while its tokens
# see fewer: what is narrow shows better so, and half of a part takes hardly longer than a whole one.
VIEW_POINTS = 80_000
LESS_MEMORY = "close other programs that use it, or inspect with --device cpu"


@dataclass
class Stopwatch:
    """Seconds per stage; asks between stages whether to go on."""

    report: Report
    stop: Stop
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, fraction: float) -> Iterator[None]:
        """Raises Cancelled before the stage if the stop says so."""
        if self.stop():
            raise Cancelled
        self.report(fraction, name)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


def least_points(grouping: GroupingConfig) -> int:
    """The fewest points that can be grouped."""
    return int(grouping.group_size * grouping.ratio)


def whole_points(grouping: GroupingConfig) -> int:
    """How many points of a whole part are looked at, at most."""
    return grouping.working_points or ALL_POINTS


def working_points(scan: Scan, grouping: GroupingConfig, or_more: int = 0) -> IntArray:
    """Indices of the finite points that are looked at, in an order that does not depend on the file's.

    or_more: at least as many if there are so many; the first ones stay the same.

    Raises TooFewPoints, UnreadableScan (coordinates out of range).
    """
    where = scan.path or scan.name
    check_points(where, scan.points)
    valid = np.flatnonzero(scan.finite)
    least = least_points(grouping)
    if len(valid) < least:
        what = f"{len(valid)} finite points, the model needs {least}"
        raise TooFewPoints(where, what, "scan the part more densely")
    return np.asarray(valid[repeatable_order(scan.points[valid])[: max(whole_points(grouping), or_more)]])


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with the prefix, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
