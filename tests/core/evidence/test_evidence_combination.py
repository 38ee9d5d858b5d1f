"""Scores are relative to what is usual, limits keep their rate, and the published rule is the published rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sedir_core.evidence.combination import (
    MAP_WEIGHTS,
    OBJECT_WEIGHTS,
    TOKEN,
    TYPICAL,
    Evidence,
    NormalStatistics,
    decisive_shares,
    learn_statistics,
    object_score,
    paper_scores,
    point_map,
    rises_of,
)
from sedir_core.evidence.judge import Judges, channels_in, learn_judges, lesson_of
from sedir_core.evidence.judging import EVIDENCE, EvidenceKind, Judging
from sedir_core.evidence.limits import object_limits
from sedir_core.evidence.numbers import SCORES
from sedir_core.evidence.peaks import learn_peaks
from sedir_core.evidence.probes import GAPS
from sedir_core.types import DoubleArray, never_stop, no_report

N = 4_000
NAMES = tuple(dict.fromkeys((*MAP_WEIGHTS, *OBJECT_WEIGHTS)))


def evidence(seed: int, from_one_side: bool = False) -> Evidence:
    """A unit square whose right half is ten times as noisy as its left."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(size=(N, 3)) * (1, 1, 0)
    noise = np.where(places[:, 0] > 0.5, 10.0, 1.0)
    return Evidence(places, {name: noise * np.abs(rng.normal(size=N)) for name in NAMES}, from_one_side)


def with_dent(good: Evidence, factor: float = 10.0) -> tuple[Evidence, DoubleArray]:
    inside = np.linalg.norm(good.places - [0.25, 0.5, 0], axis=1) < 0.08
    channels = {name: np.where(inside, factor * np.maximum(v, 1), v) for name, v in good.channels.items()}
    return Evidence(good.places, channels), inside


@pytest.fixture(scope="module")
def statistics() -> NormalStatistics:
    anchors = np.random.default_rng(9).uniform(size=(200, 3)) * (1, 1, 0)
    return learn_statistics([evidence(seed) for seed in range(4)], anchors)


def test_what_is_usual_follows_the_place(statistics: NormalStatistics) -> None:
    left, right = statistics.anchors[:, 0] < 0.45, statistics.anchors[:, 0] > 0.55
    for name in NAMES:
        assert statistics.values[name][right].mean() > 3 * statistics.values[name][left].mean()


def test_gaps_of_views_are_usual_in_the_same_way_everywhere(statistics: NormalStatistics) -> None:
    views = learn_statistics([evidence(seed, from_one_side=True) for seed in range(4)], statistics.anchors)
    for name in NAMES:
        if name in GAPS:
            rms = np.sqrt(np.mean([(evidence(seed).channels[name] ** 2).mean() for seed in range(4)]))
            assert views.values[name] == pytest.approx(rms)
        else:
            assert np.array_equal(views.values[name], statistics.values[name])


def test_one_in_a_thousand_of_unseen_normal_points_exceeds_a_limit(statistics: NormalStatistics) -> None:
    standardised = statistics.standardise(evidence(100))
    for name in NAMES:
        assert (standardised[name] > 1).mean() < 0.005
        assert standardised[name].max() < 2


def test_a_dent_in_the_quiet_half_exceeds_though_noise_elsewhere_is_larger(statistics: NormalStatistics) -> None:
    scan, inside = with_dent(evidence(100))
    assert statistics.standardise(scan)["offset_32"][inside].min() > 1


def test_a_dent_is_hotter_than_its_surroundings(statistics: NormalStatistics) -> None:
    scan, inside = with_dent(evidence(100))
    scores = point_map(statistics.standardise(scan), scan.around)
    assert scores[inside].mean() > 3 * scores[~inside].mean()


def test_a_dent_raises_the_object_score(statistics: NormalStatistics) -> None:
    scan, _ = with_dent(evidence(100))
    assert object_score(statistics.standardise(scan)) > 1.5 * object_score(statistics.standardise(evidence(100)))


def test_a_single_wild_point_is_capped(statistics: NormalStatistics) -> None:
    scan = evidence(100)
    scan.channels["offset_32"][0] = 1e12
    assert statistics.standardise(scan)["offset_32"][0] == SCORES.loudest
    assert statistics.standardise(replace(scan, from_one_side=True))["offset_32"][0] == SCORES.largest


@pytest.fixture(scope="module")
def peaked(statistics: NormalStatistics) -> NormalStatistics:
    """With judges that have seen dents of twice to ten times the usual, in all evidence or in a part of it."""
    all_standardised = [statistics.standardise(evidence(seed)) for seed in range(10, 16)]
    known = replace(statistics, peaks=learn_peaks(all_standardised, range(6)))
    random, lessons = np.random.default_rng(0), []
    for seed, standardised in zip(range(10, 16), all_standardised, strict=True):
        good = np.ones(N, bool)
        lessons.append(lesson_of(seed, standardised, known.peaks, evidence(seed).around, ~good, good, 1.0, random))
        scan, inside = with_dent(evidence(seed), factor=2 + 8 * random.random())
        for seen in (NAMES, (TOKEN,), tuple(name for name in NAMES if name != TOKEN)):
            shown = {name: (scan if name in seen else evidence(seed)).channels[name] for name in NAMES}
            departing = statistics.standardise(Evidence(scan.places, shown))
            lessons.append(lesson_of(seed, departing, known.peaks, scan.around, inside, ~inside, 1.0, random))
    judges = learn_judges(lessons, channels_in(all_standardised[0]), 200, 0, no_report, never_stop)
    known = known.judged_by(judges)
    judged = [
        known.judged(one, evidence(seed).around, seed)
        for seed, one in zip(range(10, 16), all_standardised, strict=True)
    ]
    return replace(known, peaks=known.peaks | learn_peaks(judged, range(6)))


def score(statistics: NormalStatistics, scan: Evidence, kind: EvidenceKind = "all") -> float:
    return object_score(Judging(kind).of(statistics.standardise(scan)), peaks=statistics.peaks)


@pytest.mark.parametrize("kind", EVIDENCE)
def test_a_good_part_scores_about_one_where_peaks_are_known(peaked: NormalStatistics, kind: EvidenceKind) -> None:
    assert score(peaked, evidence(100), kind) == pytest.approx(1.0, abs=0.5)


@pytest.mark.parametrize("kind", EVIDENCE)
def test_a_dent_rises_above_the_peaks_of_good_parts(peaked: NormalStatistics, kind: EvidenceKind) -> None:
    assert score(peaked, with_dent(evidence(100))[0], kind) > 2


def test_a_channel_alone_must_rise_farther_in_a_scan_that_lies_otherwise(peaked: NormalStatistics) -> None:
    standardised, peak = Judging().of(peaked.standardise(evidence(100))), peaked.peaks["offset_32"]
    standardised["offset_32"] = np.full(N, np.exp(peak.mean + 1.1 * SCORES.least_alone * peak.spread))
    assert "offset_32" in rises_of(standardised, peaked.peaks)
    assert "offset_32" not in rises_of(standardised, peaked.peaks, leniency=1.3)
    alone = object_score(standardised, peaks=peaked.peaks)
    assert object_score(standardised, peaks=peaked.peaks, leniency=1.3) < alone / 1.3
    colours = [point_map(standardised, evidence(100).around, peaked.peaks, leniency) for leniency in (1.0, 1.3)]
    assert colours[1].max() < colours[0].max() / 1.3


def test_the_judge_colours_the_dent(peaked: NormalStatistics) -> None:
    scan, inside = with_dent(evidence(100))
    scores = point_map(Judging().of(peaked.standardise(scan)), scan.around, peaked.peaks)
    assert scores[inside].min() > np.median(scores[~inside])
    assert scores[inside].mean() > 1.5 * scores[~inside].mean()


def test_each_kind_of_evidence_is_blind_to_the_other(peaked: NormalStatistics) -> None:
    good = evidence(100)
    dent = with_dent(good)[0].channels
    for kind, seen in (("network", (TOKEN,)), ("surface", tuple(name for name in NAMES if name != TOKEN))):
        other = {name: good.channels[name] if name in seen else dent[name] for name in NAMES}
        assert score(peaked, Evidence(good.places, other), kind) == pytest.approx(score(peaked, good, kind))
        own = {name: dent[name] if name in seen else good.channels[name] for name in NAMES}
        assert score(peaked, Evidence(good.places, own), kind) > score(peaked, good, kind)


def test_what_only_the_network_shows_rests_on_the_network(peaked: NormalStatistics) -> None:
    good = evidence(100)
    dent = with_dent(good)[0].channels
    shown = {name: dent[name] if name == TOKEN else good.channels[name] for name in NAMES}
    by_token = decisive_shares(Judging().of(peaked.standardise(Evidence(good.places, shown))), peaked.peaks)
    rest = {name: dent[name] if name != TOKEN else good.channels[name] for name in NAMES}
    by_rest = decisive_shares(Judging().of(peaked.standardise(Evidence(good.places, rest))), peaked.peaks)
    assert sum(by_token) == pytest.approx(1) and sum(by_rest) == pytest.approx(1)
    assert by_token[0] > 0.5 > by_rest[0]


def test_judges_are_kept_to_the_last_bit(peaked: NormalStatistics) -> None:
    assert peaked.judges is not None
    kept = Judges.restore(peaked.judges.tensors(), peaked.judges.channels)
    again = replace(peaked, judges=kept).standardise(evidence(100))
    assert all(np.array_equal(again[name], values) for name, values in peaked.standardise(evidence(100)).items())


def test_a_judge_of_another_shape_is_refused(peaked: NormalStatistics) -> None:
    assert peaked.judges is not None
    with pytest.raises(ValueError, match="mean is"):
        Judges.restore(peaked.judges.tensors(), peaked.judges.channels[1:])
    kept = peaked.judges.tensors()
    with pytest.raises(ValueError, match="no judges of network and surface"):
        Judges.restore({"quiet": kept["quiet"]}, peaked.judges.channels)


def test_a_judge_whose_limits_were_learned_of_other_sayings_is_refused(peaked: NormalStatistics) -> None:
    assert peaked.judges is not None
    for quiet in ({}, {"quiet": torch.tensor([0.5, 0.0])}, {"quiet": torch.zeros(3)}):
        kept = {name: value for name, value in peaked.judges.tensors().items() if name != "quiet"}
        with pytest.raises(ValueError, match="another version"):
            Judges.restore(kept | quiet, peaked.judges.channels)


def test_a_judge_speaks_in_times_of_the_scan_s_own_quiet(peaked: NormalStatistics) -> None:
    """What raises all of a scan is no defect; where a tenth and more looks damaged, that is no quiet."""
    for seed in (100, 101):
        said = peaked.standardise(evidence(seed))
        for kind in ("network", "surface", "all"):
            assert np.quantile(said[f"judged.{kind}"], 0.9) == pytest.approx(1)
    good = evidence(100)
    damaged = {name: np.where(np.arange(N) < N // 2, 40.0, 1.0) * values for name, values in good.channels.items()}
    said = peaked.standardise(replace(good, channels=damaged))
    assert np.quantile(said["judged.all"], 0.9) > 1.5


def test_places_that_hardly_a_sampling_shows_do_not_depart() -> None:
    anchors = np.random.default_rng(9).uniform(size=(200, 3)) * (1, 1, 0)
    left = [one.channels["offset_32"].copy() for one in map(evidence, range(4))]
    shown = [evidence(seed) for seed in range(4)]
    for one, values in zip(shown, left, strict=True):
        values[one.places[:, 0] > 0.7] = np.nan
        one.channels["offset_32"][:] = values
    statistics = learn_statistics(shown, anchors, TYPICAL)
    scan = evidence(100)
    scan.channels["offset_32"][scan.places[:, 0] > 0.8] = 1e3
    assert statistics.standardise(scan)["offset_32"][scan.places[:, 0] > 0.8].max() < 0.01


def test_what_a_channel_cannot_tell_is_no_departure(statistics: NormalStatistics) -> None:
    scan = evidence(100)
    scan.channels["offset_32"][:50] = np.nan
    assert not statistics.standardise(scan)["offset_32"][:50].any()


def test_a_token_counts_only_above_its_usual(statistics: NormalStatistics) -> None:
    scan = evidence(100)
    quiet = Evidence(scan.places, {name: np.zeros(N) + 1e-3 for name in NAMES})
    assert not statistics.standardise(quiet)[TOKEN].any()


def test_channels_without_weight_do_not_count(statistics: NormalStatistics) -> None:
    standardised = statistics.standardise(evidence(100))
    assert object_score(standardised | {"unheard of": np.full(N, 1e9)}) == object_score(standardised)


def test_a_channel_that_never_stirs_gives_no_division_by_zero() -> None:
    still = Evidence(evidence(0).places, dict.fromkeys(NAMES, np.zeros(N)))
    found = learn_statistics([still], still.places[:50]).standardise(still)
    assert all(np.isfinite(values).all() for values in found.values())


def test_places_nobody_saw_take_the_overall_value() -> None:
    far = np.array([[50.0, 50, 0]])
    seen = evidence(0)
    statistics = learn_statistics([seen], np.concatenate([seen.places[:100], far]))
    rms = np.sqrt((seen.channels["drift"] ** 2).mean())
    assert statistics.values["drift"][-1] == pytest.approx(rms, rel=0.05)


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_object_limits_give_the_nominal_rate_of_false_alarms(rate: float) -> None:
    rng = np.random.default_rng(0)
    medians = {f"part {i}": float(np.exp(rng.normal())) for i in range(8)}
    alarms = []
    for _ in range(40):
        held_out = {name: median * np.exp(0.2 * rng.normal(size=8)) for name, median in medians.items()}
        limits = object_limits(held_out, rate)
        for name, median in medians.items():
            alarms.append((median * np.exp(0.2 * rng.normal(size=200)) > limits[name]).mean())
    assert np.mean(alarms) == pytest.approx(rate, rel=0.2)


def test_a_category_that_scatters_does_not_widen_the_limits_of_the_others() -> None:
    random = np.random.default_rng(0)
    calm = {f"calm{i}": np.exp(random.normal(0, 0.1, 24)) for i in range(5)}
    limits = object_limits(calm | {"wild": np.exp(random.normal(0, 1.0, 24))}, 0.05)
    alone = object_limits(calm, 0.05)
    assert all(limits[name] < 1.1 * alone[name] for name in calm)
    assert limits["wild"] > 2.0


def test_object_limits_follow_each_category() -> None:
    scores = {"quiet": np.array([1.0, 1.1, 0.9]), "loud": np.array([10.0, 11.0, 9.0])}
    limits = object_limits(scores, 0.05)
    assert limits["loud"] == pytest.approx(10 * limits["quiet"])


def test_a_limit_from_a_single_sampling_is_at_least_its_score() -> None:
    assert object_limits({"only": np.array([2.0])}, 0.05)["only"] >= 2.0 - 1e-9


def test_published_scores_of_a_hand_worked_case() -> None:
    # Min-max turns (2, 2, 4, 2, 2) into a unit impulse; a Gaussian of sigma 1 over five tokens spreads it.
    weights = np.exp(-0.5 * np.array([2.0, 1, 0, 1, 2]) ** 2)
    expected = weights / weights.sum()
    assert paper_scores(np.array([2.0, 2, 2, 2, 4, 2, 2, 2, 2]))[2:7] == pytest.approx(expected)


def test_published_scores_of_equal_residuals_are_zero() -> None:
    assert not paper_scores(np.full(10, 3.0)).any()


def test_published_scores_do_not_depend_on_scale_and_offset() -> None:
    residuals = np.random.default_rng(0).uniform(size=50)
    assert paper_scores(7 * residuals + 3) == pytest.approx(paper_scores(residuals))


def test_a_seam_counts_half_in_a_view() -> None:
    standardised = {"gap_8": np.ones(1000), "seam": np.full(1000, 3.0)}
    assert object_score(standardised) == pytest.approx(np.hypot(1, 3))
    assert object_score(standardised, from_one_side=True) == pytest.approx(np.hypot(1, 1.5))
