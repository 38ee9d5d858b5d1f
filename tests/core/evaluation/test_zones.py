"""Tolerances by region: a region drawn on one scan is found on another, judged by its own tolerance, and named."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from measured_ball import MIDDLE, MeasuringDetector
from roundness import RoundnessDetector, ball
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner

from sedir_core.cli import app
from sedir_core.detectors.relimit import relimit
from sedir_core.errors import BadConfig, BadRun
from sedir_core.evaluation.report_style import measured_words
from sedir_core.evaluation.zone_file import PartTolerance, read_part_tolerance, write_part_tolerance
from sedir_core.evaluation.zones import PartReference, inspect_reference
from sedir_core.history.stored_result import StoredResult, encode, read_result
from sedir_core.io.export import write_points_ply
from sedir_core.types import Detection, Scan, Tolerance, Zone, ZonePlace

TOP = MIDDLE + np.array([0.0, 0.0, 1.0])
DENT = 0.1  # of the radius, which is a metre; at the top
FILE = """
reference = "golden.ply"
{elsewhere}
[[region]]
name = "top"
tolerance = "{top}"
centre = [{x}, {y}, {z}]
radius = 0.6
"""


def file_of(folder: Path, top: str = "50", elsewhere: str = "") -> Path:
    write_points_ply(folder / "golden.ply", ball(0.0))
    x, y, z = TOP
    said = f'tolerance = "{elsewhere}"' if elsewhere else ""
    path = folder / "ball.toml"
    path.write_text(FILE.format(top=top, elsewhere=said, x=x, y=y, z=z))
    return path


def judged(folder: Path, points: np.ndarray, **allowed: str) -> Detection:
    part = read_part_tolerance(file_of(folder, **allowed))
    detector = MeasuringDetector()
    scan = Scan(points, "ball")
    return inspect_reference(detector, part).judge(scan, detector.detect(scan))


@pytest.mark.parametrize(
    ("top", "elsewhere", "verdict"),
    [("50", "", "ng"), ("150", "", "ok"), ("150", "50", "ok"), ("", "50", "ok"), ("50", "150", "ng")],
)
def test_a_region_is_judged_by_its_own_tolerance_and_the_rest_by_the_other(
    tmp_path: Path, top: str, elsewhere: str, verdict: str
) -> None:
    assert judged(tmp_path, ball(DENT), top=top, elsewhere=elsewhere).verdict == verdict


def test_the_reason_names_the_region_its_tolerance_and_by_how_much(tmp_path: Path) -> None:
    reason = judged(tmp_path, ball(DENT), top="50", elsewhere="150").reason
    assert "; out of tolerance in top (±50 mm): " in reason and reason.endswith(" mm too little as a local mean")
    held = judged(tmp_path, ball(DENT), top="150", elsewhere="50").reason
    assert held.endswith("; within the tolerance of the region and within ±50 mm elsewhere")


def test_what_is_out_outside_of_the_regions_is_said_so(tmp_path: Path) -> None:
    points = ball(0.0)
    low = points[:, 2] < MIDDLE[2] - 0.9
    points[low] = MIDDLE + 0.9 * (points[low] - MIDDLE)
    found = judged(tmp_path, points, top="1", elsewhere="50")
    assert "; out of tolerance outside the regions (±50 mm): " in found.reason
    assert [zone.out(found.to_unit) for zone in found.zones] == [False, True]


def test_a_region_that_is_too_low_all_over_says_its_farthest_end_once(tmp_path: Path) -> None:
    points = MIDDLE + 0.9 * (ball(0.0) - MIDDLE)
    reason = judged(tmp_path, points, top="-50,200").reason
    assert reason.count("too little") == 1


def test_a_place_that_both_limits_condemn_is_one_defect(tmp_path: Path) -> None:
    scan = Scan(ball(DENT), "ball")
    detector = MeasuringDetector(limit=1.0)
    found = inspect_reference(detector, read_part_tolerance(file_of(tmp_path, top="20"))).judge(
        scan, detector.detect(scan)
    )
    assert len(found.defects) == 1


def test_the_dent_is_listed_as_a_defect_only_where_it_is_not_allowed(tmp_path: Path) -> None:
    assert len(judged(tmp_path, ball(DENT), top="50").defects) == 1
    assert judged(tmp_path, ball(DENT), top="150", elsewhere="50").defects == ()


def test_a_region_is_found_again_on_a_scan_that_lies_otherwise_in_another_unit() -> None:
    """The reference is in metres; the other lies turned and shifted, in millimetres."""
    surface = np.random.default_rng(0).uniform(-1, 1, (400, 3))
    turn = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()

    def placed(points: np.ndarray) -> np.ndarray:
        return 1000 * (points @ turn.T + (5.0, 2.0, -3.0))

    place = ZonePlace(np.array([0.4, 0.2, 0.1]), np.array([0.3, 0.2, 0.1]), np.eye(3))
    part = PartTolerance(Path("golden.ply"), None, (Zone("box", Tolerance(-1, 1), place),))
    plain = MeasuringDetector().detect(Scan(ball(), "ball"))
    (zone,) = PartReference(part, "ball", surface, 1000.0).zones_on(
        replace(plain, expected=placed(surface), to_unit=1.0)
    )
    assert zone.place is not None
    some = np.random.default_rng(1).uniform(-1, 1, (2000, 3))
    assert np.array_equal(zone.place.holds(placed(some)), place.holds(some)) and place.holds(some).sum() > 10


def test_another_limit_keeps_the_regions(tmp_path: Path) -> None:
    raw = judged(tmp_path, ball(DENT), top="50")
    moved = relimit(Scan(ball(DENT), "ball"), raw, 2.0)
    assert moved.verdict == "ng" and len(moved.defects) == 1 and moved.zones == raw.zones


def test_the_history_keeps_them(tmp_path: Path) -> None:
    raw = judged(tmp_path, ball(DENT), top="50", elsewhere="150")
    (tmp_path / "one.npz").write_bytes(encode(StoredResult(None, raw, raw)))
    kept = read_result(tmp_path / "one.npz").raw
    assert kept.out_of_tolerance and kept.reason == raw.reason
    assert [(z.name, z.tolerance, z.lowest) for z in kept.zones] == [(z.name, z.tolerance, z.lowest) for z in raw.zones]
    assert kept.zones[0].place is not None and kept.zones[0].place.rounded and kept.zones[1].place is None


def test_a_report_says_each_region_in_a_sentence(tmp_path: Path) -> None:
    top, rest = measured_words(judged(tmp_path, ball(DENT), top="50", elsewhere="150"), 1000.0, "mm")
    assert top.startswith("Top: local mean deviation −") and "out of the tolerance of −50 to +50 mm" in top
    assert rest.startswith("Outside the regions: local mean deviation ")
    assert "within the tolerance of −150 to +150 mm" in rest


def test_a_file_that_was_written_says_the_same(tmp_path: Path) -> None:
    part = read_part_tolerance(file_of(tmp_path, top="-0.25,40", elsewhere="0.3"))
    write_part_tolerance(tmp_path / "again.toml", part)
    again = read_part_tolerance(tmp_path / "again.toml")
    assert (again.reference, again.elsewhere) == (tmp_path / "golden.ply", Tolerance(-0.3, 0.3))
    (zone,) = again.zones
    assert (zone.name, zone.tolerance) == ("top", Tolerance(-0.25, 40.0))
    assert zone.place is not None and np.allclose(zone.place.centre, TOP) and zone.place.half[0] == 0.6


def test_a_tolerance_of_the_whole_part_needs_neither_a_region_nor_a_look_at_the_reference(tmp_path: Path) -> None:
    write_part_tolerance(tmp_path / "a.toml", PartTolerance(tmp_path / "gone.ply", Tolerance(-50.0, 50.0), ()))
    part = read_part_tolerance(tmp_path / "a.toml")
    scan, detector = Scan(ball(DENT), "ball"), MeasuringDetector()
    found = inspect_reference(detector, part, "ball").judge(scan, detector.detect(scan))
    assert found.zones == () and "out of the tolerance of ±50 mm" in found.reason


REGION = 'reference = "a.ply"\n[[region]]\nname = "a"\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no reference"),
        ('reference = "a.ply"', "has no \\[\\[region"),
        ('reference = "a.ply"\n[[region]]\ncentre = [0, 0, 0]\nradius = 1', "has no name"),
        (REGION + "centre = [0, 0, 0]", "needs a centre"),
        (REGION + "radius = 1", "needs a centre"),
        (REGION + "centre = [0, 0, 0]\nradius = 1\nsize = [1, 1, 1]", "either a radius or a size"),
        (REGION + "centre = [0, 0, 0]\nradius = 0", "must have a positive size"),
        (REGION + "centre = [0, 0, 0]\nradius = 1\ntolerance = 'x'", "is not a tolerance"),
        (REGION + "centre = [0, 0, 0]\nradius = 1\ncolour = 'red'", "unknown: colour"),
        (
            REGION + "centre = [0, 0, 0]\nradius = 1\n" + REGION.partition("\n")[2] + "centre = [0,0,0]\nradius = 1",
            "same",
        ),
        (REGION + "centre = [0, 0, 0]\nradius = 1\nuse = 'crop'", "unknown use"),
        (REGION + "centre = [0, 0, 0]\nradius = 1\nuse = 'ignore'\ntolerance = 1", "has a tolerance and is"),
        (REGION + "centre = [0, 0, 0]\nsize = [1, 1, 1]\naxes = [[1, 0, 0], [1, 0, 0], [0, 0, 1]]", "at right angles"),
        (REGION + "centre = [0, 0, 0]\nsize = [1, 1, 1]\noutline = [[0, 0], [1, 0]]", "needs 3 to 500 corners"),
        (REGION + "centre = [0, 0, 0]\nsize = [1, 1, 1]\noutline = [[0, 0], [1, 0], [1]]", "needs 3 to 500 corners"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(BadConfig, match=why):
        read_part_tolerance(tmp_path / "a.toml")


def test_a_model_that_expects_no_surface_cannot_find_regions(tmp_path: Path) -> None:
    with pytest.raises(BadRun, match="has no expected surface"):
        inspect_reference(RoundnessDetector(), read_part_tolerance(file_of(tmp_path)))


# The command line


@pytest.fixture
def dented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sedir_core.detectors.base.load_judging", lambda *asked: MeasuringDetector())
    monkeypatch.setattr("sedir_core.cli.user_config", lambda: tmp_path / "config.toml")
    path = tmp_path / "scans" / "dented.ply"
    write_points_ply(path, ball(DENT))
    return path


def test_inspect_takes_a_file_and_says_each_region(dented: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    asked = ["--tolerance-file", file_of(tmp_path, top="50", elsewhere="150"), "--json", "-", "--csv", table]
    result = CliRunner().invoke(app, list(map(str, ["inspect", dented, *asked])))
    (found,) = json.loads(result.stdout)["results"]
    assert (found["verdict"], found["out_of_tolerance"]) == ("ng", True)
    top, rest = found["regions"]
    assert (top["name"], top["tolerance"], top["out_of_tolerance"]) == ("top", [-50, 50], True)
    assert top["deviation"][0] == pytest.approx(-100, rel=0.1)
    assert (rest["name"], rest["tolerance"], rest["out_of_tolerance"]) == ("", [-150, 150], False)
    (row,) = csv.DictReader(table.read_text().splitlines())
    assert row["regions_out"] == "top"


def test_watch_takes_it_too(dented: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    asked = ["--existing", "--fail-on-ng", "--settle", "0.1", "--tolerance-file", file_of(tmp_path), "--json", log]
    result = CliRunner().invoke(app, list(map(str, ["watch", dented.parent, *asked])))
    assert result.exit_code == 3, result.output
    (line,) = map(json.loads, log.read_text().splitlines())
    assert line["regions"][0]["out_of_tolerance"]


def test_two_files_for_one_kind_of_part_are_refused(dented: Path, tmp_path: Path) -> None:
    both = ["--tolerance-file", str(file_of(tmp_path))] * 2
    result = CliRunner().invoke(app, ["inspect", str(dented), *both])
    assert result.exit_code == 1 and "a second file with tolerances of ball" in result.stderr
