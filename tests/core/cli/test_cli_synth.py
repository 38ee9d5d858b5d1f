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


def test_families_need_no_meshes(sedir, tmp_path, monkeypatch) -> None:
    asked = []

    def write_dataset(solids, out, layout, seed, **options):
        asked.append((set(solids), out, layout, seed))
        return synthesis.Summary(out, layout, tuple(solids), 1, 1, 1, 0.1)

    monkeypatch.setattr(synthesis, "write_dataset", write_dataset)
    assert sedir("synth", "--families", tmp_path / "out", "--seed", "7").exit_code == 0
    ((kinds, out, layout, seed),) = asked
    assert (len(kinds), out, layout, seed) == (40, tmp_path / "out", "anomaly-shapenet", 7)


def test_a_mesh_folder_and_families_exclude_each_other(sedir, tmp_path) -> None:
    assert sedir("synth", "--families", tmp_path, tmp_path / "out").exit_code == 2
    assert sedir("synth", tmp_path / "out").exit_code == 2
