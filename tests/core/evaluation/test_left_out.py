"""Ignored regions and regions of interest: what is left out is not evaluated, and condemns nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from measured_ball import MIDDLE, MeasuringDetector
from roundness import ball
from typer.testing import CliRunner

from sedir_core.cli import app
from sedir_core.evaluation.left_out import leave_out
from sedir_core.evaluation.report_style import measured_words
from sedir_core.evaluation.zone_file import PartTolerance, read_part_tolerance, write_part_tolerance
from sedir_core.evaluation.zone_file import ball as ball_at
from sedir_core.evaluation.zones import inspect_reference
from sedir_core.evidence.coverage import ABSENT
from sedir_core.evidence.whole_part import SIZE
from sedir_core.history.stored_result import StoredResult, encode, read_result
from sedir_core.io.export import write_points_ply
from sedir_core.types import Defect, Detection, Scan, Tolerance, Zone, ZonePlace, ZoneUse

TOP, BOTTOM = MIDDLE + np.array([0.0, 0.0, 1.0]), MIDDLE - np.array([0.0, 0.0, 1.0])
DENT = 0.1  # of the radius, at the top
DENTED = Scan(ball(DENT), "ball")
STRICT = MeasuringDetector(limit=1.0)


def zone(at: np.ndarray, use: ZoneUse, radius: float = 0.7, name: str = "a") -> Zone:
    return Zone(name, None, ball_at(at, radius), use=use)


@pytest.mark.parametrize(
    ("zones", "verdict"),
    [
        ([zone(TOP, "ignore")], "ok"),
        ([zone(BOTTOM, "ignore")], "ng"),
        ([zone(TOP, "only")], "ng"),
        ([zone(BOTTOM, "only")], "ok"),
        ([zone(MIDDLE, "only", 2.0), zone(TOP, "ignore", name="b")], "ok"),
        ([zone(BOTTOM, "only"), zone(TOP, "only", name="b")], "ng"),
    ],
)
def test_only_what_is_evaluated_counts(zones: list[Zone], verdict: str) -> None:
    found = leave_out(DENTED, STRICT.detect(DENTED), zones)
    assert (found.verdict, bool(found.defects)) == (verdict, verdict == "ng")
    assert " points outside the evaluated regions were left out" in found.reason


def test_what_is_left_out_has_neither_score_nor_deviation() -> None:
    found = leave_out(DENTED, STRICT.detect(DENTED), [zone(TOP, "ignore")])
    inside = ball_at(TOP, 0.7).holds(DENTED.points)
    assert found.deviation is not None and found.deviation_rigid is not None
    for values in (found.point_scores, found.deviation, found.deviation_rigid):
        assert np.array_equal(np.isnan(values), inside)
    assert found.deviation_range[0] > -DENT / 2


def test_a_scan_of_which_nothing_is_evaluated_is_never_ok() -> None:
    found = leave_out(DENTED, STRICT.detect(DENTED), [zone(MIDDLE + 50.0, "only")])
    assert found.verdict == "uncertain" and "no evaluated point lies in the regions of interest" in found.reason


def test_another_size_condemns_a_part_whatever_is_ignored() -> None:
    plain = replace(STRICT.detect(DENTED), whole={SIZE: 3.0, ABSENT: 0.1})
    assert leave_out(DENTED, plain, [zone(TOP, "ignore")]).verdict == "ng"


@pytest.mark.parametrize(("at", "verdict"), [(TOP, "ok"), (BOTTOM, "ng")])
def test_what_is_absent_counts_unless_it_is_left_out(at: np.ndarray, verdict: str) -> None:
    """A piece is missing at the top, beside a dent that is ignored in either case."""
    rim = np.flatnonzero(ball_at(at, 0.2).holds(DENTED.points))
    gone = Defect(at, np.ones(3), 0.0, 1.0, rim, "missing material", -0.5)
    plain = replace(STRICT.detect(DENTED), whole={ABSENT: 3.0}, regions=(gone,))
    found = leave_out(DENTED, plain, [zone(TOP, "ignore")])
    assert found.verdict == verdict and len(found.regions) == (verdict == "ng")


def judged(folder: Path, *zones: Zone, elsewhere: Tolerance | None = None) -> Detection:
    write_points_ply(folder / "golden.ply", ball(0.0))
    part = PartTolerance(folder / "golden.ply", elsewhere, zones)
    return inspect_reference(MeasuringDetector(), part).judge(DENTED, MeasuringDetector().detect(DENTED))


def test_a_tolerance_holds_in_the_region_of_interest_alone(tmp_path: Path) -> None:
    strict = Tolerance(-50.0, 50.0)
    assert judged(tmp_path, zone(TOP, "only"), elsewhere=strict).verdict == "ng"
    assert judged(tmp_path, zone(BOTTOM, "only"), elsewhere=strict).verdict == "ok"
    assert judged(tmp_path, zone(TOP, "ignore"), elsewhere=strict).verdict == "ok"


def test_a_tolerance_of_a_place_within_the_region_of_interest_is_its_own(tmp_path: Path) -> None:
    lenient = Zone("face", Tolerance(-150.0, 150.0), ball_at(TOP, 0.6))
    found = judged(tmp_path, zone(MIDDLE, "only", 2.0), lenient, elsewhere=Tolerance(-50.0, 50.0))
    assert [one.name for one in found.zones] == ["face", "a", ""] and found.verdict == "ok"


def test_regions_without_tolerances_say_nothing_of_tolerances(tmp_path: Path) -> None:
    found = judged(tmp_path, zone(TOP, "ignore"))
    assert "tolerance" not in found.reason and [one.use for one in found.zones] == ["ignore", "tolerance"]
    assert measured_words(found, 1000.0, "mm")[0] == "A: not evaluated, as chosen."


PRISM = ZonePlace(
    np.array([1.0, 2.0, 3.0]),
    np.array([2.0, 1.0, 4.0]),
    np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    outline=np.array([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]),
)


def test_a_prism_holds_what_is_within_its_outline_and_its_depth() -> None:
    at = [[1.5, 1.0, 3.0], [0.5, 3.0, 3.0], [1.5, 1.0, 8.0], [1.5, -1.0, 3.0]]
    assert PRISM.holds(np.array(at)).tolist() == [True, False, False, False]


def test_a_file_that_was_written_says_the_same(tmp_path: Path) -> None:
    zones = (Zone("clamp", None, PRISM, use="ignore"), zone(TOP, "only", name="face"))
    write_part_tolerance(tmp_path / "a.toml", PartTolerance(tmp_path / "golden.ply", None, zones))
    face, clamp = read_part_tolerance(tmp_path / "a.toml").zones
    assert (face.name, face.use, clamp.name, clamp.use) == ("face", "only", "clamp", "ignore")
    some = np.random.default_rng(0).uniform(-2, 8, (5000, 3))
    assert clamp.place is not None and np.array_equal(clamp.place.holds(some), PRISM.holds(some))


def test_the_history_keeps_them(tmp_path: Path) -> None:
    raw = replace(judged(tmp_path, zone(TOP, "ignore")), zones=(Zone("clamp", None, PRISM, use="ignore"),))
    (tmp_path / "one.npz").write_bytes(encode(StoredResult(None, raw, raw)))
    (kept,) = read_result(tmp_path / "one.npz").raw.zones
    assert kept.use == "ignore" and kept.place is not None and np.array_equal(kept.place.outline, PRISM.outline)


def test_the_command_line_takes_them_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sedir_core.detectors.base.load_judging", lambda *asked: STRICT)
    monkeypatch.setattr("sedir_core.cli.user_config", lambda: tmp_path / "config.toml")
    for name, points in (("golden.ply", ball(0.0)), ("dented.ply", ball(DENT))):
        write_points_ply(tmp_path / name, points)
    part = PartTolerance(tmp_path / "golden.ply", None, (zone(TOP, "ignore", name="clamp"),))
    write_part_tolerance(tmp_path / "a.toml", part)
    told = CliRunner().invoke(
        app, ["inspect", str(tmp_path / "dented.ply"), "--regions", str(tmp_path / "a.toml"), "--json", "-"]
    )
    (found,) = json.loads(told.stdout)["results"]
    assert (found["verdict"], found["defects"]) == ("ok", []) and "tolerance" not in told.stderr
    assert [(one["name"], one["use"]) for one in found["regions"]] == [("clamp", "ignore"), ("", "tolerance")]
