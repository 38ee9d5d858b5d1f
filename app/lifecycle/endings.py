"""How the program ends when it is told to from outside, and what is left where it could not say goodbye."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

from PySide6.QtCore import QObject, QSocketNotifier

LOG, FAULTS = "window.log", "faults"
LOG_BYTES, LOG_COUNT = 500_000, 2
FAULTS_KEPT = 5


class Signals(QObject):
    """Turns SIGTERM, SIGINT and SIGHUP into a call in the GUI thread.

    Python runs its handlers between two of its instructions, and Qt's loop executes none while nothing happens; the
    wakeup socket makes something happen.
    """

    def __init__(self, end: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        theirs.setblocking(False)
        self._theirs = theirs
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        names = ("SIGTERM", "SIGINT", "SIGHUP")  # SIGHUP is unknown to Windows
        self._before: dict[int, Any] = {
            getattr(signal, name): signal.SIG_DFL for name in names if hasattr(signal, name)
        }
        for number in self._before:
            self._before[number] = signal.signal(number, lambda *_: None)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(lambda *_: self._on_signal(end))

    def close(self) -> None:
        """Put everything back as it was."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._ours.close()
        self._theirs.close()

    def _on_signal(self, end: Callable[[], object]) -> None:
        with suppress(BlockingIOError):
            self._ours.recv(64)
        end()


class Faults:
    """The place where the interpreter writes its stacks when the process dies of a fault (faulthandler)."""

    def __init__(self, folder: Path) -> None:
        """Where the folder cannot be written, stacks go to the error stream."""
        self._file: TextIO | None = None
        self.path = folder / f"{FAULTS}-{os.getpid()}.txt"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8")
            _drop_old(folder)
        except OSError as error:
            logging.getLogger(__name__).warning("no fault log: %s", error)
            faulthandler.enable()
        else:
            faulthandler.enable(self._file)

    def close(self) -> None:
        """The process ends as it should: the empty file goes."""
        faulthandler.disable()
        if self._file is not None:
            self._file.close()
            if self.path.stat().st_size == 0:
                self.path.unlink()


def last_fault(folder: Path, since: float) -> str:
    """What the newest fault file says that was written after `since` (seconds since 1970); empty if nothing died."""
    found = [path for path in folder.glob(f"{FAULTS}-*.txt") if path.stat().st_size and path.stat().st_mtime >= since]
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return "" if newest is None else newest.read_text("utf-8", "replace")


def log_to(folder: Path) -> None:
    """Keep what the program logs in a file, too."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(folder / LOG, maxBytes=LOG_BYTES, backupCount=LOG_COUNT, encoding="utf-8")
    except OSError as error:
        logging.getLogger(__name__).warning("no log file: %s", error)
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


def _drop_old(folder: Path) -> None:
    old = sorted(folder.glob(f"{FAULTS}-*.txt"), key=lambda path: path.stat().st_mtime)[:-FAULTS_KEPT]
    for path in old:
        path.unlink(missing_ok=True)
