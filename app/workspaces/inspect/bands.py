"""The tolerance band of each category, and which deviation is shown."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Signal

from app.state.entries import Entry
from app.state.session import Session
from app.state.settings import Settings
from app.workspaces.inspect.wording import lengths_of
from sedir_core.drawing.deviation_scale import DeviationScale, default_band, default_far
from sedir_core.types import Tolerance

LEAST = 1e-9
"""Smallest half of a band, as a share of the wider half."""


class Bands(QObject):
    """Persistent bands in the display unit; emits `changed` after every change."""

    changed = Signal()

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings

    @property
    def rigid(self) -> bool:
        """Whether the smooth part-to-part variation counts as deviation."""
        return self._settings.rigid_deviation

    @rigid.setter
    def rigid(self, on: bool) -> None:
        if on != self.rigid:
            self._settings.rigid_deviation = on
            self.changed.emit()

    def of(self, entry: Entry) -> Tolerance:
        """In the display unit: the user's band, else the model's tolerance, else the default."""
        if (kept := self._settings.bands.get(self._key(entry))) is not None:
            return kept
        if entry.raw is not None and entry.raw.tolerance is not None:
            return entry.raw.tolerance
        return default_band(self._radius(entry))

    def scale(self, entry: Entry) -> DeviationScale:
        """Colour scale in the display unit."""
        return DeviationScale(self.of(entry), default_far(self._radius(entry)))

    def scale_in_scan(self, entry: Entry) -> DeviationScale:
        """Colour scale in the scan's own unit, like its deviations."""
        return self.scale(entry).times(1.0 / self._factor(entry))

    def set(self, entry: Entry, band: Tolerance | None) -> None:
        """Set the band for all scans of this kind; None restores the default."""
        if band is not None and not (math.isfinite(band.plus - band.minus) and band.plus - band.minus > LEAST):
            return
        bands = {name: kept for name, kept in self._settings.bands.items() if name != self._key(entry)}
        self._settings.bands = bands if band is None else {**bands, self._key(entry): band}
        self.changed.emit()

    def is_set(self, entry: Entry) -> bool:
        """Whether the user has set it."""
        return self._key(entry) in self._settings.bands

    def _key(self, entry: Entry) -> str:
        category = "" if entry.raw is None else entry.raw.category
        return f"{category} in {lengths_of(entry.raw, self._session.unit).unit or 'its unit'}"

    def _factor(self, entry: Entry) -> float:
        return lengths_of(entry.raw, self._session.unit).factor

    def _radius(self, entry: Entry) -> float:
        return self._factor(entry) * (1.0 if entry.shape is None else entry.shape.radius)
