"""The numbers behind a verdict: in one place, each with a meaning, and each in use."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from sedir_core.evidence.numbers import GROUPS, SCORES, all_numbers, meanings

ROOT = Path(__file__).parents[3]
SOURCES = [path for path in (ROOT / "sedir_core").rglob("*.py") if not path.name.endswith("numbers.py")]
# What decides keeps no number of its own beside them. None of these judges a scan: what a user measures by hand, the
# words for a place, and the published features of other methods.
NOT_DECIDING = ("fitting", "placing", "fpfh")
DECIDING = sorted(
    path.relative_to(ROOT / "sedir_core")
    for room in ("evidence", "geometry")
    for path in (ROOT / "sedir_core" / room).glob("*.py")
    if not path.name.endswith("numbers.py") and path.stem not in NOT_DECIDING
)
# These keep arithmetic, memory and stored formats within bounds, name units, or say how a progress is shown.
BOUNDS = re.compile(
    r"^(_\w+(, _\w+)*|UNKNOWN|\w+_UNIT|\w+_FROM, \w+_FROM|MOST_\w+(, MOST_\w+)?|WIDEST|CHUNK|PER_RADIUS|FINEST"
    r"|VOXELS|SHARED_WORK|MANY, FEW|N_SPACED, K_SPACED"
    r"|N_DESCRIPTOR|SIGMA_PER_MEDIAN|TUKEY_WIDTH|LOWEST_RATE, HIGHEST_RATE, ALL) = "
)


def test_every_number_has_a_meaning_and_a_user() -> None:
    used = "\n".join(path.read_text("utf-8") for path in SOURCES)
    for group, numbers in all_numbers().items():
        constant = group.upper()
        for name in numbers:
            assert len(meanings()[f"{group}.{name}"]) > 10
            assert re.search(rf"\b{constant}\.{name}\b", used), (group, name)


@pytest.mark.parametrize("module", DECIDING, ids=str)
def test_what_decides_keeps_no_numbers_of_its_own(module: Path) -> None:
    lines = (ROOT / "sedir_core" / module).read_text("utf-8").splitlines()
    numbers = [line for line in lines if re.match(r"^[A-Z_, ]+ = -?[0-9.]", line) and not BOUNDS.match(line)]
    assert numbers == []


def test_nobody_changes_them() -> None:
    with pytest.raises(FrozenInstanceError):
        SCORES.per_spread = 1.0  # type: ignore[misc]
    assert set(GROUPS) == set(all_numbers())


def test_every_group_is_listed() -> None:
    kept = [path for path in (ROOT / "sedir_core").rglob("*numbers.py") if path.parent.name in ("evidence", "geometry")]
    declared = {
        name for path in kept for name in re.findall(r"^([A-Z_]+) = \w+Numbers\(\)", path.read_text("utf-8"), re.M)
    }
    assert declared == {name.upper() for name in GROUPS}
