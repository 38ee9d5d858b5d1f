"""The category is found where it is known, and doubted where it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_run import CATEGORIES, by_surface, dented, part, scan_of

from sedir_core.config import preset
from sedir_core.datasets.primitives import box, sphere
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import Cancelled, UnknownCategory
from sedir_core.evidence.calibration import calibrate
from sedir_core.evidence.category import View
from sedir_core.evidence.fitted_parts import fit_parts
from sedir_core.evidence.identify import Identified, ScannedPart, as_fragment, identify, why_uncertain
from sedir_core.evidence.numbers import IDENTIFICATION
from sedir_core.evidence.remarks import left_out
from sedir_core.geometry.frames import UNIT_FACTORS, Frame, Placement
from sedir_core.geometry.registration import Pose
from sedir_core.types import DoubleArray, never_stop, no_report


def found(detector: SedirDetector, points: DoubleArray, wanted: str = "auto") -> Identified:
    return identify(points, detector.known, wanted, never_stop)


@pytest.fixture(scope="module")
def cup_given(detector: SedirDetector) -> Identified:
    """A good cup, given as what it is."""
    return found(detector, part("cup", 34), "cup")


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_category_of_a_good_part_is_found(detector: SedirDetector, category: str) -> None:
    best = found(detector, part(category, 30))
    assert best.category == category
    assert best.known


def test_the_category_of_a_dented_part_is_found(detector: SedirDetector) -> None:
    best = found(detector, dented(part("cup", 31))[0])
    assert (best.category, best.known) == ("cup", True)


@pytest.fixture(scope="module")
def bracket_in_its_unit(detector: SedirDetector) -> Identified:
    return found(detector, part("bracket", 32))


@pytest.mark.parametrize("factor", [1e-3, 0.1, 1 / 25.4])
def test_a_part_in_another_unit_is_found_and_fits(
    detector: SedirDetector, bracket_in_its_unit: Identified, factor: float
) -> None:
    assert any(np.isclose(factor, known) for known in UNIT_FACTORS)
    other = found(detector, factor * part("bracket", 32))
    assert other.category == "bracket"
    assert other.misfit == pytest.approx(bracket_in_its_unit.misfit, rel=0.1)


def test_flying_points_do_not_hide_the_category(detector: SedirDetector) -> None:
    points = np.concatenate([part("pipe_elbow", 33), [[1e6, 0, 0], [0, -1e9, 0]]])
    assert found(detector, points).category == "pipe_elbow"


@pytest.mark.parametrize("solid", [box(60, 60, 60), sphere(40)], ids=["cube", "ball"])
def test_an_unknown_part_is_uncertain(detector: SedirDetector, solid) -> None:
    points = solid.sample(3_000, np.random.default_rng(0))[0]
    result = detector.detect(scan_of(points))
    assert result.uncertain
    assert "fits no known category" in result.reason
    assert result.category_confidence == 0


def test_a_piece_of_a_face_fits_no_whole_part(detector: SedirDetector) -> None:
    bracket = detector.known["bracket"]
    own = bracket.normal.surface.points
    piece = own[np.linalg.norm(own - own[0], axis=1) < 0.4] * bracket.frame.radius
    still = Placement(bracket.frame, np.median(piece, axis=0), 1.0, Pose(np.eye(3), np.zeros(3)))
    assert bracket.relaid(piece, still).misfit == np.inf


@pytest.mark.parametrize("factor", [1.2, 0.4])
def test_a_part_of_another_size_is_said_to_be_one(detector: SedirDetector, factor: float) -> None:
    best = found(detector, factor * part("pipe_elbow", 35))
    assert best.resized == ("pipe_elbow", pytest.approx(factor, rel=0.05))
    assert "has the shape of pipe_elbow, about" in why_uncertain(best, 1.0, best.category)


def test_half_a_part_is_said_to_be_a_fragment_of_it(detector: SedirDetector) -> None:
    points = part("pipe_elbow", 35, 8_000)
    half = points[points[:, 0] < np.median(points[:, 0])]
    as_a_whole = replace(found(detector, half), misfit=np.inf)  # as where it resembles another part more
    best = as_fragment(as_a_whole, ScannedPart(half, detector.known), never_stop)
    assert best is not None
    assert (best.category, best.fragment) == ("pipe_elbow", pytest.approx(0.5, abs=0.1))
    assert why_uncertain(best, 1.0, best.category).startswith("shows about")


def test_of_few_points_that_fit_nothing_only_that_is_said() -> None:
    still = Placement(Frame(np.zeros(3), 1.0), np.zeros(3), 1.0, Pose(np.eye(3), np.zeros(3)))
    said = "has only 300 points, too few to tell what it shows: scan the part more densely"
    for doubt in ({"side_only": True}, {"misfit": 9.0}, {"misfit": 9.0, "view": View(np.array([0.0, 0.0, 1.0]), 0.5)}):
        found = Identified("cup", still, **({"misfit": 1.4} | doubt), n_points=300)
        assert why_uncertain(found, 1.0, "cup") == said
        assert left_out(found, 0, 0) == ""
        assert why_uncertain(replace(found, n_points=3_000), 1.0, "cup") != said
    assert why_uncertain(Identified("cup", still, 1.4, n_points=300), 1.0, "cup") == ""


def test_of_few_points_nothing_is_searched_for_that_would_not_be_said(
    detector: SedirDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    for search in ("_resized", "as_fragment"):
        monkeypatch.setattr(f"sedir_core.evidence.identify.{search}", None)
    best = found(detector, box(60, 60, 60).sample(900, np.random.default_rng(0))[0])
    assert why_uncertain(best, 1.0, best.category).startswith("has only 900 points")


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


def test_a_network_of_another_opinion_makes_it_uncertain(cup_given: Identified) -> None:
    assert why_uncertain(cup_given, 0.9, "cup") == ""
    reason = why_uncertain(cup_given, 0.9, "bracket")
    assert "cup" in reason
    assert "bracket (90 %)" in reason


@pytest.mark.parametrize("misfit", [IDENTIFICATION.unknown_residual, 50.0, np.inf, np.nan])
def test_what_fits_nothing_is_uncertain(cup_given: Identified, misfit: float) -> None:
    assert why_uncertain(Identified("cup", cup_given.placement, misfit), 1.0, "cup")


def on_table(points: DoubleArray) -> tuple[DoubleArray, int]:
    """The part on a round table, all in a pose of its own; and how many of the points, the last ones, are table."""
    random = np.random.default_rng(5)
    stood = points - [*points[:, :2].mean(axis=0), points[:, 2].min()]
    stood = stood[stood[:, 2] > 1]
    angle, radius = random.uniform(0, 2 * np.pi, 4_000), 150 * np.sqrt(random.uniform(0, 1, 4_000))
    table = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), 0.05 * random.normal(size=4_000)])
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    return np.concatenate([stood, table]) @ turn + [300, -20, 5], len(table)


def test_a_part_on_a_table_is_judged_without_it(detector: SedirDetector) -> None:
    points, n_table = on_table(part("cup", 35))
    result = detector.detect(scan_of(points))
    assert result.category == "cup"
    assert "points of a table were left out" in result.reason
    assert "fits no known category" not in result.reason
    assert np.isnan(result.point_scores[-n_table:]).mean() > 0.97
    assert np.isnan(result.point_scores[:-n_table]).mean() < 0.05


def test_of_two_parts_one_is_judged_and_the_scan_is_uncertain(detector: SedirDetector) -> None:
    cup, bracket = part("cup", 35), part("bracket", 35) + np.array([250, 0, 0])
    result = detector.detect(scan_of(np.concatenate([cup, bracket[: len(bracket) // 2]])))
    assert result.category == "cup"
    assert result.uncertain
    assert "2 parts" in result.reason
    assert np.isnan(result.point_scores[len(cup) :]).all()


def screw_like(seed: int) -> DoubleArray:
    """Three bars, of which no turn makes their mirror image."""
    bars = [(90, 20, 20), (0, 0, 0)], [(20, 60, 20), (35, 40, 0)], [(20, 20, 50), (-35, 0, 35)]
    random = np.random.default_rng(seed)
    return np.concatenate([box(*sizes).sample(1_500, random)[0] + at for sizes, at in bars])


def test_a_mirror_image_is_called_one_and_a_defective_part_is_not() -> None:
    all_fitted = {"screw": fit_parts([screw_like(seed) for seed in range(3)], seed=0)}
    config = preset("tiny", training={"judge_steps": 1, "held_out": 1})  # what a part is, no judge is asked
    known = calibrate(config, all_fitted, by_surface, 2_000, no_report, never_stop)
    good, image = screw_like(7), screw_like(8) * [1, -1, 1]
    bent = dented(good, at=2_000, depth=0.3)[0]
    found = {
        name: identify(one, known, "auto", never_stop)
        for name, one in (("good", good), ("bent", bent), ("image", image))
    }
    assert {name for name, one in found.items() if one.mirrored} == {"image"}
    assert "mirror image of screw" in why_uncertain(found["image"], 1.0, "screw")
