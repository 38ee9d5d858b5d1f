"""Serialises regions with tolerances, for stored results."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sedir_core.documents import number
from sedir_core.types import ZONE_USES, DoubleArray, Tolerance, Zone, ZonePlace


def words_of_zone(zone: Zone) -> dict[str, Any]:
    """Plain values for JSON."""
    place = zone.place
    return {
        "name": zone.name,
        "use": zone.use,
        "tolerance": None if zone.tolerance is None else [zone.tolerance.minus, zone.tolerance.plus],
        "range": [None if math.isnan(end) else end for end in (zone.lowest, zone.highest)],
        "place": None
        if place is None
        else [
            place.centre.tolist(),
            place.half.tolist(),
            place.axes.tolist(),
            place.rounded,
            None if place.outline is None else place.outline.tolist(),
        ],
    }


def zone_from(kept: dict[str, Any]) -> Zone:
    """The inverse of `words_of_zone`. Raises KeyError, TypeError, ValueError for damaged data."""
    lowest, highest = (math.nan if end is None else _known(end) for end in kept["range"])
    tolerance = None if kept["tolerance"] is None else Tolerance(*map(_known, kept["tolerance"]))
    use = kept.get("use", "tolerance")  # older results have only tolerances, and no outlines
    if use not in ZONE_USES:
        raise ValueError(f"{use!r} is no use of a region")
    return Zone(str(kept["name"]), tolerance, _place(kept["place"]), lowest, highest, use)


def _place(kept: list[Any] | None) -> ZonePlace | None:
    if kept is None:
        return None
    centre, half, axes, rounded, outline = (*kept, None)[:5]
    corners = None if outline is None else _array(outline, (len(outline), 2))
    return ZonePlace(_array(centre, (3,)), _array(half, (3,)), _array(axes, (3, 3)), bool(rounded), corners)


def _array(kept: list[Any], shape: tuple[int, ...]) -> DoubleArray:
    found = np.array(kept, np.float64)
    if found.shape != shape or not np.isfinite(found).all():
        raise ValueError(f"a region's place is {found.shape}, expected {shape}")
    return found


def _known(value: object) -> float:
    found = number(value)
    if found is None:
        raise ValueError(f"{value!r} is no number")
    return found
