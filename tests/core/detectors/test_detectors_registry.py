"""One table of methods: every row has its code, its presets and its place among the settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs_on_disk import write_run

from sedir_core.config import METHODS, PRESETS, Config, preset
from sedir_core.detectors.registry import BY_NAME, TABLE, Method, code, load, method_of
from sedir_core.errors import BadConfig, BadRun


def test_no_name_and_no_label_comes_twice() -> None:
    assert len(BY_NAME) == len(TABLE) == len({one.label for one in TABLE})


@pytest.mark.parametrize("method", TABLE, ids=lambda one: one.name)
def test_every_method_has_its_code(method: Method) -> None:
    assert callable(code(method.detector).load)
    assert callable(code(method.learner))


@pytest.mark.parametrize("method", TABLE, ids=lambda one: one.name)
def test_every_method_has_every_preset(method: Method) -> None:
    assert [preset(name, method.name).method for name in PRESETS] == [method.name] * len(PRESETS)


@pytest.mark.parametrize("method", TABLE, ids=lambda one: one.name)
def test_what_only_memorises_says_how_long_that_takes(method: Method) -> None:
    assert (method.scan_s > 0) == (not method.learns)


def test_an_unknown_method_is_no_configuration() -> None:
    with pytest.raises(BadConfig, match="no such method"):
        preset("tiny", "nearest-neighbour")
    with pytest.raises(ValueError, match="no such method"):
        Config(method="nearest-neighbour")
    assert "nearest-neighbour" not in METHODS


def test_a_run_of_a_method_to_come_is_refused(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run")
    about = path / "about.json"
    about.write_text(about.read_text().replace('"method":"sedir"', '"method":"later"'))
    for ask in (method_of, load):
        with pytest.raises(BadRun, match="unknown to this version: later"):
            ask(path)
