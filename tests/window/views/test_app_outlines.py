"""What is drawn over a view becomes a region that holds what the user saw inside, through the part."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.views.camera import home, project
from app.views.outliner import Outliner
from app.views.outlines import OutlineTool, SeenPart, region_of
from app.views.zone_drawing import wires

ORIGIN = np.array([100.0, -20.0, 3.0])
ANGLE, WIDTH, HEIGHT = 30.0, 640.0, 480.0
PLATE = np.random.default_rng(0).uniform([-40, -25, -1], [40, 25, 1], (4000, 3)).astype(np.float32)
SIGHT = SeenPart(PLATE, ORIGIN, 48.0, home(PLATE, ANGLE, WIDTH / HEIGHT, (0.3, -0.4, 1.0)), ANGLE, WIDTH, HEIGHT)
SEEN = project(PLATE, SIGHT.pose, ANGLE, WIDTH, HEIGHT)[:, :2]
CIRCLE = np.array([(300 + 70 * np.cos(t), 230 + 70 * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 200)])


def held(kind: OutlineTool, drawn: np.ndarray) -> np.ndarray:
    place = region_of(kind, drawn, SIGHT)
    assert place is not None
    return place.holds(PLATE + ORIGIN)


def alike(held: np.ndarray, wanted: np.ndarray) -> bool:
    """But for the rim, which perspective blurs."""
    return float((held != wanted).mean()) < 0.03 and 50 < held.sum() < len(held)


def test_a_box_holds_what_was_in_the_rectangle() -> None:
    wanted = ((SEEN > (200, 180)) & (SEEN < (330, 260))).all(axis=1)
    for corners in ([(200, 180), (330, 260)], [(330, 180), (200, 260)]):
        assert alike(held(OutlineTool.BOX, np.array(corners, float)), wanted)


def test_a_lasso_holds_what_it_went_around() -> None:
    assert alike(held(OutlineTool.LASSO, CIRCLE), np.linalg.norm(SEEN - (300, 230), axis=1) < 70)


def test_a_line_holds_the_smaller_side() -> None:
    line = np.array([[420.0, 50.0], [380.0, 430.0]])
    right = (SEEN[:, 0] - 420) * 380 - (SEEN[:, 1] - 50) * -40 > 0
    wanted = right if right.sum() < len(right) / 2 else ~right
    assert alike(held(OutlineTool.PLANE, line), wanted) and alike(held(OutlineTool.PLANE, line[::-1]), wanted)


@pytest.mark.parametrize("kind", OutlineTool)
@pytest.mark.parametrize("drawn", [[(300.0, 200.0)], [(300.0, 200.0), (302.0, 201.0)]])
def test_a_click_is_no_region(kind: OutlineTool, drawn: list[tuple[float, float]]) -> None:
    assert region_of(kind, np.array(drawn), SIGHT) is None


def test_a_drawing_beside_the_part_is_no_region() -> None:
    assert region_of(OutlineTool.BOX, np.array([[1.0, 1.0], [20.0, 20.0]]), SIGHT) is None
    assert region_of(OutlineTool.LASSO, CIRCLE - (290, 220), SIGHT) is None


def test_a_prism_is_drawn_where_it_is() -> None:
    place = region_of(OutlineTool.LASSO, CIRCLE, SIGHT)
    assert place is not None and place.outline is not None
    near, far, *edges = wires(place, ORIGIN)
    assert len(near) == len(far) == len(place.outline) + 1 and 1 < len(edges) <= 8
    assert np.ptp((near - far) @ place.axes[2]) < 1e-9


def test_the_mouse_draws_and_gives_the_view_back(qtbot: QtBot) -> None:
    view = QWidget()
    qtbot.addWidget(view)
    view.resize(300, 200)
    outliner = Outliner(view)
    view.show()
    outliner.use(OutlineTool.BOX)
    with qtbot.waitSignal(outliner.drawn) as told:
        qtbot.mousePress(outliner, Qt.MouseButton.LeftButton, pos=QPoint(20, 30))
        qtbot.mouseMove(outliner, QPoint(60, 70))
        qtbot.mouseMove(outliner, QPoint(90, 80))
        qtbot.mouseRelease(outliner, Qt.MouseButton.LeftButton, pos=QPoint(90, 80))
    assert told.args is not None and told.args[0].tolist() == [[20, 30], [90, 80]]
    outliner.use(None)
    assert outliner.isHidden()
