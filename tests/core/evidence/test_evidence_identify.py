"""The category is found where it is known, and doubted where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_run import CATEGORIES, dented, part, scan_of

from sedir_core.datasets.primitives import box, sphere
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import Cancelled, UnknownCategory
from sedir_core.evidence.identify import UNKNOWN_RESIDUAL, Identified, certainty, identify
from sedir_core.geometry.frames import UNIT_FACTORS
from sedir_core.types import DoubleArray, never_stop


def found(detector: SedirDetector, points: DoubleArray, wanted: str = "auto") -> Identified:
    return identify(points, detector.known, wanted, never_stop)


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_category_of_a_good_part_is_found(detector: SedirDetector, category: str) -> None:
    best = found(detector, part(category, 30))
    assert best.category == category
    assert best.known


def test_the_category_of_a_dented_part_is_found(detector: SedirDetector) -> None:
    best = found(detector, dented(part("cup", 31))[0])
    assert (best.category, best.known) == ("cup", True)


@pytest.mark.parametrize("factor", [1e-3, 0.1, 1 / 25.4])
def test_a_part_in_another_unit_is_found_and_fits(detector: SedirDetector, factor: float) -> None:
    assert any(np.isclose(factor, known) for known in UNIT_FACTORS)
    points = part("bracket", 32)
    one, other = found(detector, points), found(detector, factor * points)
    assert other.category == "bracket"
    assert other.misfit == pytest.approx(one.misfit, rel=0.1)


def test_flying_points_do_not_hide_the_category(detector: SedirDetector) -> None:
    points = np.concatenate([part("pipe_elbow", 33), [[1e6, 0, 0], [0, -1e9, 0]]])
    assert found(detector, points).category == "pipe_elbow"


@pytest.mark.parametrize("solid", [box(60, 60, 60), sphere(40)], ids=["cube", "ball"])
def test_an_unknown_part_is_uncertain(detector: SedirDetector, solid) -> None:
    points = solid.sample(3_000, np.random.default_rng(0))[0]
    result = detector.detect(scan_of(points))
    assert result.uncertain
    assert "fits no known category" in result.reason


def test_a_part_given_as_another_is_uncertain(detector: SedirDetector) -> None:
    assert detector.detect(scan_of(part("cup", 34)), "pipe_elbow").uncertain


def test_a_given_category_is_not_questioned(detector: SedirDetector) -> None:
    assert found(detector, part("cup", 34), "bracket").category == "bracket"


def test_a_category_nobody_trained_is_refused_with_the_known_ones(detector: SedirDetector) -> None:
    with pytest.raises(UnknownCategory, match="bracket, cup, pipe_elbow"):
        found(detector, part("cup", 34), "teapot")


def test_a_stop_ends_the_search(detector: SedirDetector) -> None:
    with pytest.raises(Cancelled):
        identify(part("cup", 34), detector.known, "auto", lambda: True)


def test_a_network_of_another_opinion_makes_it_uncertain(detector: SedirDetector) -> None:
    best = found(detector, part("cup", 34), "cup")
    assert certainty(best, 0.9, "cup") == (False, "")
    uncertain, reason = certainty(best, 0.9, "bracket")
    assert uncertain
    assert "cup" in reason
    assert "bracket (90 %)" in reason


@pytest.mark.parametrize("misfit", [UNKNOWN_RESIDUAL, 50.0, np.inf, np.nan])
def test_what_fits_nothing_is_uncertain(detector: SedirDetector, misfit: float) -> None:
    placement = found(detector, part("cup", 34), "cup").placement
    assert certainty(Identified("cup", placement, misfit), 1.0, "cup")[0]
