"""`sedir` with the roundness detector as every run, and balls to inspect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from roundness import RoundnessDetector, ball
from typer.testing import CliRunner, Result

from sedir_core.cli import app
from sedir_core.io.export import write_points_ply

Sedir = Callable[..., Result]


@pytest.fixture
def sedir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sedir:
    """Run `sedir` with these arguments: the roundness detector as every run, an empty home."""
    monkeypatch.setattr("sedir_core.detectors.base.load_detector", lambda run_dir, device="auto": RoundnessDetector())
    monkeypatch.setattr("sedir_core.cli.user_config", lambda: tmp_path / "config.toml")
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "scans" / "good.ply"
    write_points_ply(path, ball())
    return path


@pytest.fixture
def dented(tmp_path: Path) -> Path:
    path = tmp_path / "scans" / "dented.ply"
    write_points_ply(path, ball(dent=0.1, seed=1))
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "scans" / "broken.ply"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"ply\nformat binary_little_endian 1.0\nelement vertex 999999999\nend_header\n")
    return path
