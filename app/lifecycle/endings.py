"""Termination by signals, and the traces left by a crash."""

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

from sedir_core.names import PlainFormatter

LOG, FAULTS = "window.log", "faults"
LOG_BYTES, LOG_COUNT = 500_000, 2
FAULTS_KEPT = 5


class Signals(QObject):
    """Turns SIGTERM, SIGINT and SIGHUP into a call in the GUI thread.

    Python runs handlers between bytecode instructions, and an idle Qt event loop executes none; the wakeup socket makes
    it do so.
    """

    def __init__(self, end: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ours, theirs = socket.socketpair()
        self._ours.setblocking(False)
        theirs.setblocking(False)
        self._theirs = theirs
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        names = ("SIGTERM", "SIGINT", "SIGHUP")  # Windows has no SIGHUP
        self._before: dict[int, Any] = {
            getattr(signal, name): signal.SIG_DFL for name in names if hasattr(signal, name)
        }
        for number in self._before:
            self._before[number] = signal.signal(number, lambda *_: None)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(lambda *_: self._on_signal(end))

    def close(self) -> None:
        """Restore the previous handlers."""
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
    """The file to which faulthandler writes the stacks if the process crashes."""

    def __init__(self, folder: Path) -> None:
        """If the folder is not writable, stacks go to stderr."""
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
        """Regular exit: remove the empty file."""
        faulthandler.disable()
        if self._file is not None:
            self._file.close()
            if self.path.stat().st_size == 0:
                self.path.unlink()


def last_fault(folder: Path, since: float) -> str:
    """Content of the newest fault file written after `since` (seconds since 1970); empty if there was no crash."""
    found = [path for path in folder.glob(f"{FAULTS}-*.txt") if path.stat().st_size and path.stat().st_mtime >= since]
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return "" if newest is None else newest.read_text("utf-8", "replace")


def log_to(folder: Path) -> None:
    """Also write the log to a file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(folder / LOG, maxBytes=LOG_BYTES, backupCount=LOG_COUNT, encoding="utf-8")
    except OSError as error:
        logging.getLogger(__name__).warning("no log file: %s", error)
        return
    handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


def _drop_old(folder: Path) -> None:
    old = sorted(folder.glob(f"{FAULTS}-*.txt"), key=lambda path: path.stat().st_mtime)[:-FAULTS_KEPT]
    for path in old:
        path.unlink(missing_ok=True)
