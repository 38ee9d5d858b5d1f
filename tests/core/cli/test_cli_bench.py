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
    peaks = iter(mebibytes << 20 for mebibytes in (100, 101, 103, 103, 104))
    monkeypatch.setattr("sedir_core.runtime.peak_memory_bytes", lambda device: next(peaks))
    found = json.loads(sedir("bench", "--model", str(tmp_path), "--json", "-").stdout)
    assert loaded == [tmp_path]
    cases = [(timing["n_points"], timing["category"]) for timing in found["timings"]]
    assert cases == [(2_000, "given"), (2_000, "auto"), (5_000, "given"), (5_000, "auto")]
    assert all(timing["seconds"].keys() == {"read", "measure", "total"} for timing in found["timings"])
    assert found["threads"] >= 1
    assert [timing["memory_bytes"] for timing in found["timings"]] == [1 << 20, 3 << 20, 3 << 20, 4 << 20]
    peaks = iter([0] * 5)
    monkeypatch.setattr("sedir_core.runtime.peak_memory_bytes", lambda device: next(peaks))
    assert sedir("bench", "--model", str(tmp_path)).stdout.splitlines()[-1].split() == ["MiB", *["unknown"] * 4]


def test_a_model_that_knows_none_of_the_parts_is_said_so(sedir) -> None:
    result = sedir("bench")
    assert result.exit_code == 1
    assert "knows none of the built-in parts" in result.stderr
