"""Tolerances by region in a TOML file, written by users or by the window.

reference = "golden.ply"      # a good scan, beside this file; the places below are in its coordinates
tolerance = "0.3"             # elsewhere, in the model's unit; left out: as without this file

[[region]]
name = "sealing face"
tolerance = "-0.05,0.1"       # left out: any
centre = [12.0, 0.0, 4.5]
radius = 6.0                  # a ball; or size = [10.0, 4.0, 2.0], a box along x, y and z
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
from sedir_core.types import DoubleArray, Tolerance, Zone, ZonePlace

HINT = "see “Tolerances by region” in the user guide"
KEYS = {"reference", "tolerance", "region"}
REGION_KEYS = {"name", "tolerance", "centre", "radius", "size"}
MOST = 200


@dataclass(frozen=True, eq=False)
class PartTolerance:
    """For one category. zones: in the coordinates of the scan `reference`, without deviations.

    elsewhere: tolerance outside of them; None keeps the default.
    """

    reference: Path
    elsewhere: Tolerance | None
    zones: tuple[Zone, ...]


def read_part_tolerance(path: Path) -> PartTolerance:
    """Read a file. Raises BadConfig with the problem."""
    found = read_toml(path, BadConfig, HINT)
    _refuse_unknown(path, found, KEYS)
    reference, regions = found.get("reference"), found.get("region")
    if not isinstance(reference, str) or not reference:
        raise BadConfig(path, "has no reference scan", HINT)
    if not isinstance(regions, list) or not regions or not all(isinstance(one, dict) for one in regions):
        raise BadConfig(path, "has no [[region]]", HINT)
    if len(regions) > MOST:
        raise BadConfig(path, f"has more than {MOST} regions", "remove some")
    zones = tuple(_zone(path, one) for one in regions)
    names = [zone.name for zone in zones]
    if len(set(names)) < len(names):
        raise BadConfig(path, "two regions have the same name", "give each a unique name")
    return PartTolerance(path.parent / reference, _tolerance(path, found), zones)


def write_part_tolerance(path: Path, part: PartTolerance) -> None:
    """Write a file; the reference is relative if beside it, otherwise absolute. Raises CannotWrite."""
    beside = part.reference.parent.absolute() == path.parent.absolute()
    document: dict[str, Any] = {"reference": part.reference.name if beside else str(part.reference.absolute())}
    if part.elsewhere is not None:
        document["tolerance"] = plain_tolerance(part.elsewhere)
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
    centre, size, radius = _three(region.get("centre")), _three(region.get("size")), number(region.get("radius"))
    if centre is None or (radius is None) == (size is None):
        raise BadConfig(path, f"region {name!r} needs a centre, and either a radius or a size", HINT)
    if min([radius] if radius is not None else [] if size is None else size.tolist()) <= 0:
        raise BadConfig(path, f"region {name!r} must have a positive size", HINT)
    place = ZonePlace(centre, size / 2, np.eye(3)) if size is not None else ball(centre, radius or 0.0)
    return Zone(name, _tolerance(path, region), place)


def _tolerance(path: Path, table: dict[str, Any]) -> Tolerance | None:
    said = table.get("tolerance", "")
    where = f"{path}, tolerance" + (f" of {table['name']!r}" if "name" in table else "")
    return parse_tolerance(said if isinstance(said, str) else f"{said}", where)


def _three(value: object) -> DoubleArray | None:
    if not isinstance(value, list) or len(value) != 3:
        return None
    known = [number(one) for one in value]
    return None if None in known else np.array(known, np.float64)


def _refuse_unknown(path: Path, table: dict[str, Any], known: set[str]) -> None:
    if odd := sorted(table.keys() - known):
        raise BadConfig(path, f"unknown: {', '.join(odd)}", f"known: {', '.join(sorted(known))}")


def _table(zone: Zone) -> dict[str, Any]:
    assert zone.place is not None
    table: dict[str, Any] = {"name": zone.name}
    if zone.tolerance is not None:
        table["tolerance"] = plain_tolerance(zone.tolerance)
    table["centre"] = zone.place.centre.tolist()
    if zone.place.rounded:
        return table | {"radius": float(zone.place.half[0])}
    return table | {"size": (2 * zone.place.half).tolist()}
