"""Limits for any rate of false alarms: right on average, monotone, invertible, and kept in the run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from roundness import RoundnessDetector, ball
from tiny_run import CATEGORIES, TinyRun, dented, part, scan_of

from sedir_core.detectors.relimit import AtRate, relimit
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import BadConfig, BadRun
from sedir_core.evidence.category_tensors import category_from_tensors, category_to_tensors
from sedir_core.evidence.defects import verdict_reason
from sedir_core.evidence.limits import Calibrated, Calibration, object_limits
from sedir_core.rundir.files import read_run_config
from sedir_core.types import Tolerance


def scores(seed: int = 0, spread: float = 0.2) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {f"part {i}": np.exp(random.normal(i, spread, 24)) for i in range(4)}


CALIBRATION = Calibration(0.05, scores(), {})


def test_the_stored_limit_belongs_to_the_rate_of_the_training() -> None:
    assert CALIBRATION.share("part 1", 0.05) == pytest.approx(1)


def test_fewer_false_alarms_need_a_higher_limit_beyond_the_data_too() -> None:
    shares = [CALIBRATION.share("part 1", rate) for rate in (0.3, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001, 0.0001)]
    assert shares == sorted(shares)
    assert len(set(shares)) == len(shares)


@pytest.mark.parametrize("rate", [0.2, 0.05, 0.01, 0.001])
def test_the_rate_is_found_from_the_limit(rate: float) -> None:
    assert CALIBRATION.rate_at("part 2", CALIBRATION.share("part 2", rate)) == pytest.approx(rate, rel=0.05)


def test_a_rate_that_the_data_do_not_reach_is_about_right() -> None:
    # 96 scores cover about one in a hundred; one in five hundred has to be extrapolated.
    alarms = []
    for seed in range(30):
        limits = object_limits(scores(seed), 0.002)
        drawn = np.exp(np.random.default_rng(1_000 + seed).normal(1, 0.2, 20_000))
        alarms.append((drawn > limits["part 1"]).mean())
    assert 0.0005 < np.mean(alarms) < 0.005


def test_the_tail_begins_where_the_data_end() -> None:
    covered = 1 / (4 * 24 + 1)
    at, beyond = (object_limits(scores(), rate)["part 0"] for rate in (covered, covered * 0.999))
    assert at <= beyond < 1.01 * at


def of_parts(n_parts: int, seed: int) -> Calibration:
    """Two scores of each of so many parts, which differ more than samplings of a part do; three kinds."""
    random = np.random.default_rng(seed)
    owners = np.repeat(np.arange(n_parts), 2)
    kinds = [f"part {i}" for i in range(3)]
    drawn = {
        kind: np.exp(random.normal(0, 0.3, n_parts)[owners] + random.normal(0, 0.05, len(owners))) for kind in kinds
    }
    return Calibration(0.05, drawn, {}, dict.fromkeys(kinds, owners))


def test_the_interval_covers_what_many_parts_would_set() -> None:
    # What the mean of the logarithms would be with many parts is 0, so the true share is exp(-mean).
    covered = []
    for seed in range(200):
        known = of_parts(4, seed)
        low, high = known.interval("part 0") or (np.nan, np.nan)
        covered.append(low < np.exp(-np.log(known.whole["part 0"]).mean()) < high)
    assert 0.85 <= np.mean(covered) <= 0.95


def test_more_training_parts_narrow_the_interval() -> None:
    few, many = (
        np.mean([(of_parts(n, seed).interval("part 0") or (0, np.inf))[1] for seed in range(20)]) for n in (3, 12)
    )
    assert 1 < many < few


def test_one_part_says_nothing_of_how_parts_scatter() -> None:
    assert of_parts(1, 0).interval("part 0") is None
    assert CALIBRATION.interval("part 0") is None  # nor a run that does not know whose scores they are


def test_a_run_keeps_the_scores_of_its_held_out_scans(tiny: TinyRun, detector: SedirDetector) -> None:
    assert isinstance(detector, Calibrated)
    found, config = detector.calibration(), read_run_config(tiny.path)
    for name in CATEGORIES:
        assert 0 < found.n_scans(name) <= 2 * config.training.held_out
        assert object_limits(found.whole, found.rate)[name] == pytest.approx(detector.known[name].whole.threshold)


def test_a_run_without_scores_loads_and_says_that_it_lacks_them(detector: SedirDetector) -> None:
    old = dict(detector.known)
    for name, category in old.items():
        tensors = category_to_tensors(category)
        kept = {key: tensors[key] for key in tensors if not key.endswith("held_out") and "judged." not in key}
        old[name] = category_from_tensors(kept, category.whole.statistics.judges)
    without = SedirDetector(detector.config, detector.nets, old, detector.device)
    assert without.calibration().n_scans(CATEGORIES[0]) == 0
    with pytest.raises(BadRun, match="lacks the scores"):
        AtRate(without, 0.01)


def test_negative_scores_are_refused(detector: SedirDetector) -> None:
    category = detector.known[CATEGORIES[0]]
    damaged = replace(category, whole=replace(category.whole, held_out=np.array([-1.0])))
    with pytest.raises(ValueError, match="held_out"):
        category_from_tensors(category_to_tensors(damaged), detector.judges)


def test_a_detector_at_another_rate_moves_the_limit_and_nothing_else(detector: SedirDetector) -> None:
    scan = scan_of(dented(part("cup", 7), depth=0.12)[0])
    raw, strict = detector.detect(scan), AtRate(detector, 0.3).detect(scan)
    assert strict.threshold < raw.threshold
    assert strict.object_score == raw.object_score
    assert np.array_equal(strict.point_scores, raw.point_scores)
    assert f"{100 * strict.object_score / strict.threshold:.0f} % of the limit" in strict.reason or strict.uncertain


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1])
def test_a_rate_is_a_share(detector: SedirDetector, rate: float) -> None:
    with pytest.raises(BadConfig):
        AtRate(detector, rate)


def test_another_limit_keeps_what_was_added_to_the_reason() -> None:
    scan = scan_of(ball(dent=0.1, seed=1))
    raw = RoundnessDetector().detect(scan)
    raw = replace(raw, reason=verdict_reason(raw.object_score, raw.threshold, raw.defects) + "; the category was told")
    moved = relimit(scan, raw, 2 * raw.object_score)
    assert moved.verdict == "ok" and moved.defects == ()
    assert moved.reason == "nothing above the limit (50 % of the limit); the category was told"
    assert relimit(scan, raw, 1.0) is raw


def deviating(lowest: float, highest: float, n_scans: int = 24) -> Calibration:
    """Held-out scans of one kind that deviate about so far, in millimetres."""
    random = np.random.default_rng(0)
    far = np.exp(random.normal(0, 0.2, (n_scans, 2))) * [lowest, highest]
    return Calibration(0.05, {"part": np.ones(n_scans)}, {}, ranges={"part": far})


def test_a_tolerance_calls_as_many_good_scans_ng_as_deviate_more() -> None:
    known = deviating(-0.2, 0.1)
    wide, fair, narrow = (known.rate_of(Tolerance(-t, t), "part") for t in (0.6, 0.2, 0.05))
    assert wide is not None and fair is not None and narrow is not None
    assert wide < 0.01 < fair < narrow
    assert fair == pytest.approx(0.5, abs=0.15)
    assert narrow > 0.98


def test_each_side_of_a_tolerance_counts() -> None:
    known = deviating(-0.2, 0.1)
    one_sided = known.rate_of(Tolerance(-0.6, 0.02), "part"), known.rate_of(Tolerance(0.0, 0.6), "part")
    assert min(rate or 0.0 for rate in one_sided) > 0.98


def test_a_run_without_deviations_has_no_rate_of_a_tolerance() -> None:
    assert CALIBRATION.rate_of(Tolerance(-1.0, 1.0), "part 1") is None


def test_a_run_keeps_how_far_its_held_out_scans_deviate(detector: SedirDetector) -> None:
    found = detector.calibration()
    for name in CATEGORIES:
        ranges = found.ranges[name]
        assert ranges.shape == (found.n_scans(name), 2)
        assert (ranges[:, 0] < 0).all() and (ranges[:, 1] > 0).all()
        far = float(np.abs(ranges).max())
        wide, narrow = (found.rate_of(Tolerance(-t, t), name) for t in (10 * far, far / 10))
        assert wide is not None and narrow is not None and wide < 0.05 < narrow
