"""Tolerances by region as the window keeps them: a file for each kind of part, which the command line takes, too."""

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
"""Of the part's: how large a region is at first."""
SUFFIX = ".toml"


class Regions(QObject):
    """What is changed counts at once, for all scans of that kind of part, and at the next start."""

    failed = Signal(str, object)  # where, Failure

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.folder = settings.path.parent / "tolerances"

    def load(self) -> None:
        """Take up what was kept; a file that cannot be read says why."""
        found = {}
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            try:
                found[unquote(path.stem)] = read_part_tolerance(path)
            except UserError as error:
                self.failed.emit(path.name, Failure.of(error))
        self._session.set_tolerances(found)

    def of(self, entry: Entry | None) -> PartTolerance | None:
        """Those of its kind of part."""
        return None if entry is None or entry.raw is None else self._session.tolerances.get(entry.raw.category)

    def ready(self, entry: Entry | None) -> bool:
        """Whether regions can be drawn on this scan: it is measured, and judged by those there are."""
        if entry is None or entry.raw is None or entry.raw.expected is None or entry.past is not None:
            return False
        return entry.tolerated is self.of(entry)

    def add(self, entry: Entry, place: DoubleArray, tolerance: Tolerance) -> None:
        """A ball around a place (3,) of this scan. The first makes it the reference of its kind of part."""
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
        """Another name, tolerance or place of a region."""
        if (part := self.of(entry)) is not None:
            zones = list(part.zones)
            zones[index] = replace(zones[index], **changes)  # type: ignore[arg-type]  # checked by the dataclass
            self._keep(entry, replace(part, zones=tuple(zones)))

    def remove(self, entry: Entry, index: int) -> None:
        """The last one takes the others' rest along: the model's own tolerance counts everywhere again."""
        if (part := self.of(entry)) is not None:
            zones = part.zones[:index] + part.zones[index + 1 :]
            self._keep(entry, replace(part, zones=zones) if zones else None)

    def set_elsewhere(self, entry: Entry, tolerance: Tolerance | None) -> None:
        """What is allowed outside of the regions; None leaves it to the model."""
        if (part := self.of(entry)) is not None:
            self._keep(entry, replace(part, elsewhere=tolerance))

    def take(self, entry: Entry, path: Path) -> None:
        """The regions of that file, for this kind of part."""
        self._tried(path, lambda: self._keep(entry, read_part_tolerance(path)))

    def give(self, entry: Entry, path: Path) -> None:
        """Write them for the command line."""
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
    """Where a place (3,) of a scan is on its reference, and by how much lengths are longer there.

    zones: the part's, as they lie on the scan; the nearest of them says how that lies.
    """
    pairs = [(own.place, mine.place) for own, mine in zip(part.zones, zones, strict=False)]
    known = [(own, mine) for own, mine in pairs if own is not None and mine is not None]
    own, mine = min(known, key=lambda pair: float(np.linalg.norm(pair[1].centre - place)))
    factor = float(own.half[0] / mine.half[0])
    return own.centre + factor * own.axes.T @ mine.axes @ (place - mine.centre), factor
