"""Run directories without a network, and small parts, for what only reads their files."""

from __future__ import annotations

from pathlib import Path

from roundness import ball

from sedir_core.config import Config, preset, to_toml
from sedir_core.io.export import write_points_ply
from sedir_core.rundir.files import About


def write_run(
    path: Path,
    seed: int = 0,
    weights: bytes = b"0",
    dataset: str = "",
    config: Config | None = None,
    data_hash: str = "",
) -> Path:
    """A run directory as far as its evaluation is remembered by it. Raises FileExistsError."""
    config = config or preset("tiny", training={"seed": seed})
    about = About(
        method=config.method,
        categories=("ball", "globe"),
        seed=config.training.seed,
        dataset=dataset,
        data_hash=data_hash,
        device="cpu",
        threads=1,
        created="2026",
        versions={},
    )
    path.mkdir(parents=True)
    (path / "config.toml").write_text(to_toml(config))
    (path / "about.json").write_text(about.model_dump_json())
    (path / "weights.safetensors").write_bytes(weights)
    return path


def write_parts(root: Path, seed: int = 0) -> Path:
    """Two kinds of balls, a good one to learn from and a good and a dented one to judge, of each."""
    for name in ("ball", "globe"):
        write_points_ply(root / name / "0.ply", ball(n_points=500, seed=seed))
        write_points_ply(root / name / "ok" / "0.ply", ball(n_points=500, seed=4))
        write_points_ply(root / name / "ng" / "0.ply", ball(dent=0.1, n_points=500, seed=8))
    return root
