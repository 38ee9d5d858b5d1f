"""One table of methods: every row has its code, its presets and its place among the settings."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from runs_on_disk import write_run

from sedir_core.config import METHODS, PRESETS, Config, preset
from sedir_core.detectors.registry import BY_NAME, TABLE, Method, code, label_of, load, method_of
from sedir_core.errors import BadConfig, BadRun

ROOT = Path(__file__).parents[3]


def test_no_name_and_no_label_comes_twice() -> None:
    assert len(BY_NAME) == len(TABLE) == len({one.label for one in TABLE})


@pytest.mark.parametrize("method", TABLE, ids=lambda one: one.name)
def test_every_method_has_its_code(method: Method) -> None:
    assert callable(code(method.detector).load)
    assert callable(code(method.learner))


@pytest.mark.parametrize("method", TABLE, ids=lambda one: one.name)
def test_every_method_has_every_preset(method: Method) -> None:
    assert [preset(name, method.name).method for name in PRESETS] == [method.name] * len(PRESETS)


VARIANTS = [(one.name, one.section, *chosen, label) for one in TABLE for chosen, label in one.variants.items()]


@pytest.mark.parametrize(("name", "section", "setting", "value", "label"), VARIANTS)
def test_a_variant_has_a_label_of_its_own(name: str, section: str, setting: str, value: str, label: str) -> None:
    assert label_of(preset("tiny", name)) == BY_NAME[name].label != label
    assert label_of(preset("tiny", name, **{section: {setting: value}})) == label


def words_of(path: Path) -> set[str]:
    """Strings of a source file; docstrings are for people."""
    tree = ast.parse(path.read_text("utf-8"))
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in prose)
    return {node.value for node in constants if isinstance(node.value, str)}


# Ours, which the program is about, and the two baselines that comparisons set beside it.
PEERS = [one for one in TABLE if one.name not in ("sedir", "mc3d-ad", "template")]


def test_a_detector_is_named_by_its_own_files_and_the_tables_alone() -> None:
    """Adding one touches `methods`, and `config` where it has settings; a bank's recipe stands with the banks."""
    sources = sorted(path for package in ("sedir_core", "app") for path in (ROOT / package).rglob("*.py"))
    words = {str(path.relative_to(ROOT)): words_of(path) for path in sources}
    tables = {"sedir_core/methods.py", "sedir_core/config.py"}
    for method in PEERS:
        own = {target.partition(":")[0].replace(".", "/") + ".py" for target in (method.detector, method.learner)}
        named = {path for path, found in words.items() if method.name in found}
        assert named <= tables | own | {"sedir_core/detectors/memory_bank.py"}, method.name


def test_an_unknown_method_is_no_configuration() -> None:
    with pytest.raises(BadConfig, match="no such method"):
        preset("tiny", "nearest-neighbour")
    with pytest.raises(ValueError, match="no such method"):
        Config(method="nearest-neighbour")
    assert "nearest-neighbour" not in METHODS


def test_a_run_of_a_method_to_come_is_refused(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run")
    about = path / "about.json"
    about.write_text(about.read_text().replace('"method":"sedir"', '"method":"later"'))
    for ask in (method_of, load):
        with pytest.raises(BadRun, match="unknown to this version: later"):
            ask(path)


OPENED = """
import sys
import torch
from sedir_core.config import preset
from sedir_core.detectors.registry import parameters_a_category
from sedir_core.detectors.mc3dad import build_baseline
from sedir_core.detectors.sedir_nets import build_network

with torch.device("meta"):
    build_network(preset("paper"), 3), build_baseline(preset("paper", "mc3d-ad"))
for name in ("po3ad", "r3d-ad", "imrnet"):
    assert parameters_a_category(preset("paper", name)) > 0
print(*{"torch._dynamo", "sympy"} & sys.modules.keys())
"""


def test_networks_are_restored_without_the_compiler_of_pytorch() -> None:
    """It takes two seconds to load, of every program that opens a run."""
    done = subprocess.run([sys.executable, "-c", OPENED], capture_output=True, text=True, timeout=60, check=True)
    assert not done.stdout.split()
