"""Long sessions must not use up references to None, True and False: in a process of its own, failing means dying."""

from __future__ import annotations

import subprocess
import sys

CALLS = """
import app
from PySide6.QtCore import QObject
thing = QObject()
for _ in range(2_000_000):
    thing.setObjectName("x")
    thing.blockSignals(True)
    thing.isWindowType()
print("alive")
"""


def test_two_million_calls_into_qt_leave_python_alive() -> None:
    done = subprocess.run([sys.executable, "-c", CALLS], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "alive", done.stderr
