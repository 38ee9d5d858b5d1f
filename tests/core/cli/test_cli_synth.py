"""`sedir synth` writes a dataset that `sedir evaluate` opens."""

from __future__ import annotations

import pytest

from sedir_core.datasets import synthesis
from sedir_core.datasets.index import open_dataset

TETRAHEDRON = "OFF\n4 4 6\n0 0 0\n60 0 0\n0 60 0\n0 0 60\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n"


@pytest.mark.parametrize("layout", ["anomaly-shapenet", "real3d"])
def test_the_layout_is_recognised_again(sedir, tmp_path, layout, monkeypatch) -> None:
    monkeypatch.setitem(synthesis.POINTS, layout, 5_000)  # as many as it takes to see every defect, for speed
    meshes = tmp_path / "meshes"
    meshes.mkdir()
    (meshes / "wedge.off").write_text(TETRAHEDRON)
    assert sedir("synth", meshes, tmp_path / "out", "--layout", layout, "--seed", "3").exit_code == 0
    dataset = open_dataset(tmp_path / "out")
    assert dataset.layout == layout
    assert dataset.categories == ("wedge",)


def test_a_folder_without_meshes_fails(sedir, tmp_path) -> None:
    assert sedir("synth", tmp_path, tmp_path / "out").exit_code == 1


def test_an_unknown_layout_is_a_usage_error(sedir, tmp_path) -> None:
    assert sedir("synth", tmp_path, tmp_path / "out", "--layout", "mine").exit_code == 2
