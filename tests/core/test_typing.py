"""What mypy is told of PySide, so that the window is checked as strictly as the core."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]
SOURCE = """
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel

label = QLabel("a", wordWrap=True, objectName="quiet")
action = QAction("b", triggered=lambda: None)
"""


def said_of(source: str, folder: Path) -> str:
    """Mypy's report, with the project's settings."""
    file = folder / "sample.py"
    file.write_text(source)
    return api.run(["--config-file", str(ROOT / "pyproject.toml"), str(file)])[0]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # the plugin's path counts from there, and its cache is warm


def test_properties_and_signals_are_keywords(tmp_path: Path) -> None:
    assert "Success" in said_of(SOURCE, tmp_path)


def test_a_misspelt_property_and_a_wrong_value_are_errors(tmp_path: Path) -> None:
    said = said_of(SOURCE.replace("wordWrap=True", "wordWrp=True"), tmp_path)
    assert '"wordWrp"' in said
    said = said_of(SOURCE.replace("wordWrap=True", 'wordWrap="yes"'), tmp_path)
    assert 'expected "bool"' in said or "No overload" in said
