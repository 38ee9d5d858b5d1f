"""Named saved sections, shared by all scans, since parts of a kind are cut alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from app.views.section import CuttingPlane


@dataclass(frozen=True, eq=False)
class KeptSection:
    """plane: around the origin of whatever scan is cut."""

    name: str
    plane: CuttingPlane


class KeptSections(QObject):
    """Emits `changed` after every change."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sections: list[KeptSection] = []

    @property
    def all(self) -> Sequence[KeptSection]:
        """In the order in which they were saved."""
        return tuple(self._sections)

    def at(self, plane: CuttingPlane | None) -> int | None:
        """Index of the saved section with that plane, if any."""
        return next((index for index, one in enumerate(self._sections) if one.plane is plane), None)

    def keep(self, plane: CuttingPlane, name: str) -> None:
        """Save under that name, numbered if it is taken."""
        self._sections.append(KeptSection(self._free(name), plane))
        self.changed.emit()

    def rename(self, index: int, name: str) -> None:
        """Rename; an empty name is ignored, a taken one gets a number."""
        if name.strip() and name.strip() != self._sections[index].name:
            self._sections[index] = replace(self._sections[index], name=self._free(name.strip()))
            self.changed.emit()

    def remove(self, index: int) -> None:
        """Forget it."""
        del self._sections[index]
        self.changed.emit()

    def _free(self, name: str) -> str:
        taken = {one.name for one in self._sections}
        return next(one for one in (name, *(f"{name} ({n})" for n in range(2, len(taken) + 3))) if one not in taken)
