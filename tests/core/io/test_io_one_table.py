"""A format is a reader and a row: dialogs, help and the doctor read the one table."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from sedir_core.io.formats import FORMATS, Format, dialog_filter, readers

ROOT = Path(__file__).parents[3]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
SOURCES = sorted(path for package in ("sedir_core", "app") for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("library", sorted(readers()))
def test_an_optional_library_is_named_by_the_table_and_its_reader_alone(library: str) -> None:
    named = [path.name for path in SOURCES if re.search(rf"[\"']{library}[\"']", path.read_text("utf-8"))]
    assert named == ["formats.py"]


def test_every_optional_library_can_be_installed_with_an_extra() -> None:
    offered = {re.split(r"[<>=]", need)[0] for extra in ("formats", "cad") for need in EXTRAS[extra]}
    assert set(readers()) <= offered
    assert readers()["trimesh"] == "GLB and 3MF"


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
def test_dialogs_offer_every_format(one: Format) -> None:
    assert all(f"*{suffix} " in dialog_filter() for suffix in one.suffixes)
