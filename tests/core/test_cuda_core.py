"""The script that times the core on a GPU machine: it runs with torch and numpy alone, at the presets' sizes."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from sedir_core.config import preset

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "cuda_core.py"
ABSENT = (
    "pydantic",
    "tomli_w",
    "scipy",
    "fpsample",
    "pykdtree",
    "open3d",
    "safetensors",
    "sklearn",
    "matplotlib",
    "typer",
    "rich",
)
ABSENT += ("platformdirs", "sqlalchemy", "PySide6", "pyvista", "pyvistaqt", "vtk")
SMALL = ("--preset", "desktop", "--points", "600", "--groups", "16", "--group-size", "16")


@pytest.mark.parametrize("name", ["paper", "desktop"])
def test_its_sizes_are_the_presets(name: str) -> None:
    script, config = runpy.run_path(str(SCRIPT), run_name="cuda_core"), preset(name)
    encoder, net, loss, training = config.encoder, config.network, config.loss, config.training
    assert script["ENCODERS"][name] == (encoder.width, encoder.hidden, encoder.heads, encoder.depth)
    assert script["GROUPINGS"][name] == (config.grouping.n_groups, config.grouping.group_size)
    assert script["NETWORKS"][name] == (net.width, net.depth, net.heads, net.feedforward, net.jitter_scale)
    assert script["LOSSES"][name] == (loss.supervised_contrastive, loss.classification, loss.cosine)
    assert script["DESCENTS"][name] == (training.learning_rate, training.clip_norm)
    constants = (net.dropout, loss.temperature, loss.buffer_size, training.weight_decay, config.grouping.ratio)
    assert constants == (*(script[c] for c in ("DROPOUT", "TEMPERATURE", "BUFFER", "WEIGHT_DECAY")), 2.0)


def test_it_needs_torch_and_numpy_only(tmp_path: Path) -> None:
    result = tmp_path / "found.json"
    without = f"import runpy, sys; sys.modules.update(dict.fromkeys({ABSENT!r})); runpy.run_path({str(SCRIPT)!r}, "
    without += "run_name='__main__')"
    words = (*SMALL, "--device", "cpu", "--repeats", "1", "--steps", "1", "--json", str(result))
    done = subprocess.run([sys.executable, "-c", without, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(result.read_text())
    assert found["groups"] == 16 and found["scan_ms"]["fp32"]["groups on the host to residuals on the host"] > 0
    assert found["training"]["fp32"]["steps_per_second"] > 0
