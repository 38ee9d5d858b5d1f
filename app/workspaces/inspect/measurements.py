"""What is measured on a scan: between two points, between two faces, across a round surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.state.entries import Entry
from app.views.picking import Probe, distance
from sedir_core.types import DoubleArray

if TYPE_CHECKING:
    from sedir_core.geometry.fitting import FittedPlane

REACH = 0.15
"""Of the part's radius: how far around a picked point its face is looked for."""
PARALLEL_DEG = 5.0
"""Between faces that are turned farther, a distance would mean little."""
Text = Callable[[float], str]
"""A length in the scan's coordinates, in words."""


@dataclass(frozen=True)
class Measurement:
    """what: its kind. value: with the unit. details: how far it can be trusted."""

    what: str
    value: str
    details: str = ""

    @property
    def words(self) -> str:
        """In one line."""
        return f"{self.what} {self.value}" + (f" ({self.details})" if self.details else "")


def point_to_point(probes: list[Probe], text: Text) -> Measurement:
    """probes: two."""
    length, way = distance(*probes)
    parts = ", ".join(f"Δ{axis} {text(float(part))}" for axis, part in zip("xyz", way, strict=True))
    return Measurement("Distance", text(length), parts)


def face_to_face(entry: Entry, probes: list[Probe], text: Text) -> Measurement | None:
    """The angle of the faces that two picked points are on, and their distance if they are parallel.

    None where one of them is on no face.
    """
    from sedir_core.geometry.fitting import angle_deg, distance_between

    first, second = (_face(entry, probe) for probe in probes)
    if first is None or second is None:
        return None
    angle = angle_deg(first, second)
    details = f"fitted to {first.n_points:,} and {second.n_points:,} points, "
    details += f"scatter {text(max(first.scatter, second.scatter))}"
    if angle > PARALLEL_DEG:
        return Measurement("Angle between two faces", f"{angle:.2f}°", details)
    apart = text(distance_between(first, second))
    return Measurement("Distance between two faces", apart, f"{angle:.2f}° from parallel, {details}")


def diameter(entry: Entry, probe: Probe, text: Text) -> Measurement | None:
    """Of the round surface that a picked point is on; None where it is on none."""
    from sedir_core.geometry.fitting import cylinder_around

    points, place, reach = _around(entry, probe)
    found = cylinder_around(points, place, reach)
    if found is None:
        return None
    details = f"cylinder fitted to {found.n_points:,} points, scatter {text(found.scatter)}"
    return Measurement("Diameter", text(2 * found.radius), details)


def _face(entry: Entry, probe: Probe) -> FittedPlane | None:
    from sedir_core.geometry.fitting import plane_around

    points, place, reach = _around(entry, probe)
    found = plane_around(points, place, reach)
    return None if found is None else replace(found, centre=found.centre + probe.place)


def _around(entry: Entry, probe: Probe) -> tuple[DoubleArray, DoubleArray, float]:
    """The points (n, 3) of what was clicked and the place (3,) on it, around that place, and how far to look."""
    assert entry.scan is not None and entry.shape is not None
    points = entry.scan.points[entry.scan.finite]
    if probe.row is None and entry.raw is not None:
        points = entry.raw.reconstruction if entry.raw.expected is None else entry.raw.expected
    return points - probe.place, np.zeros(3), REACH * entry.shape.radius
