"""Fixtures for every test, and the rule that silence is tested: stray threads and Qt's own complaints fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

THREAD_GRACE_S = 2.0
# Threads of libraries that live as long as the process.
LASTING_THREADS = ("pytest_timeout", "ThreadPoolExecutor", "asyncio", "tqdm", "QThread", "Dummy", "loky", "pydev")


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """A test leaves no thread behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + THREAD_GRACE_S
    while (left := _ours(before)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, f"threads left running: {left}"


def _ours(before: set[threading.Thread]) -> list[str]:
    new = set(threading.enumerate()) - before
    return sorted(thread.name for thread in new if not thread.name.startswith(LASTING_THREADS))
