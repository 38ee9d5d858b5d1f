"""Recording from the command line while the database does not answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sedir_core.errors import BadHistory, UserError
from sedir_core.history import headless
from sedir_core.history.headless import Records
from sedir_core.history.outbox import Flushed


class SlowServer:
    """An outbox whose tries take two seconds each and fail; and the clock that says so."""

    room, trouble = 0, BadHistory("server", "the database cannot be reached", "wait")

    def __init__(self) -> None:
        self.now, self.tries, self.waiting = 100.0, 0, 0

    def monotonic(self) -> float:
        return self.now

    def put(self, write: object, n_bytes: int = 0) -> None:
        self.waiting += 1

    def flush(self) -> Flushed:
        self.tries, self.now = self.tries + 1, self.now + 2.0
        return Flushed(0, self.trouble)

    def close(self) -> None:
        pass

    def __len__(self) -> int:
        return self.waiting


def test_thousands_of_scans_do_not_wait_for_a_server_each(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SlowServer()
    monkeypatch.setattr(headless, "Outbox", lambda *_: server)
    monkeypatch.setattr(headless, "time", server)
    monkeypatch.setattr(headless, "describe", lambda _: (None, b""))
    monkeypatch.setattr(headless, "Finished", lambda *_: None)
    monkeypatch.setattr(headless, "relimit", lambda *_: None)
    place: Any = None
    detector: Any = SimpleNamespace(method="plain")
    records = Records(place, place, detector, "", "", 1)
    one: Any = SimpleNamespace(detection=None, path=None, scan=None, seconds={})
    said: list[UserError | None] = []
    for _ in range(100):
        said.append(records.add(one))
        server.now += 0.1
    assert server.tries == 1
    assert said == [server.trouble] * 100
    server.now += 20.0
    records.add(one)
    assert server.tries == 2
    assert records.finish() == (101, server.trouble)
    assert server.tries == 3
