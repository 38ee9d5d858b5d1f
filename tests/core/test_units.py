"""Units of length: what a scan was written in, and lengths as people read them."""

from __future__ import annotations

import pytest

from sedir_core.geometry.frames import UNIT_FACTORS
from sedir_core.units import TO_MM, area_text, length_text, read_as, unbroken, unit_of_scan


@pytest.mark.parametrize(
    ("factor", "unit"), [(1.0, "mm"), (1000.0, "m"), (10.0, "cm"), (25.4, "inch"), (0.001, "um"), (7.0, "unknown")]
)
def test_the_factor_to_millimetres_tells_the_unit_of_a_scan(factor: float, unit: str) -> None:
    assert unit_of_scan("mm", factor) == unit


def test_a_scan_in_millimetres_is_known_beside_a_model_in_metres() -> None:
    assert unit_of_scan("m", 0.001) == "mm"


def test_without_the_unit_of_the_model_that_of_the_scan_is_unknown() -> None:
    assert unit_of_scan("unknown", 1000.0) == "unknown"


def test_a_scan_in_any_unit_is_tried_beside_a_model_in_any_other() -> None:
    ratios = {scan / model for scan in TO_MM.values() for model in TO_MM.values()} - {1.0}
    but_inches_for_centimetres = {ratio for ratio in ratios if not 0.3 < ratio < 3}
    for ratio in but_inches_for_centimetres:
        assert any(factor == pytest.approx(ratio) for factor in UNIT_FACTORS)


def test_nothing_is_said_of_a_scan_in_the_unit_of_the_model() -> None:
    assert read_as("mm", 1.0) == ""


def test_another_unit_is_named() -> None:
    assert read_as("mm", 1000.0) == "read as metres"


def test_another_unit_than_an_unknown_one_is_said_in_numbers() -> None:
    assert read_as("unknown", 1000.0) == "read in a unit other than the model's (1,000 times smaller)"
    assert read_as("unknown", 0.1) == "read in a unit other than the model's (10 times larger)"


def test_lengths_and_areas_carry_their_unit() -> None:
    assert length_text(12.34, "mm") == "12.3 mm"
    assert area_text(144.2, "um") == "144 µm²"
    assert length_text(-0.5, "inch") == "−0.500 in"


def test_lengths_of_unknown_unit_are_plain_numbers() -> None:
    assert length_text(12.34, "unknown") == "12.3"
    assert area_text(1234.0, "") == "1,234"


def test_a_unit_stays_on_the_line_of_its_number() -> None:
    assert unbroken("Dent, 2 mm deep, 848 mm², 5 % of it").split(" ") == [
        "Dent,", "2\N{NO-BREAK SPACE}mm", "deep,", "848\N{NO-BREAK SPACE}mm²,", "5\N{NO-BREAK SPACE}%", "of", "it",
    ]  # fmt: skip
