"""Takes turns in drawing: one view per event loop iteration, so that the window stays responsive."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

Draw = Callable[[], None]


class Turns(QObject):
    """First come, first served; a repeated request replaces the earlier one in its place."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[object, Draw] = {}
        self._next = QTimer(self, singleShot=True)
        self._next.timeout.connect(self._draw_one)

    def ask(self, who: object, draw: Draw) -> None:
        """Call `draw` when it is this view's turn."""
        self._waiting[who] = draw
        if not self._next.isActive():
            self._next.start(0)

    def leave(self, who: object) -> None:
        """Withdraw the request."""
        self._waiting.pop(who, None)

    def _draw_one(self) -> None:
        if not self._waiting:
            return
        who = next(iter(self._waiting))
        draw = self._waiting.pop(who)
        if self._waiting:
            self._next.start(0)
        draw()
