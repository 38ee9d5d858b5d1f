"""One word, one thing: a class found by its name is the one that was meant."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Each of these files is one paper's network, and calls its layers as the paper does.
NETWORKS = ROOT / "sedir_core" / "models"


def public_classes(files: dict[str, str]) -> dict[str, list[str]]:
    """Where each public class of sources by path stands."""
    found = defaultdict(list)
    for path, source in files.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path)
    return found


def shared(files: dict[str, str]) -> dict[str, list[str]]:
    """Names that two files give to things of their own; networks may share one among themselves."""
    networks = str(NETWORKS.relative_to(ROOT))
    return {
        name: paths
        for name, paths in public_classes(files).items()
        if len(paths) > 1 and not all(path.startswith(networks) for path in paths)
    }


def test_two_things_never_share_a_class_name() -> None:
    paths = sorted(path for package in ("sedir_core", "app") for path in (ROOT / package).rglob("*.py"))
    assert shared({str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}) == {}


def test_the_check_for_shared_names_fires() -> None:
    assert shared({"app/a.py": "class Look: ...", "app/b.py": "def f():\n    class Look: ..."})
    assert not shared({"app/a.py": "class _Look: ...", "app/b.py": "class _Look: ..."})
    assert shared({"sedir_core/models/a.py": "class Layer: ...", "app/b.py": "class Layer: ..."})
