"""Run directories without a network, for what only reads their files."""

from __future__ import annotations

from pathlib import Path

from sedir_core.config import preset, to_toml
from sedir_core.detectors.run_files import About


def write_run(path: Path, seed: int = 0, weights: bytes = b"0", dataset: str = "", method: str = "sedir") -> Path:
    """A run directory as far as its evaluation is remembered by it."""
    config = preset("tiny", method, training={"seed": seed})
    about = About(
        method=method, categories=("ball", "globe"), seed=seed, dataset=dataset, data_hash="", device="cpu", threads=1,
        created="2026", versions={},
    )  # fmt: skip
    path.mkdir(parents=True)
    (path / "config.toml").write_text(to_toml(config))
    (path / "about.json").write_text(about.model_dump_json())
    (path / "weights.safetensors").write_bytes(weights)
    return path
