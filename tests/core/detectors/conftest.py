"""What the tests of all detectors begin with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import pytest

pytest.register_assert_rewrite("contract")

from tiny_run import part, scan_of  # noqa: E402

from sedir_core.detectors.base import Detector  # noqa: E402
from sedir_core.types import Detection, Scan  # noqa: E402


@pytest.fixture(scope="module")
def good() -> Scan:
    """A bracket that no training has seen."""
    return scan_of(part("bracket", 100))


@pytest.fixture(scope="module")
def said_of_good(peers: Mapping[str, Detector], good: Scan) -> Callable[[str], Detection]:
    """What a method finds in it, looked for once."""
    return cache(lambda method: peers[method].detect(good, "bracket"))
