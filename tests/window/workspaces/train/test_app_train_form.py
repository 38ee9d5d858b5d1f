"""The settings form, and the curves of a training."""

from __future__ import annotations

import numpy as np
from pytestqt.qtbot import QtBot
from trainings import type_into

from app.views.curves import CurveGrid, readable, smoothed
from app.widgets.config_form import ConfigForm
from app.widgets.theme import DARK, LIGHT
from app.workspaces.train.progress_panel import remaining
from sedir_core.config import preset


def test_the_form_checks_as_one_types(qtbot: QtBot) -> None:
    form = ConfigForm(preset("desktop"))
    qtbot.addWidget(form)
    field = form.fields["training", "epochs"]
    for text, wrong in (("x", "must be a whole number"), ("0", "must be 1 to 100000"), ("7", "")):
        type_into(qtbot, form, "training", "epochs", text)
        assert field.wrong.text() == wrong
        assert (form.config is None) == bool(wrong)
    assert form.config is not None and form.config.training.epochs == 7
    type_into(qtbot, form, "network", "width", "130")
    assert form.config is None
    assert "multiple of heads" in form.trouble.text()


def test_the_form_keeps_a_preset_as_it_is(qtbot: QtBot) -> None:
    for name in ("desktop", "paper", "tiny"):
        for method in ("sedir", "mc3d-ad"):
            form = ConfigForm(preset(name, method))
            qtbot.addWidget(form)
            form._check()
            assert form.config == preset(name, method)


def test_simple_settings_are_shown_first(qtbot: QtBot) -> None:
    form = ConfigForm(preset("desktop"))
    qtbot.addWidget(form)
    form.show()
    shown = {key for key, field in form.fields.items() if field.isVisible()}
    assert ("training", "epochs") in shown
    assert not shown & {
        ("training", "clip_norm"), ("training", "learning_rate"), ("grouping", "n_groups"), ("network", "width"),
    }  # fmt: skip
    form.show_all(True)
    assert form.fields["training", "clip_norm"].isVisible()


def test_smoothing_keeps_few_points_and_does_not_lag() -> None:
    few = [(float(i), float(i * i)) for i in range(10)]
    assert smoothed(few) == few
    line = [(float(i), 3.0 * i) for i in range(200)]
    assert np.allclose(smoothed(line), line)


def test_numbers_are_short() -> None:
    assert [readable(v) for v in (0.0, 0.43612, 12.345, 0.000988, 123456.0)] == [
        "0",
        "0.436",
        "12.3",
        "9.9e-4",
        "1.2e5",
    ]
    assert [remaining(s) for s in (0.2, 45, 600, 90_000)] == [
        "about 1 s left", "about 45 s left", "about 10 min left", "about 25.0 h left",
    ]  # fmt: skip


def test_charts_come_and_go_with_their_series(qtbot: QtBot) -> None:
    grid = CurveGrid(LIGHT, {})
    qtbot.addWidget(grid)
    grid.show_series({"rec": [(1, 1.0), (2, float("nan")), (3, 0.01)], "lr": [(1, 0.1)]}, 3)
    grid.grab()
    grid.set_theme(DARK)
    grid.show_series({"lr": [(1, 0.1), (2, 0.05)]}, 3)
    grid.grab()
    assert list(grid.charts) == ["lr"]


def test_only_settings_that_the_method_reads_are_shown(qtbot: QtBot) -> None:
    form = ConfigForm(preset("desktop"))
    qtbot.addWidget(form)
    form.show_all(True)
    form.show()
    assert not form.fields["po3ad", "voxel"].isVisible()
    form.show_config(preset("desktop", "po3ad"))
    assert form.fields["po3ad", "voxel"].isVisible()
    assert not form.fields["r3dad", "draws"].isVisible()
    form.show_all(False)
    assert not form.fields["po3ad", "voxel"].isVisible()
