"""Fixtures for every test, and the rule that silence is tested: stray threads and Qt's own complaints fail."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
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

SHARED = "SHARED_BY_TESTS"
"""The variable that names the folder of this run of the tests."""
# Half a minute and more each, about the longest first. xdist would begin with the files of most tests, and end with
# these.
LONGEST = (
    "test_postgres",  # may have to install the server: its processor is free for mypy meanwhile
    "test_evidence_identify",  # trains `tiny` while another worker has something to do that needs none
    "test_app_train_processes",
    "test_evidence_views",
    "test_evidence_variation",
    "test_end_to_end",
    "test_cluster",
    "test_ice_growing",
    "test_evidence_fixed_camera",
    "test_evidence_calibration",
    "test_training_team",
    "test_cli_demo",
    "test_training_implicit",
    "test_detectors_networks",
    "test_detectors_degenerate",
    "test_training_warm",
    "test_detectors_peers",
    "test_app_train",
    "test_training_faults",
    "test_app_ice",
    "test_ice",
    "test_app_window",
    "test_app_end_to_end",
    "test_detectors_mc3dad",
    "test_io_libraries",
)
THREAD_GRACE_S = 2.0
# Threads of libraries that live as long as the process.
LASTING_THREADS = ("pytest_timeout", "ThreadPoolExecutor", "asyncio", "tqdm", "QThread", "Dummy", "loky", "pydev")


def pytest_configure(config: pytest.Config) -> None:
    """One folder for all workers of this run: what is aligned or trained for many tests, is so once.

    The cache in it is that of all that they start, too: nothing is taken from the user's own, nor left there.
    """
    if not hasattr(config, "workerinput"):  # workers inherit the variables
        folder = Path(tempfile.mkdtemp(prefix="sedir-tests-"))
        (folder / "cache").mkdir()
        os.environ[SHARED], os.environ["XDG_CACHE_HOME"] = str(folder), str(folder / "cache")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: the last to begin is then a short one, and no worker waits long for another."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


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
def tiny() -> TinyRun:
    """A real run, trained once for all tests of all workers; it is theirs together, so they change nothing in it."""
    from filelock import FileLock

    shared = Path(os.environ[SHARED])
    kept = shared / "tiny.pickle"
    with FileLock(shared / "tiny.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(_trained(Path(tempfile.mkdtemp(prefix="tiny-", dir=shared)))))
        run: TinyRun = pickle.loads(kept.read_bytes())
    return run


def _trained(folder: Path) -> TinyRun:
    """From nothing, and later trainings begin where it did."""
    import torch
    from tiny_run import train_tiny

    from sedir_core.places import writable_folders

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
