"""Every broken file is refused with path, reason and way out, within 2 s and 200 MiB, and runs no code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from broken_scan_files import BROKEN, irregular

Outcome = dict[str, Any]
IRREGULAR = [
    "fifo.ply",
    "fifo_link.npy",
    "zero.xyz",
    "folder.ply",
    "dangling.stl",
    "missing.ply",
    "loop.pcd",
    "big.xyz",
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    if sys.platform == "win32":
        pytest.skip("needs fork, FIFOs and limits on memory")
    folder = tmp_path_factory.mktemp("broken")
    for name, (content, _) in BROKEN.items():
        (folder / name).write_bytes(content)
    paths = [folder / name for name in BROKEN] + [path for path, _ in irregular(folder)]
    child = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("guarded_read.py"))],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        check=True,
    )
    found = [json.loads(line) for line in child.stdout.splitlines()]
    return {Path(one["path"]).name: one | {"folder": str(folder)} for one in found}


@pytest.mark.parametrize("name", [*BROKEN, *IRREGULAR])
def test_broken_file_is_refused_with_path_reason_and_way_out(name: str, outcomes: dict[str, Outcome]) -> None:
    found = outcomes[name]
    assert found["kind"] in ("UnreadableScan", "TooFewPoints", "UnknownColumns", "NoCoordinates"), found
    assert found["message"].startswith(str(Path(found["folder"], name)) + ": ")
    assert found["hint"]
    assert "memory" not in found["message"]


@pytest.mark.parametrize("name", [*BROKEN, *IRREGULAR])
def test_broken_file_is_refused_quickly_and_in_little_memory(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name]["seconds"] < 2
    assert outcomes[name]["growth_mib"] < 200


@pytest.mark.parametrize("name", BROKEN)
def test_reason_names_the_actual_trouble(name: str, outcomes: dict[str, Outcome]) -> None:
    assert BROKEN[name][1] in outcomes[name]["message"]


def test_reason_names_what_is_no_regular_file(outcomes: dict[str, Outcome], tmp_path: Path) -> None:
    for path, reason in irregular(tmp_path):
        assert reason in outcomes[path.name]["message"]


def test_messages_stay_short(outcomes: dict[str, Outcome]) -> None:
    longest = max(outcomes.values(), key=lambda found: len(found["message"]) - len(found["path"]))
    assert len(longest["message"]) - len(longest["path"]) < 300, longest


def test_no_file_ran_code(outcomes: dict[str, Outcome]) -> None:
    folder = Path(next(iter(outcomes.values()))["folder"])
    assert not (folder / "MARKER").exists()


def test_marker_payload_would_fire(tmp_path: Path) -> None:
    """The control of the test above: unpickled without care, the payload does leave its marker."""
    load = "import pickle, pathlib; pickle.loads(pathlib.Path('payload').read_bytes())"
    (tmp_path / "payload").write_bytes(BROKEN["pickle.npy"][0])
    subprocess.run([sys.executable, "-c", load], cwd=tmp_path, check=True)
    assert (tmp_path / "MARKER").exists()
