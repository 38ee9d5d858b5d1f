"""The bundled scans: small, complete, and unlike anything the bundled model was trained on."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from sedir_core.datasets.demo import DEMO_SCANS, demo_specimens, write_demo
from sedir_core.datasets.parts import PARTS
from sedir_core.datasets.specimen import LABELLED
from sedir_core.io.scans import read_scan


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_demo(tmp_path_factory.mktemp("demo"))


def test_there_are_a_dozen_good_and_defective_ones(demo: list[Path]) -> None:
    defects = [defect for _, defect in DEMO_SCANS]
    assert len(demo) == 12 and defects.count(None) == 4 and len(set(defects)) == 8
    assert {category for category, _ in DEMO_SCANS} <= PARTS.keys()


def test_they_are_small_enough_to_bundle(demo: list[Path]) -> None:
    sizes = [path.stat().st_size for path in demo]
    assert max(sizes) <= 240 * 1024 and sum(sizes) < 4_000_000


def test_they_read_as_scans_of_a_hundred_millimetres(demo: list[Path]) -> None:
    for path in demo:
        scan = read_scan(path)
        assert scan.finite.all() and 17_000 <= len(scan) <= 20_000
        assert 60 < np.linalg.norm(np.ptp(scan.points, axis=0)) < 180


def test_their_labels_can_be_made_again(demo: list[Path]) -> None:
    for path, (name, specimen) in islice(zip(demo, demo_specimens(), strict=True), 4):
        assert path.stem == name
        np.testing.assert_allclose(read_scan(path).points, specimen.points, atol=1e-4)
        assert specimen.labels.any() != name.endswith("_good")
        assert name.endswith("_good") or specimen.labels.mean() > LABELLED[0]
