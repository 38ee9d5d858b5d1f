"""The ICE workspace driven as a user does: compare, hover, click, lasso, seeds, export, cancel."""

from __future__ import annotations

import csv
import pickle
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from app_helpers import WAIT_MS, SphereDetector, dented_sphere, save_ply
from core.runs_on_disk import write_run
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon
from PySide6.QtWidgets import QFileDialog

from app.state.session import Session
from app.state.settings import Settings
from app.views.category_charts import MOST_TICKS, ticks
from app.views.scatter import MarkLook, ScatterView
from app.widgets.theme import DARK, LIGHT
from app.workspaces.ice.page import IcePage
from app.workspaces.ice.panels import mark_icon
from app.workspaces.ice.setup import OTHER, SetupBar
from sedir_core.evaluation.ice_style import BASELINE, DARK_RUNS, MODEL, THIRD, category_style
from sedir_core.types import Detection, Scan

KINDS = ("ball", "marble")


class SizedDetector(SphereDetector):
    """A token of the part's size along each axis; the ones of `mixed` carry noise instead."""

    def __init__(self, mixed: bool, gate: threading.Event | None = None) -> None:
        super().__init__(gate)
        self._mixed = mixed

    def detect(self, scan: Scan, category: str = "auto", **more: object) -> Detection:
        found = super().detect(scan, category, **more)
        size = np.ptp(scan.points, axis=0)
        if self._mixed:
            size = np.random.default_rng(int(1e6 * size[0])).normal(size=3)
        return replace(found, token=np.r_[size, 1].astype(np.float32))


@pytest.fixture(scope="module", autouse=True)
def measured_and_laid_out_once() -> Iterator[None]:
    """Most tests compare the same tokens: t-SNE, a process of its own, and the measures are most of a comparison."""
    from sedir_core.evaluation import ice, tsne

    def once(work: Callable[..., object], asked_of: Callable[..., object]) -> Callable[..., object]:
        known: dict[bytes, object] = {}

        def ask(*given: object) -> object:
            asked = pickle.dumps(asked_of(*given))
            if asked not in known:
                known[asked] = work(*given)
            return known[asked]

        return ask

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tsne, "tsne", once(tsne.tsne, lambda tokens, seed, perplexity, stop: (tokens, seed, perplexity)))
        patch.setattr(
            ice, "result_of", once(ice.result_of, lambda run, *rest: (run.name, run.title, run.detector.method, *rest))
        )
        yield


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Balls of two sizes, slightly different from each other: 3 to learn from, 6 good ones and a dented one each."""
    for kind, radius in zip(KINDS, (10.0, 3.0), strict=True):
        for folder, count in (("", 3), ("ok", 6), ("ng", 1)):
            home = tmp_path / "parts" / kind / folder
            home.mkdir(parents=True, exist_ok=True)
            for i in range(count):
                points = dented_sphere(500, 0.3 if folder == "ng" else 0.0, radius).points
                save_ply(home / f"{i}{folder}.ply", points * (1 + 0.01 * i + 0.1 * np.arange(3)))
    return tmp_path / "parts"


def page_with(qtbot, tmp_path: Path, parts: Path, gate: threading.Event | None = None) -> IcePage:
    runs = [write_run(tmp_path / "runs" / name, seed) for seed, name in enumerate(("good", "mixed"))]
    session = Session(lambda run, device: SizedDetector(run.name == "mixed", gate), runs[0], "cpu")
    page = IcePage(session, Settings(tmp_path / "settings.ini"), LIGHT)
    session.setParent(page)
    page.resize(1280, 760)
    page.setup.use_dataset(parts)
    page.setup.use_run(page.setup.model, runs[0])
    page.setup.use_run(page.setup.baseline, runs[1])
    page.show()
    qtbot.waitExposed(page)
    return page


@pytest.fixture
def page(qtbot, tmp_path, parts) -> Iterator[IcePage]:
    page = page_with(qtbot, tmp_path, parts)
    yield page
    assert page.close_down()
    page.deleteLater()


@pytest.fixture
def compared(qtbot, page) -> IcePage:
    page.setup.anomalous.setChecked(True)
    with qtbot.waitSignal(page.model.compared, timeout=WAIT_MS):
        qtbot.mouseClick(page.setup.compare, Qt.MouseButton.LeftButton)
    return page


def lasso(qtbot, view: ScatterView, *corners: QPoint) -> None:
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=corners[0])
    for corner in corners[1:]:
        qtbot.mouseMove(view, corner)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=corners[-1])


def around(view: ScatterView, indices: np.ndarray) -> list[QPoint]:
    """The corners of a box around samples."""
    at = np.array([(view.position(i).x(), view.position(i).y()) for i in indices.tolist()])
    (x0, y0), (x1, y1) = at.min(axis=0) - 6, at.max(axis=0) + 6
    return [QPoint(round(x), round(y)) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]


def strongest_colour(view: ScatterView, index: int) -> int:
    """The highest saturation within a sample's mark."""
    at, image = view.position(index).toPoint(), view.grab().toImage()
    return max(image.pixelColor(at + QPoint(x, y)).saturation() for x in range(-2, 3) for y in range(-2, 3))


def test_it_says_what_to_do_first(page) -> None:
    assert page.stack.currentWidget() is page.empty
    assert "two runs" in page.empty.words.text()
    assert not any(action.isEnabled() for action in page.actions())


def test_only_finished_runs_are_offered(qtbot, tmp_path) -> None:
    for name in ("begun", "archived", "done"):
        write_run(tmp_path / name)
    (tmp_path / "begun" / "weights.safetensors").unlink()
    (tmp_path / "archived" / "ARCHIVED").touch()
    bar = SetupBar([tmp_path], LIGHT)
    qtbot.addWidget(bar)
    assert [bar.model.itemText(row) for row in range(bar.model.count())] == ["done", OTHER]


def test_a_run_is_not_compared_with_itself(page) -> None:
    page.setup.use_run(page.setup.baseline, page.setup.runs[0])
    assert not page.setup.compare.isEnabled()
    assert "different" in page.setup.compare.toolTip()


def test_a_third_run_joins_every_view_and_a_sample_can_be_turned(qtbot, tmp_path, page) -> None:
    page.setup.use_run(page.setup.third, page.setup.runs[1])
    assert not page.setup.compare.isEnabled()
    page.setup.use_run(page.setup.third, write_run(tmp_path / "runs" / "mixed too", 2))
    with qtbot.waitSignal(page.model.compared, timeout=WAIT_MS):
        page.setup.compare.click()
    assert [view.isVisible() for view in page.results.scatters] == [True] * 3
    assert (
        page.results.titles[2].text().endswith("mixed too")
        and page.results.table.horizontalHeaderItem(3).text() == "mixed too"
    )
    assert "--third" in page.command()
    page.results.legend.setCurrentRow(1)
    assert page.results.scatters[2]._selected.sum() == 6
    with qtbot.waitSignal(page.model.pictured, timeout=WAIT_MS):
        page.results.scatters[2].hovered.emit(3)
    before = page.results.sample.grab().toImage()
    qtbot.keyClick(page.results.sample, Qt.Key.Key_Right)
    assert page.results.sample.grab().toImage() != before


def test_two_runs_leave_no_room_for_a_third(compared) -> None:
    assert [view.isVisible() for view in compared.results.scatters] == [True, True, False]
    assert "--third" not in compared.command()


def test_the_better_run_is_marked(compared) -> None:
    table = compared.results.table
    assert compared.stack.currentWidget() is not compared.empty
    assert table.horizontalHeaderItem(1).text() == "good"
    purity = next(row for row in range(table.rowCount()) if "purity" in table.item(row, 0).text())
    assert table.item(purity, 1).text().startswith("1.000")
    assert table.item(purity, 1).font().bold()
    assert not table.item(purity, 2).font().bold()
    assert len(compared.results.found.samples) == 14


def test_hovering_shows_the_scan_and_a_click_opens_it(qtbot, compared) -> None:
    view = compared.results.scatters[0]
    wanted = 4
    with qtbot.waitSignal(compared.model.pictured, timeout=WAIT_MS):
        view.hovered.emit(wanted)
    assert compared.results.thumbnail.title == compared.results.found.samples[wanted].path.name
    assert compared.results.thumbnail.has_picture
    with qtbot.waitSignal(compared._session.navigated) as opened:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.position(wanted).toPoint())
    index = next(i for i, sample in enumerate(compared.results.found.samples) if (sample.path,) == opened.args[0].paths)
    assert (view.position(index) - view.position(wanted)).manhattanLength() < 12


def test_a_lasso_is_linked_through_all_views(qtbot, compared) -> None:
    view = compared.results.scatters[0]
    balls = np.flatnonzero(compared.results.found.labels == 0)
    lasso(qtbot, view, *around(view, balls))
    assert compared.results.chosen_label.text() == f"{len(balls)} of 14 samples, 1 category"
    for each in compared.results.scatters[:2]:
        np.testing.assert_array_equal(np.flatnonzero(each._selected), balls)
    for chart in (compared.results.scores, compared.results.errors, compared.results.relation):
        assert chart._chosen == {0}
    assert compared.results.confusions[0]._counts.sum() == 6  # the defective one is in no number
    compared.results.show_all.click()
    assert compared.results.scatters[1]._selected is None
    assert compared.results.confusions[0]._counts.sum() == 12


def test_defective_samples_say_that_they_come_and_go_with_the_next_comparison(compared) -> None:
    compared.setup.anomalous.setChecked(False)
    assert compared.messages.isVisible() and "left out from the next comparison" in compared.messages.text
    compared.setup.anomalous.setChecked(True)
    assert not compared.messages.isVisible()


def test_the_legend_selects_a_category(compared) -> None:
    compared.results.legend.setCurrentRow(1)
    assert set(compared.results.found.labels[compared.results.scatters[0]._selected]) == {1}


def test_greyed_marks_are_really_grey(qtbot, compared) -> None:
    view = compared.results.scatters[0]
    # Another mark may cover one where tokens lie close together: the one that shows best is watched.
    marbles = [int(index) for index in np.flatnonzero(compared.results.found.labels == 1)]
    marble = max(marbles, key=lambda index: strongest_colour(view, index))
    before = strongest_colour(view, marble)
    compared.results.legend.setCurrentRow(0)
    after = strongest_colour(view, marble)
    assert before > 80
    assert after < 40


def test_another_seed_lays_the_same_tokens_out_anew(qtbot, compared) -> None:
    before, numbers = compared.results.flat, compared.results.found
    compared.results.seed.setValue(5)
    with qtbot.waitSignal(compared.model.flattened, timeout=WAIT_MS):
        compared.results.seed.editingFinished.emit()
    assert compared.results.flat.seed == 5
    assert compared.results.found is numbers
    assert not np.array_equal(before.model, compared.results.flat.model)


def test_figure_numbers_and_command_leave_the_window(qtbot, compared, tmp_path, monkeypatch) -> None:
    save_figure, save_numbers, copy = compared.actions()
    for action, name in ((save_figure, "a.pdf"), (save_numbers, "a.csv"), (save_numbers, "a.npz")):
        target = str(tmp_path / name)
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, target=target: (target, ""))
        with qtbot.waitSignal(compared.model.written, timeout=WAIT_MS):
            action.trigger()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    with (tmp_path / "a.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 14
    copy.trigger()
    command = QGuiApplication.clipboard().text()
    assert command.startswith("sedir ice ") and "--anomalous" in command and "--perplexity 30" in command


def test_a_comparison_can_be_cancelled(qtbot, tmp_path, parts) -> None:
    gate = threading.Event()
    page = page_with(qtbot, tmp_path, parts, gate)
    with qtbot.waitSignal(page.model.progress_changed, timeout=WAIT_MS, check_params_cb=lambda p: "ball" in p.stage):
        page.setup.compare.click()
    assert page.status.cancel.isVisible()
    page.status.cancel.click()
    assert not page.model.busy
    assert page.status.text == "Ready"
    assert page.results.found is None
    assert page.close_down()
    page.deleteLater()


def test_a_bad_data_set_is_said_calmly(qtbot, page, tmp_path) -> None:
    (tmp_path / "nothing").mkdir()
    page.setup.use_dataset(tmp_path / "nothing")
    with qtbot.waitSignal(page.model.failed, timeout=WAIT_MS):
        page.setup.compare.click()
    assert page.messages.isVisible()
    assert "no dataset" in page.messages.text


def test_the_theme_reaches_the_charts(compared) -> None:
    compared.set_theme(DARK)
    corner = compared.results.scatters[0].grab().toImage().pixelColor(2, 2)
    wanted = QColor(DARK.panel)
    assert max(abs(corner.red() - wanted.red()), abs(corner.blue() - wanted.blue())) < 9  # the screen may have 16 bits


def test_escape_ends_the_selection(qtbot, compared) -> None:
    compared.results.legend.setCurrentRow(0)
    qtbot.keyClick(compared, Qt.Key.Key_Escape)
    assert compared.results.scatters[0]._selected is None


@pytest.mark.parametrize("span", [(0.115, 0.255), (0.0, 1.0), (-3e-4, 5e-4), (1200.0, 1290.0), (0.19, 0.21)])
def test_an_axis_has_two_to_five_numbers(span: tuple[float, float]) -> None:
    assert 2 <= len(ticks(*span)) <= MOST_TICKS
    assert all(span[0] - 1e-9 <= tick <= span[1] + 1e-9 for tick in ticks(*span))


def test_a_selected_category_keeps_its_colour(qtbot) -> None:
    icon = mark_icon(MarkLook(*category_style(0)))
    pictures = [icon.pixmap(32, 32, mode).toImage() for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected)]
    assert pictures[0].pixelColor(16, 16) == pictures[1].pixelColor(16, 16)


def test_few_samples_and_what_follows_from_them_are_said(compared) -> None:
    n = len(compared.results.found.labels)
    assert compared.results.caution.text().startswith(
        f"{n} samples are few: perplexity {compared.results.flat.perplexity:.3g},"
    )


@pytest.mark.parametrize("dark", [False, True])
def test_no_run_has_the_colour_of_a_category(dark) -> None:
    runs = DARK_RUNS if dark else (MODEL, BASELINE, THIRD)
    categories = [category_style(index, dark)[0] for index in range(7)]
    assert all(chroma(run) < 40 for run in runs) and all(chroma(one) > 60 for one in categories)


def chroma(colour: str) -> int:
    """0 for a grey."""
    red, green, blue, _ = QColor(colour).getRgb()
    return max(red, green, blue) - min(red, green, blue)
