"""One window per user and display: a second start passes its paths to the first and exits.

Uses a local socket named after user, display and settings file, so different users, and two displays of one user, have
separate windows.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from sedir_core.documents import parse_json

log = logging.getLogger(__name__)

CONNECT_MS, ANSWER_MS = 1_000, 5_000
LONGEST = 1_000_000  # bytes per message; a thousand paths take a tenth of that
ANSWER = b"ok\n"


@dataclass(frozen=True)
class Request:
    """What a second start asks to open. paths: absolute. model: a run directory, or None for the current one."""

    paths: tuple[Path, ...]
    model: Path | None = None

    def to_bytes(self) -> bytes:
        model = None if self.model is None else str(self.model)
        return json.dumps({"paths": [str(path) for path in self.paths], "model": model}).encode() + b"\n"

    @staticmethod
    def of(content: bytes) -> Request:
        """Raises ValueError if the bytes are not a request."""
        found = parse_json(content)
        if not isinstance(found, dict) or not isinstance(found.get("paths"), list):
            raise ValueError("no list of paths")
        model = found.get("model")
        return Request(tuple(Path(str(path)) for path in found["paths"]), None if model is None else Path(str(model)))


def server_name(settings_path: Path) -> str:
    """The same for every start by this user on this display with these settings."""
    screen = os.environ.get("WAYLAND_DISPLAY", "") + os.environ.get("DISPLAY", "")
    whole = "\n".join((getpass.getuser(), screen, str(settings_path.absolute())))
    return "sedir-inspect-" + hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest()[:16]


class FirstWindow(QObject):
    """Listens for second starts if this is the first; `asked` carries their requests."""

    asked = Signal(object)  # Request

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def become(self, name: str, request: Request) -> bool:
        """True if this is now the first window; False if the first one has taken the request.

        If neither works, as with an unwritable folder, this window runs without being discoverable.
        """
        lock = FileLock(Path(tempfile.gettempdir()) / f"{name}.lock", timeout=CONNECT_MS / 1000)
        try:
            with lock:  # of two simultaneous starts, one connects to the other
                if hand_over(name, request):
                    return False
                QLocalServer.removeServer(name)  # a stale socket of a killed window
                if not self._server.listen(name):
                    log.warning("later starts will open windows of their own: %s", self._server.errorString())
        except (Timeout, OSError) as error:
            log.warning("later starts will open windows of their own: %s", error)
        return True

    def close(self) -> None:
        self._server.close()

    def _on_connection(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(lambda socket=socket: self._on_words(socket))
            socket.disconnected.connect(socket.deleteLater)

    def _on_words(self, socket: QLocalSocket) -> None:
        if socket.bytesAvailable() > LONGEST:
            socket.abort()
        elif socket.canReadLine():
            try:
                request = Request.of(bytes(socket.readLine().data()))
            except ValueError as error:
                log.warning("invalid request from a second start: %s", error)
                socket.abort()
                return
            socket.write(ANSWER)
            socket.flush()
            socket.disconnectFromServer()
            self.asked.emit(request)


def hand_over(name: str, request: Request) -> bool:
    """Pass the request to the first window; False if there is none, it belongs to another user, or does not answer."""
    if _is_foreign(Path(tempfile.gettempdir()) / name):
        return False
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(CONNECT_MS):
        return False
    socket.write(request.to_bytes())
    answered = socket.waitForBytesWritten(ANSWER_MS) and socket.waitForReadyRead(ANSWER_MS)
    taken = answered and bytes(socket.readAll().data()) == ANSWER
    socket.abort()
    return bool(taken)


def absolute(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Resolve paths against our working directory; the first window has a different one."""
    return tuple(path.absolute() for path in paths)


def _is_foreign(socket: Path) -> bool:
    """Whether another user owns the socket; requests are private."""
    try:
        return hasattr(os, "getuid") and socket.stat().st_uid != os.getuid()
    except OSError:
        return False
