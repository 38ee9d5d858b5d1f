"""Where an open scan lies among the model's own tokens: in words, in Compare's plot, by one key, and the way back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from app_helpers import WAIT_MS, SphereDetector, dented_sphere, open_and_wait
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.main_window import MainWindow
from app.state.navigation import PlacedScan
from app.workspaces.ice.page import IcePage
from app.workspaces.ice.placing import place_words
from sedir_core.errors import BadRun
from sedir_core.evaluation.own_tokens import N_DRAWN, OwnTokens, own_tokens
from sedir_core.types import FloatArray, Scan


def kind(radius: float) -> SimpleNamespace:
    surface = SimpleNamespace(points=dented_sphere(400, 0.0, 1.0).points)
    return SimpleNamespace(
        normal=SimpleNamespace(surface=surface), frame=SimpleNamespace(radius=radius, centre=np.zeros(3))
    )


class KnowingDetector(SphereDetector):
    """Its token is the part's size along each axis, and a one."""

    def __init__(self) -> None:
        super().__init__()
        self.known = {"ball": kind(10.0), "marble": kind(3.0)}

    def embed(self, scan: Scan, category: str = "auto") -> FloatArray:
        return np.r_[np.ptp(scan.points, axis=0), 1].astype(np.float32)

    def detect(self, scan: Scan, category: str = "auto", *more: object, **named: object):
        from dataclasses import replace

        return replace(super().detect(scan, category, *more, **named), token=self.embed(scan))


def test_each_kind_of_part_is_drawn_several_times_in_its_own_size() -> None:
    own = own_tokens(KnowingDetector())
    assert own.categories == ("ball", "marble") and np.bincount(own.labels).tolist() == [N_DRAWN, N_DRAWN]
    assert np.allclose(own.tokens[own.labels == 1][:, :3], 6.0, rtol=0.05)
    assert np.array_equal(own.tokens, own_tokens(KnowingDetector()).tokens)


def test_a_model_without_surfaces_says_so() -> None:
    with pytest.raises(BadRun, match="has no surfaces"):
        own_tokens(SphereDetector())


def test_the_nearest_kind_comes_first_in_times_of_the_usual_distance() -> None:
    tokens = np.array([[0, 0], [1, 0], [10, 0], [11, 0]], np.float32)
    own = OwnTokens(("ball", "marble"), tokens, np.array([0, 0, 1, 1]))
    scan = PlacedScan(1, "a.ply", np.array([8, 0], np.float32))
    assert own.nearest(scan.token) == [("marble", 2.0), ("ball", 7.0)]
    assert place_words(own, scan) == "a.ply: nearest to marble (2.0), then ball (7.0)"


@pytest.fixture
def detector() -> KnowingDetector:
    return KnowingDetector()


def test_one_key_leads_from_inspect_to_the_plot_and_a_click_back(
    qtbot: QtBot, window: MainWindow, dented_file: Path, good_file: Path
) -> None:
    first, second = open_and_wait(qtbot, window, dented_file, good_file)
    window.session.show(second.id)
    window.show_workspace("compare")
    page = window._pages["compare"]
    assert isinstance(page, IcePage)
    window.show_workspace("inspect")
    with qtbot.waitSignal(page.model.placed, timeout=WAIT_MS):
        qtbot.keyClick(window, Qt.Key.Key_W)
    assert window.workspace == "compare" and page.stack.currentWidget() is page.own
    assert page.own.placed is not None and page.own.placed.flat.shape == (2 * N_DRAWN + 2, 2)
    assert page.own.words.currentRow() == 1  # the scan that was on show
    assert page.own.words.item(1).text().startswith("good.ply: nearest to ball (")
    assert page.own.view._hover == 2 * N_DRAWN + 1
    page.own.view.clicked.emit(0)  # one of the model's own is no scan to be shown
    assert window.workspace == "compare"
    page.own.view.clicked.emit(2 * N_DRAWN)
    assert window.workspace == "inspect" and window.session.current == first.id


def test_scans_of_another_model_are_left_out(qtbot: QtBot, window: MainWindow, good_file: Path, tmp_path: Path) -> None:
    open_and_wait(qtbot, window, good_file)
    window.session.use_model(tmp_path / "another")
    with qtbot.assertNotEmitted(window.session.navigated):
        window.page.place()
    assert "No open scan" in window.page.messages.text
