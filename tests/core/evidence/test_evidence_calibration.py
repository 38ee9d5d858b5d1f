"""From parts to what is usual: other parts teach it, a single one is enough, a stop is heard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tiny_run import by_surface, part

from sedir_core.config import Config, override, preset
from sedir_core.errors import Cancelled
from sedir_core.evidence.calibration import calibrate
from sedir_core.evidence.category import Category
from sedir_core.evidence.combination import Evidence, object_score
from sedir_core.evidence.draft import odd_parts
from sedir_core.evidence.fitted_parts import AlignedSampling, FittedParts, draw_sampling, fit_parts, hold_out
from sedir_core.evidence.held_out import EvidenceFunction, HeldOut, Residuals
from sedir_core.evidence.judge import Judges
from sedir_core.evidence.judging import Judging
from sedir_core.evidence.normal_surface import NormalSurface
from sedir_core.evidence.numbers import NORMAL_SURFACE
from sedir_core.evidence.training_numbers import ALIGNMENT, LIMITS
from sedir_core.evidence.whole_part import SIZE, SIZE_UNIT
from sedir_core.geometry.tree import PointTree
from sedir_core.types import DoubleArray, Report, no_report

# How well the judges judge is asked of real runs: here they are to have learned, whatever that is.
CONFIG = preset("tiny", training={"judge_steps": 50})
ONCE = override(CONFIG, training={"held_out": 1})  # where nobody asks how much samplings differ


@pytest.fixture(scope="module")
def fitted() -> FittedParts:
    return fit_parts([part("bracket", seed) for seed in range(3)], seed=0)


@pytest.fixture(scope="module")
def single() -> FittedParts:
    return fit_parts([part("bracket", 0)], seed=0)


def off(surface: NormalSurface, points: DoubleArray) -> DoubleArray:
    return PointTree(surface.surface.points).nearest(points)[0]


def test_parts_are_brought_onto_each_other(fitted: FittedParts) -> None:
    for one in fitted.parts[1:]:
        moved = one.points + one.toward_reference(one.points)
        assert np.median(PointTree(fitted.parts[0].points).nearest(moved)[0]) < 0.04  # half a spacing and the noise


def test_the_merged_surface_is_smoother_than_a_part(fitted: FittedParts) -> None:
    residuals = fitted.whole.depart(fitted.parts[0].points).channels["offset_8"]
    assert np.isnan(residuals).mean() < 0.01  # a point that nobody can judge is not a number
    assert np.nanmedian(residuals) < 0.01


def test_a_surface_of_the_others_leaves_the_part_out(fitted: FittedParts) -> None:
    sizes = [len(one.surface.points) for one in fitted.others]
    total = sum(len(one.points) for one in fitted.parts)
    assert sizes == [min(total - len(one.points), NORMAL_SURFACE.points) for one in fitted.parts]


def test_the_tolerance_is_about_the_parts_own(fitted: FittedParts) -> None:
    # They are deformed by 0.004 of the diagonal, about two radii, in three directions; alignment takes some of it.
    assert 0.001 < fitted.amplitude < 0.01


def test_a_single_part_is_held_against_the_half_of_it_that_it_is_not_made_of(single: FittedParts) -> None:
    assert single.amplitude == ALIGNMENT.tolerance
    assert len(single.unseen[0]) == len(single.others[0].surface.points) == len(single.parts[0].points) / 2
    assert off(single.others[0], single.unseen[0]).min() > 0


def test_good_parts_pass_the_limit_learned_from_a_single_one() -> None:
    all_fitted = {"bracket": fit_parts([part("bracket", 0, 8_000)], seed=0)}
    category = calibrate(CONFIG, all_fitted, by_surface, 4_000, no_report, lambda: False)["bracket"]
    scores = []
    for seed in range(20, 26):
        random = np.random.default_rng(seed)
        placement, _ = category.place(part("bracket", seed, 4_000), random)
        aligned = placement.enter(part("bracket", seed, 4_000))
        evidence, _ = by_surface("bracket", category.normal, AlignedSampling(0, aligned, aligned, 0.0))
        statistics = category.whole.statistics
        scores.append(object_score(Judging().of(statistics.standardise(evidence)), peaks=statistics.peaks))
    assert np.median(scores) < category.whole.threshold


def test_the_same_seed_fits_the_same_parts(fitted: FittedParts) -> None:
    again = fit_parts([part("bracket", seed) for seed in range(3)], seed=0)
    assert np.array_equal(again.whole.surface.points, fitted.whole.surface.points)


def test_a_drawn_sampling_lies_near_the_surface(fitted: FittedParts) -> None:
    points = draw_sampling(fitted, 1, 1_000, np.random.default_rng(0))
    assert points.shape == (1_000, 3)
    assert np.median(off(fitted.whole, points)) < 0.04


def test_drawn_samplings_differ(fitted: FittedParts) -> None:
    random = np.random.default_rng(0)
    assert not np.array_equal(draw_sampling(fitted, 0, 500, random), draw_sampling(fitted, 0, 500, random))


def test_a_held_out_sampling_is_aligned_to_the_others(fitted: FittedParts) -> None:
    laid = hold_out(fitted, 2, 2_000, np.random.default_rng(0))
    assert np.median(off(fitted.others[2], laid.points)) < 0.04
    assert 0 < laid.residual < 0.04
    assert 0 < laid.overlap < 0.04


def calibrated(
    fitted: FittedParts,
    report: Report = no_report,
    by: EvidenceFunction = by_surface,
    config: Config = CONFIG,
    judges: Judges | None = None,
) -> Category:
    return calibrate(config, {"bracket": fitted}, by, 2_000, report, lambda: False, judges)["bracket"]


@pytest.fixture(scope="module")
def reported(fitted: FittedParts) -> tuple[Category, list[float]]:
    """What the parts teach, and the progress that was reported meanwhile."""
    seen: list[float] = []
    return calibrated(fitted, lambda fraction, stage: seen.append(fraction)), seen


@pytest.fixture(scope="module")
def judges(reported: tuple[Category, list[float]]) -> Judges:
    """They learned from these parts: planting defects again and learning is most of a calibration."""
    learned = reported[0].whole.statistics.judges
    assert learned is not None
    return learned


@pytest.fixture(scope="module")
def of_single(single: FittedParts) -> tuple[Category, list[float]]:
    return calibrated(single), []


@pytest.mark.parametrize("name", ["reported", "of_single"])
def test_calibration_gives_finite_limits(name: str, request: pytest.FixtureRequest) -> None:
    category, _ = request.getfixturevalue(name)
    numbers = (category.whole.threshold, category.whole.point_threshold, category.whole.residual, category.size)
    assert all(np.isfinite(numbers))
    assert min(numbers) > 0


def test_scans_from_one_side_get_a_margin_over_what_virtual_cameras_reach(
    fitted: FittedParts, judges: Judges, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen_from_one_side(*arguments: Any) -> tuple[Evidence, Residuals]:
        evidence, published = by_surface(*arguments)
        return replace(evidence, from_one_side=True), published

    with_margin = calibrated(fitted, by=seen_from_one_side, config=ONCE, judges=judges).whole
    monkeypatch.setattr("sedir_core.evidence.calibration.LIMITS", replace(LIMITS, margin_of_views=1.0))
    without = calibrated(fitted, by=seen_from_one_side, config=ONCE, judges=judges).whole
    for limit in ("threshold", "point_threshold"):
        assert getattr(with_margin, limit) == pytest.approx(LIMITS.margin_of_views * getattr(without, limit))
    assert with_margin.held_out == pytest.approx(LIMITS.margin_of_views * without.held_out)


def test_a_part_unlike_the_others_is_odd_and_sets_no_limits() -> None:
    random = np.random.default_rng(0)

    def held(part: int, loud: float) -> tuple[HeldOut, dict[str, DoubleArray]]:
        channel = {"offset_8": loud * np.abs(random.normal(size=2_000))}
        return HeldOut(part, Evidence(random.normal(size=(2_000, 3)), channel), 0.0, Residuals(0, 0, 0)), channel

    some = [held(part, 10.0 if part == 2 else 1.0) for part in range(4) for _ in range(2)]
    assert odd_parts([one for one, _ in some], [channel for _, channel in some]) == {2}
    alike = [held(part, 1.0) for part in range(4) for _ in range(2)]
    assert odd_parts([one for one, _ in alike], [channel for _, channel in alike]) == set()


def test_a_part_half_a_per_cent_larger_than_alike_ones_is_not_odd() -> None:
    def held(part: int, larger: float) -> tuple[HeldOut, dict[str, DoubleArray]]:
        channel = {SIZE: np.full(500, 1 + larger / SIZE_UNIT)}
        return HeldOut(part, Evidence(np.zeros((500, 3)), channel), 0.0, Residuals(0, 0, 0)), channel

    for larger, odd in ((0.005, set()), (0.1, {3})):
        some = [held(part, larger if part == 3 else 0.001 * (1 + part)) for part in range(4) for _ in range(2)]
        assert odd_parts([one for one, _ in some], [channel for _, channel in some]) == odd


def test_the_published_rule_is_calibrated_on_published_scores(fitted: FittedParts, judges: Judges) -> None:
    config = override(ONCE, scoring={"evidence": "network", "rule": "paper"})
    found = calibrated(fitted, config=config, judges=judges)
    assert found.whole.threshold == pytest.approx(0.5)  # every sampling scored that


def test_calibration_reports_rising_progress(fitted: FittedParts, reported: tuple[Category, list[float]]) -> None:
    _, seen = reported
    assert seen == sorted(seen)
    assert len(seen) > 2 * len(fitted.parts) * CONFIG.training.held_out  # held out, planted, and the judges' learning
    assert seen[0] == 0 and 0.9 < seen[-1] < 1


def test_a_stop_ends_calibration(fitted: FittedParts) -> None:
    with pytest.raises(Cancelled):
        calibrate(CONFIG, {"bracket": fitted}, by_surface, 2_000, no_report, lambda: True)


def test_held_out_samplings_are_as_dense_as_what_is_compared(fitted: FittedParts, judges: Judges) -> None:
    """Limits of a sparser comparison would not hold."""
    config = override(ONCE, grouping={"compared_points": 3_000})
    seen = set()

    def counted(category: str, normal: NormalSurface, sampling: AlignedSampling) -> tuple[Evidence, Residuals]:
        seen.add(len(sampling.points))
        return by_surface(category, normal, sampling)

    calibrated(fitted, by=counted, config=config, judges=judges)
    assert 2_900 < max(seen) <= 3_000


def test_a_stop_ends_the_alignment_of_parts() -> None:
    with pytest.raises(Cancelled):
        fit_parts([part("bracket", seed) for seed in range(2)], seed=0, stop=lambda: True)


def test_parts_of_very_different_density_are_fitted() -> None:
    clouds = [part("bracket", 0, 2_500), part("bracket", 1, 70)]
    found = fit_parts(clouds, seed=0)
    assert np.isfinite(found.whole.surface.normals).all()
