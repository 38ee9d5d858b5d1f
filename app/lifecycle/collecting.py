"""Python's search for unreachable cycles, done by the window's thread when it has a moment.

Left to itself it runs in whichever thread happens to allocate, with every other thread waiting: with torch loaded it
looks through a million objects for a fifth of a second, and it may delete a widget from a worker's thread.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 500
FIRST_MS = 20_000
"""By then the libraries are loaded; of what they make for good nothing is worth a search."""


class Collector(QObject):
    """Takes the search over from Python until `close`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=FIRST_MS)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def keep_all(self) -> None:
        """Never look again at what is there now: libraries that have just been loaded, which stay to the end."""
        gc.freeze()

    def close(self) -> None:
        """Give it back. Everything is looked at again."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    def _collect(self) -> None:
        """The oldest generation that is due, as Python would choose it."""
        self._timer.setInterval(INTERVAL_MS)
        due = [count > most for count, most in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if due[0]:
            gc.collect(2 if due[2] else 1 if due[1] else 0)
