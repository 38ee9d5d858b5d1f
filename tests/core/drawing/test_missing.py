"""Missing material is found where the scan has none, up to the rim of what it has."""

from __future__ import annotations

import numpy as np
import pytest

from sedir_core.drawing.missing import nothing_near

SPACING, HOLE = 0.02, 0.2


@pytest.fixture(scope="module")
def plate() -> np.ndarray:
    across = np.arange(-0.5, 0.5, SPACING)
    x, y = np.meshgrid(across, across)
    random = np.random.default_rng(0)
    return np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]) + 0.001 * random.normal(size=(x.size, 3))


def test_a_hole_is_missing_up_to_its_rim_and_nothing_else_is(plate: np.ndarray) -> None:
    away = np.hypot(*plate[:, :2].T)
    scan = plate[away > HOLE]
    found = nothing_near(plate, scan, np.zeros(len(scan), np.float32))
    assert found[away < HOLE - 1.5 * SPACING].all()
    assert not found[away > HOLE].any()


def test_gaps_as_wide_as_a_sparse_scan_leaves_them_are_not_missing(plate: np.ndarray) -> None:
    sparse = plate[np.random.default_rng(1).random(len(plate)) < 0.5]
    assert not nothing_near(plate, sparse, np.zeros(len(sparse), np.float32)).any()


def test_the_bottom_of_a_dent_is_not_missing(plate: np.ndarray) -> None:
    depth = 8 * SPACING * np.clip(1 - (np.hypot(*plate[:, :2].T) / HOLE) ** 2, 0, None)
    dented = plate - depth[:, None] * [0, 0, 1]
    assert not nothing_near(plate, dented, (-depth).astype(np.float32)).any()
