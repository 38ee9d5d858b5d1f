"""Fixtures for every test, and the rule that silence is tested: stray threads and Qt's own complaints fail."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tiny_run import TinyRun

    from sedir_core.detectors.sedir import SedirDetector

# The tests' arrays are so small that threads only wait for each other; torch and BLAS read this when they load.
os.environ.setdefault("OMP_NUM_THREADS", "1")

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


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """A real run, trained once for all tests that ask for it."""
    import torch
    from tiny_run import train_tiny

    folder = tmp_path_factory.mktemp("tiny")
    deterministic = torch.are_deterministic_algorithms_enabled()
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        patch.setattr("sedir_core.datasets.cache.writable_folders", lambda: {"cache": folder / "cache"})
        run = train_tiny(folder)
    torch.use_deterministic_algorithms(deterministic)
    return run


@pytest.fixture(scope="session")
def detector(tiny: TinyRun) -> SedirDetector:
    from sedir_core.detectors.sedir import SedirDetector

    return SedirDetector.load(tiny.path, "cpu")
