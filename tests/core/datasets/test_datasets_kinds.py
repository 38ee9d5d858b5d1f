"""A folder with scans of two kinds of part is said to be one: learned as one kind, a model would pass either."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sedir_core.cli import app
from sedir_core.datasets.kinds import distance_quantiles, look_for_two_kinds, second_kind
from sedir_core.datasets.parts import PARTS
from sedir_core.datasets.specimen import make_specimen
from sedir_core.datasets.survey import survey
from sedir_core.io.export import write_points_ply
from sedir_core.types import DoubleArray

N_EACH = 5


def part(kind: str, number: int) -> DoubleArray:
    rng = np.random.default_rng(number)
    return make_specimen(PARTS[kind](rng), None, 3000, rng).points


SIGNATURES = {kind: [distance_quantiles(part(kind, number)) for number in range(N_EACH)] for kind in PARTS}


@pytest.mark.parametrize("kind", PARTS)
def test_parts_of_one_kind_are_of_one_kind(kind: str) -> None:
    assert second_kind(SIGNATURES[kind]) is None


def test_nearly_every_two_kinds_are_told_apart() -> None:
    """Bottle and vase, flange and gear are too much alike."""
    pairs = list(itertools.combinations(PARTS, 2))
    found = [second_kind(SIGNATURES[one][:3] + SIGNATURES[other]) for one, other in pairs]
    right = [told is not None and told.tolist() == 3 * [False] + N_EACH * [True] for told in found]
    assert np.mean(right) >= 0.9


def test_a_single_odd_scan_is_no_kind() -> None:
    assert second_kind([*SIGNATURES["cup"], SIGNATURES["gear"][0]]) is None


def test_the_signature_knows_neither_pose_nor_unit() -> None:
    points = part("gear", 0)
    turned = 1000 * points[:, [1, 2, 0]] * (1, -1, 1) + 50
    assert np.abs(distance_quantiles(turned) - distance_quantiles(points)).max() < 1e-6


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    for number in range(3):
        for kind in ("cup", "gear"):
            write_points_ply(tmp_path / "parts" / "lid" / f"{kind}_{number}.ply", part(kind, number))
    return tmp_path / "parts"


SAID = "seems to show two kinds of part, or one scanned in two ways: 3 scans like cup_0.ply, 3 like gear_0.ply"


def test_the_survey_says_so(mixed: Path) -> None:
    (category,) = survey(mixed).categories
    assert category.usable and f"lid {SAID}" in [str(finding) for finding in category.findings]


def test_the_command_line_says_so_before_it_trains(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sedir_core.training.train.train", lambda request, *_: request.run_dir)
    told = CliRunner().invoke(app, ["train", str(mixed), "--preset", "tiny", "--out", str(mixed.parent / "run")])
    assert f"note: lid {SAID}" in told.stderr


def test_scans_that_cannot_be_read_are_passed_over(mixed: Path) -> None:
    (mixed / "lid" / "a.ply").write_text("ply")
    from sedir_core.datasets.index import list_dataset

    (finding,) = look_for_two_kinds(list_dataset(mixed))
    assert finding.what == SAID
