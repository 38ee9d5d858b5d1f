"""`sedir bench` times every stage of both sizes and modes."""

from __future__ import annotations

import json

from roundness import RoundnessDetector

from sedir_core.commands import bench


def test_every_size_and_mode_has_its_stages(sedir, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(bench, "SIZES", (2_000, 5_000))
    knows_a_part = RoundnessDetector(categories=("bowl",))
    loaded = []

    def load(run_dir, device="auto"):
        loaded.append(run_dir)
        return knows_a_part

    monkeypatch.setattr("sedir_core.detectors.base.load_detector", load)
    found = json.loads(sedir("bench", "--model", str(tmp_path), "--json", "-").stdout)
    assert loaded == [tmp_path]
    cases = [(timing["n_points"], timing["category"]) for timing in found["timings"]]
    assert cases == [(2_000, "given"), (2_000, "auto"), (5_000, "given"), (5_000, "auto")]
    assert all(timing["seconds"].keys() == {"read", "measure", "total"} for timing in found["timings"])
    assert found["threads"] >= 1


def test_a_model_that_knows_none_of_the_parts_is_said_so(sedir) -> None:
    result = sedir("bench")
    assert result.exit_code == 1
    assert "knows none of the parts" in result.stderr
