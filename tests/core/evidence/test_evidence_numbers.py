"""The numbers behind a verdict: in one place, each with a meaning, and each in use."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from sedir_core.evidence.numbers import GROUPS, SCORES, all_numbers, meanings

ROOT = Path(__file__).parents[3]
SOURCES = [path for path in (ROOT / "sedir_core").rglob("*.py") if path.name != "numbers.py"]
# What decides keeps no number of its own beside them. Without places: these keep arithmetic and memory within bounds.
DECIDING = (
    "combination",
    "judge",
    "peaks",
    "identify",
    "category",
    "calibration",
    "coverage",
    "remarks",
    "verdict",
    "fields",
    "layout",
    "aligned_parts",
)
BOUNDS = re.compile(r"^(_\w+|UNKNOWN|\w+_UNIT|\w+_FROM, \w+_FROM) = ")


def test_every_number_has_a_meaning_and_a_user() -> None:
    used = "\n".join(path.read_text("utf-8") for path in SOURCES)
    for group, numbers in all_numbers().items():
        constant = group.upper()
        for name in numbers:
            assert len(meanings()[f"{group}.{name}"]) > 10
            assert re.search(rf"\b{constant}\.{name}\b", used), (group, name)


@pytest.mark.parametrize("module", DECIDING)
def test_what_decides_keeps_no_numbers_of_its_own(module: str) -> None:
    lines = (ROOT / "sedir_core" / "evidence" / f"{module}.py").read_text("utf-8").splitlines()
    numbers = [line for line in lines if re.match(r"^[A-Z_, ]+ = -?[0-9.]", line) and not BOUNDS.match(line)]
    assert numbers == []


def test_nobody_changes_them() -> None:
    with pytest.raises(FrozenInstanceError):
        SCORES.per_spread = 1.0  # type: ignore[misc]
    assert set(GROUPS) == set(all_numbers())
