"""What the tests of all detectors begin with."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("contract")

from tiny_run import part, scan_of  # noqa: E402

from sedir_core.types import Scan  # noqa: E402


@pytest.fixture(scope="module")
def good() -> Scan:
    """A bracket that no training has seen."""
    return scan_of(part("bracket", 100))
