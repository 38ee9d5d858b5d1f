"""Inspections to record, the same in every test."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from sedir_core.history.records import DefectNote, Inspection
from sedir_core.history.store import History
from sedir_core.history.stored_result import StoredResult, content_hash, encode
from sedir_core.types import Defect, Detection, Tolerance

DAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
FOLDER = Path(__file__).parent


def detection(n: int = 100, score: float = 0.5) -> Detection:
    """One defect of three points; every tenth point is not evaluated."""
    scores = np.linspace(0, score, n).astype(np.float32)
    scores[::10] = np.nan
    members = np.array([n - 3, n - 2, n - 1])
    defect = Defect(np.array([1.0, 2.0, 1 / 3]), np.array([0.1, 0.2, 0.3]), score, 1.25, members)
    return Detection(
        scores, score, 0.4, 0.3, "ball", 0.93, False, "one defect", np.linspace(0, 1, 60).reshape(20, 3),
        np.arange(4, dtype=np.float32), (defect,), {"total": 0.2},
    )  # fmt: skip


def measured_detection(n: int = 100) -> Detection:
    """Out of tolerance, under the limit, with the deviation from an expected surface and a defect described by it."""
    plain = detection(n, 0.2)
    deviation = np.linspace(-0.5, 0.1, n).astype(np.float32)
    deviation[::10] = np.nan
    (defect,) = plain.defects
    dent = replace(
        defect, kind="dent", depth=-0.5, depth_mean=-0.2, size=np.array([3.0, 2.0, 1.0]), axes=np.eye(3)[::-1],
        place="at the rim",
    )  # fmt: skip
    return replace(
        plain, defects=(dent,), regions=(dent, replace(dent, kind=None, size=None, axes=None, place="")),
        deviation=deviation, deviation_rigid=2 * deviation, expected=np.linspace(0, 2, 60).reshape(20, 3),
        rests_on={"network": 0.25, "surface": 0.75}, tolerance=Tolerance(-0.3, 0.4), deviation_range=(-0.5, 0.1),
    )  # fmt: skip


def kept(n: int = 100) -> StoredResult:
    points = np.random.default_rng(0).normal(size=(n, 3))
    found = detection(n)
    return StoredResult(points, found, found)


CONTENT = encode(kept())


def inspection(number: int = 0, **changes: object) -> Inspection:
    """The number-th, a minute after the one before."""
    one = Inspection(
        key=uuid.UUID(int=number).hex,
        time=DAY + timedelta(minutes=number),
        path=f"/scans/part_{number:04d}.ply",
        content_hash=content_hash(np.zeros((3, 3))),
        n_points=100,
        category="ball",
        category_confidence=0.93,
        lot="A1",
        operator="anna",
        station="bench",
        method="sedir",
        model="default",
        model_hash="0" * 64,
        score=0.5,
        threshold=0.4,
        point_threshold=0.3,
        limit_share=1.0,
        verdict="ng",
        uncertain=False,
        reason="one defect",
        seconds=0.2,
        n_defects=1,
        defects=(DefectNote((1.0, 2.0, 3.0), (0.1, 0.2, 0.3), 0.5, 1.25, 3),),
    )
    return replace(one, **changes)


def history(folder: Path, create: bool = True) -> History:
    return History(f"sqlite:///{folder / 'history.sqlite'}", folder / "kept", create)


def child(code: str, folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """Python in a process of its own; the code sees `folder` and `arguments`."""
    head = "import sys\nfrom pathlib import Path\nfolder, arguments = Path(sys.argv[1]), sys.argv[2:]\n"
    path = os.pathsep.join([str(FOLDER), str(FOLDER.parents[2])])
    return subprocess.Popen(
        [sys.executable, "-c", head + code, str(folder), *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def numbers(process: subprocess.Popen[str]) -> list[int]:
    """What the child still prints, until it has ended."""
    assert process.stdout is not None
    with process.stdout:
        said = [int(line) for line in process.stdout]
    process.wait()
    return said
