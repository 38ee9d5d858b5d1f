"""The window closed in the middle of work: the program ends by itself, soon, with status 0, and leaves nothing."""

from __future__ import annotations

import sys

import pytest
from app_helpers import crowding, dented_sphere, save_ply
from closing import MOMENTS, close_during

from sedir_core.io.scans import read_scan

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for orphans in /proc")


@pytest.mark.parametrize("moment", MOMENTS)
def test_closing_during_work_ends_the_program_and_leaves_no_process(moment, tmp_path):
    scan = save_ply(tmp_path / "scan.ply", dented_sphere(8_000).points)
    ending = close_during(moment, scan, tmp_path)
    assert (ending.status, ending.orphans) == (0, []), ending.log
    assert ending.seconds < 5 * crowding()
    assert "Traceback" not in ending.log
    written = sorted(tmp_path.glob("out*"))
    assert moment != "export" or written
    assert all(len(read_scan(path)) == 8_000 for path in written)  # whole, or not there at all
