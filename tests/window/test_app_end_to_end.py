"""The program as it is delivered: the bundled model, the bundled scans, the real window, and what its picture shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from app_helpers import open_window
from pytestqt.qtbot import QtBot

from app.jobs.inspection import load
from app.main_window import MainWindow
from app.state.entries import State
from app.state.session import Session
from app.views.camera import project, towards
from sedir_core.datasets.demo import demo_specimens
from sedir_core.drawing.colours import position
from sedir_core.places import DEFAULT_RUN, bundled_runs, demo_scans

DETECTION_MS = 120_000
DEFECTIVE = "pipe_elbow_bulge"


@pytest.fixture
def delivered(qtbot: QtBot, settings, tmp_path) -> Iterator[MainWindow]:
    session = Session(load, bundled_runs() / DEFAULT_RUN, "cpu")
    with open_window(qtbot, session, settings, tmp_path, timeout_ms=DETECTION_MS) as window:
        yield window


def test_a_defective_demo_scan_is_ng_and_hot_where_the_defect_is(qtbot, delivered):
    with qtbot.waitSignal(delivered.model.batch_finished, timeout=DETECTION_MS):
        delivered.opening.open([demo_scans() / f"{DEFECTIVE}.ply"])
    (entry,) = delivered.session.entries
    assert entry.state is State.DONE, entry.failure
    assert delivered.page.verdict.headline.word == "NG"
    truth = dict(demo_specimens())[DEFECTIVE].labels
    inside, elsewhere = heat_in_picture(delivered, truth)
    assert inside > elsewhere + 0.15


def heat_in_picture(window: MainWindow, truth: np.ndarray) -> tuple[float, float]:
    """Mean heat of the pixels that points on the defect fall on, and of those that the others do."""
    (entry,) = window.session.entries
    points = entry.scan.points - entry.shape.origin
    view = window.page.clouds.views[0]
    pose = towards(points[truth].mean(axis=0), 4.0 * entry.shape.radius)
    view.set_pose(pose)
    picture = view.picture()
    height, width = picture.shape[:2]
    seen = np.rint(project(points, pose, view.view_angle_deg, width, height)[:, :2]).astype(int)
    within = ((seen >= 0) & (seen < (width, height))).all(axis=1)
    heat = position(picture[seen[within, 1], seen[within, 0]])
    return float(heat[truth[within]].mean()), float(heat[~truth[within]].mean())
