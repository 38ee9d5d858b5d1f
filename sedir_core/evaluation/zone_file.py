"""Regions of a part and their tolerances in a TOML file, written by users or by the window.

reference = "golden.ply"      # a good scan, beside this file; the places below are in its coordinates
tolerance = "0.3"             # elsewhere, in the model's unit; left out: as without this file; alone: of the whole part

[[region]]
name = "sealing face"
tolerance = "-0.05,0.1"       # left out: any
centre = [12.0, 0.0, 4.5]
radius = 6.0                  # a ball; or size = [10.0, 4.0, 2.0], a box along x, y and z

[[region]]
name = "clamp"
use = "ignore"                # not evaluated; or "only": nothing outside such regions is
centre = [40.0, 0.0, 4.5]
size = [10.0, 4.0, 20.0]
axes = [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]     # left out: x, y and z
outline = [[-5.0, -2.0], [5.0, -2.0], [0.0, 2.0]]  # left out: the whole box; else a prism: corners along axes 1 and 2
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from sedir_core.documents import number, read_toml
from sedir_core.errors import BadConfig
from sedir_core.io.atomic import write_text
from sedir_core.names import printable
from sedir_core.tolerances import parse_tolerance, plain_tolerance
from sedir_core.types import ZONE_USES, DoubleArray, Tolerance, Zone, ZonePlace

HINT = "see “Regions” in the user guide"
KEYS = {"reference", "tolerance", "region"}
REGION_KEYS = {"name", "use", "tolerance", "centre", "radius", "size", "axes", "outline"}
MOST, MOST_CORNERS = 200, 500
_SQUARE = 1e-3  # how far the axes may be from being at right angles, as typed


@dataclass(frozen=True, eq=False)
class PartTolerance:
    """For one category. zones: in the coordinates of the scan `reference`, without deviations; tolerances first, since
    the first zone that holds a place decides there.

    elsewhere: tolerance outside of them, or of the whole part where there are none; None keeps the default.
    """

    reference: Path
    elsewhere: Tolerance | None
    zones: tuple[Zone, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "zones", tuple(sorted(self.zones, key=lambda zone: ZONE_USES.index(zone.use))))


def read_part_tolerance(path: Path) -> PartTolerance:
    """Read a file. Raises BadConfig with the problem."""
    found = read_toml(path, BadConfig, HINT)
    _refuse_unknown(path, found, KEYS)
    reference, regions = found.get("reference"), found.get("region")
    if not isinstance(reference, str) or not reference:
        raise BadConfig(path, "has no reference scan", HINT)
    elsewhere = _tolerance(path, found)
    if regions is None and elsewhere is not None:
        regions = []
    elif not isinstance(regions, list) or not regions or not all(isinstance(one, dict) for one in regions):
        raise BadConfig(path, "has no [[region]]", HINT)
    if len(regions) > MOST:
        raise BadConfig(path, f"has more than {MOST} regions", "remove some")
    zones = tuple(_zone(path, one) for one in regions)
    names = [zone.name for zone in zones]
    if len(set(names)) < len(names):
        raise BadConfig(path, "two regions have the same name", "give each a unique name")
    return PartTolerance(path.parent / reference, elsewhere, zones)


def write_part_tolerance(path: Path, part: PartTolerance) -> None:
    """Write a file; the reference is relative if beside it, otherwise absolute. Raises CannotWrite."""
    beside = part.reference.parent.absolute() == path.parent.absolute()
    document: dict[str, Any] = {"reference": part.reference.name if beside else str(part.reference.absolute())}
    if part.elsewhere is not None:
        document["tolerance"] = plain_tolerance(part.elsewhere)
    if part.zones:
        document["region"] = [_table(zone) for zone in part.zones]
    write_text(path, tomli_w.dumps(document))


def ball(centre: DoubleArray, radius: float) -> ZonePlace:
    """centre: (3,)."""
    return ZonePlace(centre, np.full(3, radius), np.eye(3), rounded=True)


def _zone(path: Path, region: dict[str, Any]) -> Zone:
    _refuse_unknown(path, region, REGION_KEYS)
    name = region.get("name")
    if not isinstance(name, str) or not name.strip():
        raise BadConfig(path, "a region has no name", HINT)
    name = printable(name.strip())
    use, tolerance = region.get("use", "tolerance"), _tolerance(path, region)
    if use not in ZONE_USES:
        raise BadConfig(path, f"region {name!r} has an unknown use", "known: " + ", ".join(ZONE_USES))
    if use != "tolerance" and tolerance is not None:
        raise BadConfig(path, f"region {name!r} has a tolerance and is {use!r}", "make two regions of it")
    return Zone(name, tolerance, _place(path, name, region), use=use)


def _place(path: Path, name: str, region: dict[str, Any]) -> ZonePlace:
    centre, size, radius = _numbers(region.get("centre")), _numbers(region.get("size")), number(region.get("radius"))
    if centre is None or (radius is None) == (size is None):
        raise BadConfig(path, f"region {name!r} needs a centre, and either a radius or a size", HINT)
    if min([radius] if radius is not None else [] if size is None else size.tolist()) <= 0:
        raise BadConfig(path, f"region {name!r} must have a positive size", HINT)
    if size is None:
        return ball(centre, radius or 0.0)
    axes = _rows(region["axes"], 3) if "axes" in region else np.eye(3)
    if axes is None or len(axes) != 3 or np.abs(axes @ axes.T - np.eye(3)).max() > _SQUARE:
        raise BadConfig(path, f"the axes of region {name!r} are not three unit vectors at right angles", HINT)
    if "outline" not in region:
        return ZonePlace(centre, size / 2, axes)
    corners = _rows(region["outline"], 2)
    if corners is None or not 3 <= len(corners) <= MOST_CORNERS:
        raise BadConfig(path, f"the outline of region {name!r} needs 3 to {MOST_CORNERS} corners of two numbers", HINT)
    return ZonePlace(centre, size / 2, axes, outline=corners / (size[:2] / 2))


def _tolerance(path: Path, table: dict[str, Any]) -> Tolerance | None:
    said = table.get("tolerance", "")
    where = f"{path}, tolerance" + (f" of {table['name']!r}" if "name" in table else "")
    return parse_tolerance(said if isinstance(said, str) else f"{said}", where)


def _numbers(value: object, count: int = 3) -> DoubleArray | None:
    if not isinstance(value, list) or len(value) != count:
        return None
    known = [number(one) for one in value]
    return None if None in known else np.array(known, np.float64)


def _rows(value: object, width: int) -> DoubleArray | None:
    rows = [_numbers(row, width) for row in value] if isinstance(value, list) else []
    known = [row for row in rows if row is not None]
    return np.array(known, np.float64) if known and len(known) == len(rows) else None


def _refuse_unknown(path: Path, table: dict[str, Any], known: set[str]) -> None:
    if odd := sorted(table.keys() - known):
        raise BadConfig(path, f"unknown: {', '.join(odd)}", f"known: {', '.join(sorted(known))}")


def _table(zone: Zone) -> dict[str, Any]:
    place = zone.place
    assert place is not None
    table: dict[str, Any] = {"name": zone.name} | ({} if zone.use == "tolerance" else {"use": zone.use})
    if zone.tolerance is not None:
        table["tolerance"] = plain_tolerance(zone.tolerance)
    table["centre"] = place.centre.tolist()
    if place.rounded:
        return table | {"radius": float(place.half[0])}
    table["size"] = (2 * place.half).tolist()
    if not np.array_equal(place.axes, np.eye(3)):
        table["axes"] = place.axes.tolist()
    if place.outline is not None:
        table["outline"] = (place.outline * place.half[:2]).tolist()
    return table
