"""Stores tolerances by region: a file per category, which the command line also reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.state.entries import Entry, Failure
from app.state.session import Session
from app.state.settings import Settings
from sedir_core.errors import UserError
from sedir_core.evaluation.zone_file import PartTolerance, ball, read_part_tolerance, write_part_tolerance
from sedir_core.types import DoubleArray, Tolerance, Zone

FIRST_RADIUS = 0.15
"""Initial radius of a region, as a share of the part's."""
SUFFIX = ".toml"


class Regions(QObject):
    """Changes apply at once to all scans of the category, and persist."""

    failed = Signal(str, object)  # location, Failure

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.folder = settings.path.parent / "tolerances"

    def load(self) -> None:
        """Load the stored regions; reports files that cannot be read."""
        found = {}
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            try:
                found[unquote(path.stem)] = read_part_tolerance(path)
            except UserError as error:
                self.failed.emit(path.name, Failure.of(error))
        self._session.set_tolerances(found)

    def of(self, entry: Entry | None) -> PartTolerance | None:
        """The regions of its category."""
        return None if entry is None or entry.raw is None else self._session.tolerances.get(entry.raw.category)

    def ready(self, entry: Entry | None) -> bool:
        """Whether regions can be drawn on this scan: it has deviations, evaluated with the present regions."""
        if entry is None or entry.raw is None or entry.raw.expected is None or entry.past is not None:
            return False
        return entry.tolerated is self.of(entry)

    def add(self, entry: Entry, place: DoubleArray, tolerance: Tolerance) -> None:
        """Add a sphere at a place (3,) of this scan. The first region makes it its category's reference."""
        assert entry.raw is not None and entry.shape is not None
        part, radius = self.of(entry), FIRST_RADIUS * entry.shape.radius
        if part is None:
            zone = Zone("region 1", tolerance, ball(place, radius))
            self._keep(entry, PartTolerance(entry.path, None, (zone,)))
            return
        names = {zone.name for zone in part.zones}
        name = next(f"region {n}" for n in range(1, len(names) + 2) if f"region {n}" not in names)
        centre, factor = _on_reference(part, entry.raw.zones, place)
        self._keep(entry, replace(part, zones=(*part.zones, Zone(name, tolerance, ball(centre, factor * radius)))))

    def change(self, entry: Entry, index: int, **changes: object) -> None:
        """Change name, tolerance or place of a region."""
        if (part := self.of(entry)) is not None:
            zones = list(part.zones)
            zones[index] = replace(zones[index], **changes)  # type: ignore[arg-type]  # checked by the dataclass
            self._keep(entry, replace(part, zones=tuple(zones)))

    def remove(self, entry: Entry, index: int) -> None:
        """Remove a region. With the last one, the model's own tolerance applies everywhere again."""
        if (part := self.of(entry)) is not None:
            zones = part.zones[:index] + part.zones[index + 1 :]
            self._keep(entry, replace(part, zones=zones) if zones else None)

    def set_elsewhere(self, entry: Entry, tolerance: Tolerance | None) -> None:
        """Set the tolerance outside the regions; None leaves it to the model."""
        if (part := self.of(entry)) is not None:
            self._keep(entry, replace(part, elsewhere=tolerance))

    def take(self, entry: Entry, path: Path) -> None:
        """Load the regions of this category from a file."""
        self._tried(path, lambda: self._keep(entry, read_part_tolerance(path)))

    def give(self, entry: Entry, path: Path) -> None:
        """Save them as a file for the command line."""
        if (part := self.of(entry)) is not None:
            self._tried(path, lambda: write_part_tolerance(path, part))

    def _keep(self, entry: Entry, part: PartTolerance | None) -> None:
        assert entry.raw is not None
        category = entry.raw.category
        others = {name: kept for name, kept in self._session.tolerances.items() if name != category}
        self._session.set_tolerances(others if part is None else {**others, category: part})
        path = self.folder / (quote(category, safe="") + SUFFIX)
        if part is None:
            self._tried(path, lambda: path.unlink(missing_ok=True))
        else:
            self._tried(path, lambda: write_part_tolerance(path, part))

    def _tried(self, path: Path, act: Callable[[], None]) -> None:
        try:
            act()
        except (UserError, OSError) as error:
            self.failed.emit(path.name, Failure.of(error))


def _on_reference(part: PartTolerance, zones: tuple[Zone, ...], place: DoubleArray) -> tuple[DoubleArray, float]:
    """Map a place (3,) of a scan to its reference; returns the place and the scale factor of lengths.

    zones: the part's zones placed on the scan; the nearest one gives the scan's pose.
    """
    pairs = [(own.place, mine.place) for own, mine in zip(part.zones, zones, strict=False)]
    known = [(own, mine) for own, mine in pairs if own is not None and mine is not None]
    own, mine = min(known, key=lambda pair: float(np.linalg.norm(pair[1].centre - place)))
    factor = float(own.half[0] / mine.half[0])
    return own.centre + factor * own.axes.T @ mine.axes @ (place - mine.centre), factor
