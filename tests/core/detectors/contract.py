"""What every detector with a given category promises; a file of tests inherits it for its methods.

`peers`: its detectors by method, a fixture of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from tiny_run import part, scan_of
from torch import Tensor

from sedir_core.detectors.base import Detector
from sedir_core.errors import TooFewPoints, UnknownCategory
from sedir_core.io.tensor_file import read_tensors, write_tensors
from sedir_core.types import Detection, Scan


class CategoryGivenContract:
    def test_it_needs_the_category(self, peers: Mapping[str, Detector], good: Scan, method: str) -> None:
        assert peers[method].needs_category
        with pytest.raises(UnknownCategory, match="needs the category"):
            peers[method].detect(good)
        with pytest.raises(UnknownCategory, match="not trained on it"):
            peers[method].detect(good, "kettle")

    def test_every_point_gets_a_score_and_the_same_each_time(
        self, peers: Mapping[str, Detector], good: Scan, said_of_good: Callable[[str], Detection], method: str
    ) -> None:
        once, twice = said_of_good(method), peers[method].detect(good, "bracket")
        assert np.isfinite(once.point_scores).all()
        assert np.array_equal(once.point_scores, twice.point_scores)
        assert once.object_score == twice.object_score
        assert once.threshold > 0
        assert "category given" in once.reason
        assert len(once.reconstruction) and np.isfinite(once.reconstruction).all()

    def test_shuffled_points_shuffle_the_scores(
        self, peers: Mapping[str, Detector], good: Scan, said_of_good: Callable[[str], Detection], method: str
    ) -> None:
        order = np.random.default_rng(0).permutation(len(good))
        straight = said_of_good(method)
        shuffled = peers[method].detect(scan_of(good.points[order]), "bracket")
        assert np.allclose(straight.point_scores[order], shuffled.point_scores, rtol=1e-3, atol=1e-6)
        assert shuffled.object_score == pytest.approx(straight.object_score, rel=1e-3)

    def test_too_few_points_are_refused(self, peers: Mapping[str, Detector], method: str) -> None:
        with pytest.raises(TooFewPoints):
            peers[method].detect(scan_of(part("bracket", 100)[:20]), "bracket")


def altered(run: Path, folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> Path:
    """The run in another folder, with tensors changed under a valid checksum."""
    for file in ("config.toml", "about.json"):
        (folder / file).write_bytes((run / file).read_bytes())
    tensors, meta = read_tensors(run / "weights.safetensors")
    write_tensors(folder / "weights.safetensors", change(tensors), meta)
    return folder


def cut(name: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    """All but the first row of a tensor is gone; it must have more."""
    return lambda tensors: tensors | {name: tensors[name][:1]}
