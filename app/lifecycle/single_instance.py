"""One window for each user and screen: a second start hands its paths to the first and ends.

A local socket; the name is the user's, the screen's and the settings file's, so different users, and two screens of one
user, have windows of their own.
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
LONGEST = 1_000_000  # bytes of a message; a thousand paths have a tenth of that
ANSWER = b"ok\n"


@dataclass(frozen=True)
class Request:
    """What a second start wants opened. paths: absolute. model: a run directory, or None for the one in use."""

    paths: tuple[Path, ...]
    model: Path | None = None

    def to_bytes(self) -> bytes:
        model = None if self.model is None else str(self.model)
        return json.dumps({"paths": [str(path) for path in self.paths], "model": model}).encode() + b"\n"

    @staticmethod
    def of(content: bytes) -> Request:
        """Raises ValueError if these are no words of ours."""
        found = parse_json(content)
        if not isinstance(found, dict) or not isinstance(found.get("paths"), list):
            raise ValueError("no list of paths")
        model = found.get("model")
        return Request(tuple(Path(str(path)) for path in found["paths"]), None if model is None else Path(str(model)))


def server_name(settings_path: Path) -> str:
    """The same for every start of this user on this screen with these settings."""
    screen = os.environ.get("WAYLAND_DISPLAY", "") + os.environ.get("DISPLAY", "")
    whole = "\n".join((getpass.getuser(), screen, str(settings_path.absolute())))
    return "sedir-inspect-" + hashlib.sha256(whole.encode()).hexdigest()[:16]


class FirstWindow(QObject):
    """Listens for second starts, where this is the first one; `asked` brings what they want opened."""

    asked = Signal(object)  # Request

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def become(self, name: str, request: Request) -> bool:
        """True if this is the first window now; False if the first one has taken over the request.

        Where neither works, as in a folder that cannot be written, this becomes a window that nobody finds.
        """
        lock = FileLock(Path(tempfile.gettempdir()) / f"{name}.lock", timeout=CONNECT_MS / 1000)
        try:
            with lock:  # of two starts at once, one connects to the other
                if hand_over(name, request):
                    return False
                QLocalServer.removeServer(name)  # the socket of a window that was killed
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
                log.warning("a start that was not understood: %s", error)
                socket.abort()
                return
            socket.write(ANSWER)
            socket.flush()
            socket.disconnectFromServer()
            self.asked.emit(request)


def hand_over(name: str, request: Request) -> bool:
    """Give the request to the first window; False if there is none, it is not this user's, or it does not answer."""
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
    """As they are meant here: the first window works in another folder."""
    return tuple(path.absolute() for path in paths)


def _is_foreign(socket: Path) -> bool:
    """Whether another user made the socket; what somebody opens is nobody else's business."""
    try:
        return hasattr(os, "getuid") and socket.stat().st_uid != os.getuid()
    except OSError:
        return False
