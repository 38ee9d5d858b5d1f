"""Runs Python's garbage collector in the GUI thread when it is idle.

By default it runs in whichever thread happens to allocate while all others wait: with torch loaded it traverses a
million objects in a fifth of a second, and it may delete a widget from a worker thread.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 500
FIRST_MS = 20_000
"""By then the libraries are loaded, and their permanent objects are not worth traversing."""


class Collector(QObject):
    """Replaces the automatic collector until `close`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self, interval=FIRST_MS)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def keep_all(self) -> None:
        """Exclude all present objects from collection: libraries that have just been loaded and stay to the end."""
        gc.freeze()

    def close(self) -> None:
        """Re-enable the automatic collector for all objects."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    def _collect(self) -> None:
        """Collect the oldest generation that is due, as Python would."""
        self._timer.setInterval(INTERVAL_MS)
        due = [count > most for count, most in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if due[0]:
            gc.collect(2 if due[2] else 1 if due[1] else 0)
