"""Fixtures for every test, and the rule that silence is tested: stray threads and Qt's own complaints fail."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
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
# The same of the pictures: Mesa paints them by software, with a thread for each core in each of pytest's workers.
os.environ.setdefault("LP_NUM_THREADS", "1")

# A shell's job in the background ignores Ctrl-C, and so would every program that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

THREAD_GRACE_S = 2.0
# Threads of libraries that live as long as the process.
LASTING_THREADS = ("pytest_timeout", "ThreadPoolExecutor", "asyncio", "tqdm", "QThread", "Dummy", "loky", "pydev")


def pytest_configure(config: pytest.Config) -> None:
    """One cache folder for all workers of this run and all that they start: what is aligned, is aligned once.

    Nothing is taken from the user's own, nor left there.
    """
    if not hasattr(config, "workerinput"):  # workers inherit the variable
        folder = tempfile.mkdtemp(prefix="sedir-tests-")
        os.environ["XDG_CACHE_HOME"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


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
    """A real run, trained once for all tests that ask for it: from nothing, and later trainings begin where it did."""
    import torch
    from tiny_run import train_tiny

    from sedir_core.places import writable_folders

    folder = tmp_path_factory.mktemp("tiny")
    deterministic = torch.are_deterministic_algorithms_enabled()
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng(devices=[]):
        patch.setattr("sedir_core.datasets.cache.writable_folders", lambda: {"cache": folder / "cache"})
        run = train_tiny(folder)
    torch.use_deterministic_algorithms(deterministic)
    shutil.copytree(folder / "cache", writable_folders()["cache"], dirs_exist_ok=True)
    return run


@pytest.fixture(scope="session")
def detector(tiny: TinyRun) -> SedirDetector:
    from sedir_core.detectors.sedir import SedirDetector

    return SedirDetector.load(tiny.path, "cpu")
