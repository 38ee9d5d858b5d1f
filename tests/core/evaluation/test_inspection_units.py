"""A scan in another unit than the model's: sizes are told in the model's, and the reason says what was read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from roundness import RoundnessDetector
from tiny_run import TinyRun, dented, part, scan_of

from sedir_core.config import override
from sedir_core.detectors.base import detect_file
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.evaluation.inspection import Inspected
from sedir_core.types import Defect, Detection, Report, Scan, Stop


class Metres(RoundnessDetector):
    """Takes every scan for one in metres beside a model in millimetres, with one defect."""

    def detect(self, scan: Scan, category: str = "auto", report: Report = ..., stop: Stop = ...) -> Detection:
        rows = np.zeros(len(scan), dtype=np.float32)
        defect = Defect(scan.points[0], np.array([0.001, 0.002, 0.003]), 2.0, 4e-6, np.arange(3))
        return Detection(
            rows, 2.0, 1.0, 1.0, "ball", 1.0, False, "one defect", scan.points[:1], rows[:1], (defect,),
            unit="mm", to_unit=1000.0,
        )  # fmt: skip


@pytest.fixture(scope="module")
def scan() -> Scan:
    return scan_of(np.random.default_rng(0).normal(size=(100, 3)))


def test_sizes_are_told_in_the_unit_of_the_model_and_places_as_in_the_file(scan: Scan) -> None:
    result = Inspected(Path("a.ply"), scan, Metres().detect(scan), {"total": 0.0}).to_json()
    assert (result["unit"], result["scan_unit"]) == ("mm", "m")
    assert result["defects"][0]["extent"] == pytest.approx([1, 2, 3])
    assert result["defects"][0]["area"] == pytest.approx(4)
    assert result["defects"][0]["centroid"] == pytest.approx(scan.points[0].tolist())


def test_the_reason_names_the_unit_that_was_read(scan: Scan) -> None:
    assert detect_file(Metres(), scan).reason == "one defect; read as metres"


def test_the_reason_names_rows_that_were_no_measurements(scan: Scan) -> None:
    found = detect_file(Metres(), replace(scan, left_out="7 rows without a measurement were left out"))
    assert found.reason.endswith("; read as metres; 7 rows without a measurement were left out")


def test_a_trained_model_knows_metres_from_millimetres(tiny: TinyRun) -> None:
    detector = SedirDetector.load(tiny.path, "cpu")
    detector.config = override(detector.config, data={"unit": "mm"})
    points = dented(part("bracket", 101))[0]
    small, whole = (detect_file(detector, scan_of(points * factor), "bracket") for factor in (0.001, 1.0))
    assert (small.unit, small.to_unit) == ("mm", 1000.0) and "read as metres" in small.reason
    assert whole.to_unit == 1.0 and "read as" not in whole.reason


def test_no_power_of_ten_changes_a_verdict(tiny: TinyRun) -> None:
    detector = SedirDetector.load(tiny.path, "cpu")
    points = part("bracket", 101)
    here, there = (detect_file(detector, scan_of(points * factor), "bracket") for factor in (1.0, 1e-6))
    assert there.object_score == pytest.approx(here.object_score, rel=1e-3)
    assert (there.threshold, there.uncertain) == (here.threshold, here.uncertain)
