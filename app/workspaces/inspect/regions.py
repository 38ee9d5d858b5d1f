"""Stores the regions of each kind of part: a file per category, which the command line also reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand

from app.state.entries import Entry, Failure
from app.state.session import Session
from app.state.settings import Settings
from sedir_core.errors import UserError
from sedir_core.evaluation.zone_file import PartTolerance, ball, read_part_tolerance, write_part_tolerance
from sedir_core.types import DoubleArray, Tolerance, Zone, ZonePlace, ZoneUse

FIRST_RADIUS = 0.15
"""Initial radius of a region, as a share of the part's."""
SUFFIX = ".toml"


class Regions(QObject):
    """Changes apply at once to all scans of the category, and persist. They go over the undo stack: `edited`."""

    edited = Signal(object)  # QUndoCommand, to be pushed
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

    def add_ball(self, entry: Entry, centre: DoubleArray, tolerance: Tolerance) -> None:
        """Add a sphere with a tolerance around a place (3,) of this scan."""
        assert entry.shape is not None
        self.add(entry, ball(centre, FIRST_RADIUS * entry.shape.radius), "tolerance", tolerance)

    def add(self, entry: Entry, place: ZonePlace, use: ZoneUse, tolerance: Tolerance | None = None) -> None:
        """Add a region of this scan. The first region makes it its category's reference."""
        assert entry.raw is not None
        part = self.of(entry)
        if part is None or not part.zones:
            zone = Zone("region 1", tolerance, place, use=use)
            self._keep(entry, PartTolerance(entry.path, None if part is None else part.elsewhere, (zone,)))
            return
        names = {zone.name for zone in part.zones}
        name = next(f"region {n}" for n in range(1, len(names) + 2) if f"region {n}" not in names)
        zone = Zone(name, tolerance, _on_reference(part, entry.raw.zones, place), use=use)
        self._keep(entry, replace(part, zones=(*part.zones, zone)))

    def change(self, entry: Entry, index: int, **changes: object) -> None:
        """Change name, use, tolerance or place of a region."""
        if (part := self.of(entry)) is not None:
            zones = list(part.zones)
            zones[index] = replace(zones[index], **changes)  # type: ignore[arg-type]  # checked by the dataclass
            self._keep(entry, replace(part, zones=tuple(zones)))

    def remove(self, entry: Entry, index: int) -> None:
        """Remove a region."""
        if (part := self.of(entry)) is not None:
            self._keep(entry, replace(part, zones=part.zones[:index] + part.zones[index + 1 :]))

    def set_elsewhere(self, entry: Entry, tolerance: Tolerance | None) -> None:
        """Set the tolerance outside the regions, or of the whole part; None leaves it to the model."""
        part = self.of(entry) or PartTolerance(entry.path, None, ())
        self._keep(entry, replace(part, elsewhere=tolerance))

    def take(self, entry: Entry, path: Path) -> None:
        """Load the regions of this category from a file."""
        self._tried(path, lambda: self._keep(entry, read_part_tolerance(path)))

    def give(self, entry: Entry, path: Path) -> None:
        """Save them as a file for the command line."""
        if (part := self.of(entry)) is not None:
            self._tried(path, lambda: write_part_tolerance(path, part))

    def _keep(self, entry: Entry, part: PartTolerance) -> None:
        assert entry.raw is not None
        kept = part if part.zones or part.elsewhere is not None else None
        self.edited.emit(_RegionChange(self, entry.raw.category, self.of(entry), kept))

    def put(self, category: str, part: PartTolerance | None) -> None:
        """Set and store a category's regions, as a step of the undo stack."""
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


class _RegionChange(QUndoCommand):
    def __init__(
        self, regions: Regions, category: str, before: PartTolerance | None, after: PartTolerance | None
    ) -> None:
        super().__init__(f"Change the Regions of {category}".replace("&", "&&"))
        self._regions, self._category, self._before, self._after = regions, category, before, after

    def undo(self) -> None:
        self._regions.put(self._category, self._before)

    def redo(self) -> None:
        self._regions.put(self._category, self._after)


def _on_reference(part: PartTolerance, zones: tuple[Zone, ...], place: ZonePlace) -> ZonePlace:
    """Map a place of a scan to its reference.

    zones: the part's zones placed on the scan; the nearest one gives the scan's pose.
    """
    pairs = [(own.place, mine.place) for own, mine in zip(part.zones, zones, strict=False)]
    known = [(own, mine) for own, mine in pairs if own is not None and mine is not None]
    own, mine = min(known, key=lambda pair: float(np.linalg.norm(pair[1].centre - place.centre)))
    factor = float(own.half[0] / mine.half[0])
    turn = own.axes.T @ mine.axes
    centre = own.centre + factor * turn @ (place.centre - mine.centre)
    return replace(place, centre=centre, half=factor * place.half, axes=place.axes @ turn.T)
