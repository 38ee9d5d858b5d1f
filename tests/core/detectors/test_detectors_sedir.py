"""A detection is repeatable, follows its points, and survives being stored."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_run import CATEGORIES, DIAGONAL_MM, TinyRun, dented, distance_to, part, scan_of

from sedir_core.config import override
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import BadRun, Cancelled, DeviceUnavailable
from sedir_core.evidence.combination import UNKNOWN
from sedir_core.evidence.fields import FIELDS
from sedir_core.evidence.judging import ALL_JUDGINGS
from sedir_core.evidence.numbers import RESOLUTION
from sedir_core.geometry.registration import random_rotation
from sedir_core.io.tensor_file import read_tensors, write_tensors
from sedir_core.rundir.files import ABOUT, CONFIG, WEIGHTS
from sedir_core.types import BoolArray, Detection, DoubleArray, Scan, never_stop


def same(one: Detection, other: Detection) -> bool:
    """All but the seconds, to the bit."""
    arrays = ("point_scores", "reconstruction", "token")
    equal = all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in arrays)
    numbers = ("object_score", "threshold", "point_threshold", "category", "category_confidence", "uncertain", "reason")
    return equal and all(getattr(one, name) == getattr(other, name) for name in numbers)


@pytest.fixture(scope="module")
def bracket() -> Scan:
    return scan_of(part("bracket", 7), "bracket")


@pytest.fixture(scope="module")
def good(detector: SedirDetector, bracket: Scan) -> Detection:
    return detector.detect(bracket, "bracket")


@pytest.fixture(scope="module")
def dent() -> tuple[DoubleArray, BoolArray]:
    return dented(part("bracket", 8))


@pytest.fixture(scope="module")
def bad(detector: SedirDetector, dent: tuple[DoubleArray, BoolArray]) -> Detection:
    return detector.detect(scan_of(dent[0]), "bracket")


@pytest.fixture(scope="module")
def every_way(detector: SedirDetector, bracket: Scan) -> tuple[Detection, dict[str, Detection]]:
    return detector.detect_each(bracket, "bracket")


@pytest.fixture(scope="module")
def unmoved(detector: SedirDetector) -> Callable[[str], Detection]:
    """What is found in a part of a category where it lies, looked for once."""
    return cache(lambda category: detector.detect(scan_of(part(category, 11))))


def test_a_good_part_is_ok(good: Detection) -> None:
    assert good.verdict != "ng"
    assert good.defects == ()


def test_a_dented_part_is_ng(bad: Detection) -> None:
    assert bad.verdict == "ng"


def test_a_dent_scores_above_its_surroundings(bad: Detection, dent: tuple[DoubleArray, BoolArray]) -> None:
    mask = dent[1]
    assert bad.point_scores[mask].mean() > 3 * bad.point_scores[~mask].mean()


def test_the_first_defect_is_the_dent(bad: Detection, dent: tuple[DoubleArray, BoolArray]) -> None:
    points, mask = dent
    centroid = points[mask].mean(axis=0)
    assert np.linalg.norm(bad.defects[0].centroid - centroid) < 0.1 * DIAGONAL_MM  # the dent's radius


def test_every_point_has_a_score(good: Detection, bracket: Scan) -> None:
    assert good.point_scores.shape == (len(bracket),)
    assert np.isfinite(good.point_scores).all()


def test_seconds_add_up(good: Detection) -> None:
    stages = {name: value for name, value in good.seconds.items() if name != "total"}
    assert good.seconds["total"] == pytest.approx(sum(stages.values()))


def test_detecting_twice_gives_the_same_answer(detector: SedirDetector, bracket: Scan, good: Detection) -> None:
    assert same(detector.detect(bracket, "bracket"), good)


def test_told_the_category_it_would_find_it_says_the_same(
    detector: SedirDetector, bracket: Scan, good: Detection
) -> None:
    told = detector.detect(bracket, good.category)
    assert np.array_equal(told.point_scores, good.point_scores)
    assert (told.object_score, told.threshold, told.reason) == (good.object_score, good.threshold, good.reason)


def test_shuffling_points_shuffles_scores_and_changes_nothing_else(
    detector: SedirDetector, bracket: Scan, good: Detection
) -> None:
    order = np.random.default_rng(0).permutation(len(bracket))
    shuffled = detector.detect(scan_of(bracket.points[order]), "bracket")
    assert same(replace(shuffled, point_scores=shuffled.point_scores[np.argsort(order)]), good)


def test_a_scan_with_more_points_than_are_used_may_be_shuffled_too(detector: SedirDetector) -> None:
    points = part("bracket", 9, 2 * detector.config.grouping.working_points)
    order = np.random.default_rng(0).permutation(len(points))
    one, other = (detector.detect(scan_of(cloud), "bracket") for cloud in (points, points[order]))
    assert np.array_equal(one.point_scores[order], other.point_scores)


def test_more_points_are_compared_than_grouped(detector: SedirDetector) -> None:
    """A finer comparison, of the same tokens."""
    config = override(detector.config, grouping={"compared_points": 8_000})
    finer = SedirDetector(config, detector.nets, detector.known, detector.device)
    scan = scan_of(part("bracket", 9, 10_000))
    placed = [one.place(scan, "bracket", never_stop) for one in (detector, finer)]
    assert [len(one.working) for one in placed] == [detector.config.grouping.working_points, 8_000]
    assert np.array_equal(placed[1].working[: len(placed[0].working)], placed[0].working)
    tokens = [one.tokens_of(scan, "bracket").centers for one in (detector, finer)]
    assert torch.equal(*tokens)
    assert finer.detect(scan, "bracket").object_score != detector.detect(scan, "bracket").object_score


def test_points_that_were_not_measured_are_not_scored_and_change_nothing(
    detector: SedirDetector, bracket: Scan, good: Detection
) -> None:
    holes = np.array([[np.nan, 0, 0], [0, np.inf, 0], [np.nan] * 3])
    points = np.insert(bracket.points, [0, 100, len(bracket)], holes, axis=0)
    found = detector.detect(scan_of(points), "bracket")
    assert np.array_equal(np.flatnonzero(~found.evaluated), [0, 101, len(points) - 1])
    assert np.array_equal(found.point_scores[found.evaluated], good.point_scores)


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize(("power", "shift"), [(0, 0.0), (-3, 2.0), (3, -50.0)])
def test_scale_shift_and_turn_change_nothing_beyond_rounding(
    detector: SedirDetector, unmoved: Callable[[str], Detection], category: str, power: int, shift: float
) -> None:
    points = part(category, 11)
    turned = points @ random_rotation(np.random.default_rng(power + 5)).T
    there = (turned + shift * DIAGONAL_MM) * 10.0**power
    one, moved = unmoved(category), detector.detect(scan_of(there))
    assert (moved.category, moved.verdict) == (one.category, one.verdict)
    assert moved.object_score == pytest.approx(one.object_score, rel=1e-4)
    assert np.allclose(moved.point_scores, one.point_scores, rtol=1e-2)


def test_what_a_file_rounds_hardly_matters(detector: SedirDetector, dent: tuple[DoubleArray, BoolArray]) -> None:
    turned = dent[0] @ random_rotation(np.random.default_rng(6)).T
    one, rounded = (detector.detect(scan_of(points)) for points in (dent[0], turned.astype(np.float32).astype(float)))
    assert rounded.object_score == pytest.approx(one.object_score, rel=0.01)


def test_a_part_far_from_the_origin_scores_the_same(detector: SedirDetector, bracket: Scan, good: Detection) -> None:
    shift = np.array([5e6, -3e6, 1e3])
    far = detector.detect(scan_of(bracket.points + shift), "bracket")
    assert far.object_score == pytest.approx(good.object_score, rel=1e-3)
    assert distance_to(far.reconstruction - shift, bracket.points).mean() < 5


def test_the_reconstruction_lies_on_the_part(good: Detection, bracket: Scan) -> None:
    assert np.quantile(distance_to(bracket.points, good.reconstruction), 0.9) < 5  # millimetres, of a diagonal of 100


def test_a_missing_end_is_expected(detector: SedirDetector) -> None:
    points = part("bracket", 10)
    away = points @ np.linalg.svd(points - points.mean(axis=0))[2][0]
    kept = points[away < np.quantile(away, 0.85)]
    found = detector.detect(scan_of(kept), "bracket")
    gone = points[away > np.quantile(away, 0.9)]
    assert found.expected is not None
    assert distance_to(gone, kept).mean() > 2 * distance_to(gone, found.expected).mean()


def without_its_surface(detector: SedirDetector) -> SedirDetector:
    """The network expects another surface of brackets."""
    surface = deepcopy(detector.nets.surface)
    assert surface is not None
    for grid in surface.grids_of(0):
        grid.codes.zero_()
    return SedirDetector(detector.config, replace(detector.nets, surface=surface), detector.known, detector.device)


@torch.no_grad()
def without_its_tokens(detector: SedirDetector) -> SedirDetector:
    """The network rebuilds nothing of what it reads."""
    network = deepcopy(detector.nets.network)
    for parameter in network.parameters():
        parameter.zero_()
    return SedirDetector(detector.config, replace(detector.nets, network=network), detector.known, detector.device)


@pytest.mark.parametrize("spoilt", [without_its_surface, without_its_tokens])
def test_the_network_moves_the_scores_that_claim_to_rest_on_it(
    detector: SedirDetector,
    bracket: Scan,
    every_way: tuple[Detection, dict[str, Detection]],
    spoilt: Callable[[SedirDetector], SedirDetector],
) -> None:
    whole, less = every_way[1], spoilt(detector).detect_each(bracket, "bracket")[1]
    for name in ("network.calibrated", "all.calibrated"):
        assert less[name].object_score != whole[name].object_score
        assert not np.array_equal(less[name].point_scores, whole[name].point_scores, equal_nan=True)
    name = "surface.calibrated"
    assert less[name].object_score == whole[name].object_score
    assert np.array_equal(less[name].point_scores, whole[name].point_scores, equal_nan=True)


def test_the_reconstruction_is_the_networks_and_what_is_expected_is_not(
    detector: SedirDetector, bracket: Scan, good: Detection
) -> None:
    other = without_its_surface(detector).detect(bracket, "bracket")
    assert other.reconstruction.shape != good.reconstruction.shape
    assert good.expected is not None and other.expected is not None
    assert np.array_equal(other.expected, good.expected)


def test_every_way_of_judging_has_limits_of_its_own(every_way: tuple[Detection, dict[str, Detection]]) -> None:
    chosen, each = every_way
    assert set(each) == {judging.name for judging in ALL_JUDGINGS}
    assert each["all.calibrated"].object_score == chosen.object_score
    assert each["network.calibrated"].rests_on == {"network": 1.0, "surface": 0.0}
    assert each["surface.calibrated"].rests_on == {"network": 0.0, "surface": 1.0}
    assert all(np.isfinite(one.threshold) and one.threshold > 0 for one in each.values())


def test_flying_pixels_are_not_evaluated_and_change_nothing(
    detector: SedirDetector, bracket: Scan, good: Detection
) -> None:
    size = np.ptp(bracket.points, axis=0).max()
    near = bracket.points.mean(axis=0) + size * np.array([[0.9, 0.4, 0.8], [-0.7, 0.9, -0.5], [0.1, -0.9, 0.9]])
    found = detector.detect(scan_of(np.concatenate([bracket.points, near, [[1e9, 0, 0]]])), "bracket")
    assert np.array_equal(found.evaluated, [True] * len(bracket) + [False] * 4)
    assert found.reason.endswith("; 4 stray points were not evaluated")
    assert found.object_score == pytest.approx(good.object_score, rel=0.1)  # another sample of its points
    assert np.corrcoef(found.point_scores[:-4], good.point_scores)[0, 1] > 0.8


def test_a_patch_beside_the_part_is_no_flying_pixel(detector: SedirDetector, bracket: Scan, good: Detection) -> None:
    size = np.ptp(bracket.points, axis=0).max()
    burr = bracket.points.mean(axis=0) + 0.9 * size + 0.01 * size * np.random.default_rng(0).normal(size=(60, 3))
    found = detector.detect(scan_of(np.concatenate([bracket.points, burr])), "bracket")
    assert found.evaluated.all()
    assert found.object_score > 2 * good.object_score


def test_points_that_come_twice_count_once(detector: SedirDetector, bracket: Scan, good: Detection) -> None:
    found = detector.detect(scan_of(np.concatenate([bracket.points, bracket.points])), "bracket")
    assert found.object_score == good.object_score
    assert np.array_equal(found.point_scores, np.concatenate([good.point_scores] * 2))


def test_no_working_point_lies_farther_out_than_the_network_may_see(detector: SedirDetector, bracket: Scan) -> None:
    points = np.concatenate([bracket.points, np.repeat([[1e11, -1e11, 0]], 9, axis=0) + np.arange(9)[:, None]])
    aligned = detector.place(scan_of(points), "bracket", lambda: False).aligned
    assert np.abs(aligned).max() == RESOLUTION.farthest


def test_two_loads_detect_the_same(tiny: TinyRun, bracket: Scan, good: Detection) -> None:
    assert same(SedirDetector.load(tiny.path, "cpu").detect(bracket, "bracket"), good)


def with_rule(tiny: TinyRun, folder: Path, rule: str) -> Path:
    """The run, its configuration edited by hand."""
    text = (tiny.path / CONFIG).read_text()
    assert 'rule = "calibrated"' in text
    (folder / CONFIG).write_text(text.replace('rule = "calibrated"', f'rule = "{rule}"'))
    (folder / ABOUT).write_bytes((tiny.path / ABOUT).read_bytes())
    return folder


@pytest.mark.parametrize("rule", ["raw", "paper"])
def test_another_rule_in_a_finished_run_brings_its_own_limits(
    every_way: tuple[Detection, dict[str, Detection]], tiny: TinyRun, bracket: Scan, tmp_path: Path, rule: str
) -> None:
    """Scores of one rule under the limits of another would call a bad part OK."""
    edited = with_rule(tiny, tmp_path, rule)
    (edited / WEIGHTS).write_bytes((tiny.path / WEIGHTS).read_bytes())
    found, own = SedirDetector.load(edited, "cpu").detect(bracket, "bracket"), every_way[1][f"network.{rule}"]
    assert (found.object_score, found.threshold) == (own.object_score, own.threshold)


def test_a_rule_that_a_run_keeps_no_limits_for_is_refused(tiny: TinyRun, tmp_path: Path) -> None:
    edited = with_rule(tiny, tmp_path, "raw")
    tensors, meta = read_tensors(tiny.path / WEIGHTS)
    kept = {name: value for name, value in tensors.items() if "judged.network.raw" not in name}
    assert len(kept) < len(tensors)
    write_tensors(edited / WEIGHTS, kept, meta)
    with pytest.raises(BadRun, match="keeps no limits for evidence network and rule raw"):
        SedirDetector.load(edited, "cpu")


def test_a_rate_of_false_alarms_that_the_limits_were_not_set_for_is_refused(tiny: TinyRun, tmp_path: Path) -> None:
    text = (tiny.path / CONFIG).read_text()
    assert "false_alarm_rate = 0.05" in text
    (tmp_path / CONFIG).write_text(text.replace("false_alarm_rate = 0.05", "false_alarm_rate = 0.3"))
    for name in (ABOUT, WEIGHTS):
        (tmp_path / name).write_bytes((tiny.path / name).read_bytes())
    with pytest.raises(BadRun, match=r"false_alarm_rate to 0\.3, but the run's limits were set for 0\.05"):
        SedirDetector.load(tmp_path, "cpu")


def stored_again(detector: SedirDetector, tiny: TinyRun, folder: Path) -> Path:
    for name in (CONFIG, ABOUT):
        (folder / name).write_bytes((tiny.path / name).read_bytes())
    write_tensors(folder / WEIGHTS, detector.tensors(), read_tensors(tiny.path / WEIGHTS)[1])
    return folder


def test_storing_and_loading_keeps_the_answer(
    detector: SedirDetector, tiny: TinyRun, bracket: Scan, good: Detection, tmp_path: Path
) -> None:
    again = SedirDetector.load(stored_again(detector, tiny, tmp_path), "cpu").detect(bracket, "bracket")
    # Stored normals are made unit when they are read, which may move their last bit.
    assert np.allclose(again.point_scores, good.point_scores, rtol=1e-3)
    assert again.object_score == pytest.approx(good.object_score, rel=1e-3)


def test_the_token_is_the_embedding(detector: SedirDetector, bracket: Scan, good: Detection) -> None:
    assert np.array_equal(detector.embed(bracket, "bracket"), good.token)
    assert np.linalg.norm(good.token) == pytest.approx(1, abs=1e-5)


def test_progress_rises_to_the_end(detector: SedirDetector, bracket: Scan) -> None:
    seen: list[float] = []
    detector.detect(bracket, "bracket", lambda fraction, stage: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_stop_ends_it_without_an_answer(detector: SedirDetector, bracket: Scan) -> None:
    with pytest.raises(Cancelled):
        detector.detect(bracket, "bracket", stop=lambda: True)


def test_a_gpu_without_memory_is_a_user_error_and_the_next_scan_works(
    detector: SedirDetector, bracket: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(detector.nets.network, "forward", full)
        with pytest.raises(DeviceUnavailable, match="out of memory"):
            detector.detect(bracket, "bracket")
    assert detector.detect(bracket, "bracket").verdict != "ng"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("category.0.numbers", lambda t: t[:3]),
        ("category.0.frame", lambda t: t[:2]),
        ("category.0.frame", torch.zeros_like),
        ("category.1.surface.points", lambda t: t[:, :2].contiguous()),
        ("category.1.surface.normals", lambda t: t[:-1]),
        ("category.1.anchors", lambda t: t[:0]),
        ("category.2.controls", lambda t: t.flatten()),
        ("category.2.descriptor", lambda t: t[:-1]),
        ("category.2.usual.token", torch.zeros_like),
        ("category.2.usual.drift", None),
        ("network.decoder.", None),
        ("encoder.norm.weight", lambda t: t[:-1]),
    ],
)
def test_a_damaged_run_is_refused(tiny: TinyRun, tmp_path: Path, name: str, change: object) -> None:
    tensors, meta = read_tensors(tiny.path / WEIGHTS)
    hit = [key for key in tensors if key.startswith(name)]
    assert hit
    for key in hit:
        value = tensors.pop(key)
        if callable(change):
            tensors[key] = change(value)
    for other in (CONFIG, ABOUT):
        (tmp_path / other).write_bytes((tiny.path / other).read_bytes())
    write_tensors(tmp_path / WEIGHTS, tensors, meta)
    with pytest.raises(BadRun):
        SedirDetector.load(tmp_path, "cpu")


def test_a_scan_that_shows_much_of_what_no_good_scan_did_is_uncertain(
    detector: SedirDetector, bracket: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = detector.known["bracket"]
    statistics = known.whole.statistics
    unseen = statistics.anchors[:, 0] > np.quantile(statistics.anchors[:, 0], 0.6)
    values = {name: np.where(unseen, UNKNOWN, v) if name in FIELDS else v for name, v in statistics.values.items()}
    blind = replace(known, whole=replace(known.whole, statistics=replace(statistics, values=values)))
    twin = SedirDetector(detector.config, detector.nets, {**detector.known, "bracket": blind}, detector.device)
    monkeypatch.setattr("sedir_core.detectors.sedir.why_uncertain", lambda *_: "")
    assert not detector.detect(bracket, "bracket").uncertain
    found = twin.detect(bracket, "bracket")
    assert found.uncertain
    assert "lies otherwise than good scans did" in found.reason
    assert "hardly shown by good scans" in found.reason
