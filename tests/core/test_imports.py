"""Who may import whom, and which constructs never appear: read from the source, imports inside functions included."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "sedir_core").rglob("*.py"))
APP = sorted((ROOT / "app").rglob("*.py"))

# Lower rows never import upper ones.
ROWS = [
    {
        "types",
        "errors",
        "methods",
        "config",
        "documents",
        "interrupts",
        "metrics",
        "names",
        "runtime",
        "places",
        "presets",
        "tolerances",
        "units",
    },
    {"io", "geometry"},
    {"datasets", "models"},
    {"evidence", "rundir"},
    {"detectors", "drawing"},
    {"training"},
    {"evaluation"},
    {"history", "runs"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
ROW = {name: height for height, row in enumerate(ROWS) for name in row}
# The same for the window; what has no row here stands beside the main window.
APP_ROWS = [{"state"}, {"widgets"}, {"views"}, {"jobs"}, {"workspaces"}]
APP_ROW = {name: height for height, row in enumerate(APP_ROWS) for name in row}
SCREEN = {"PySide6", "pyvista", "pyvistaqt", "vtk", "vtkmodules", "qtawesome", "superqt", "qtpy", "app"}
# What a mathematician's package may need; `models` runs with torch and numpy alone.
MODELS_MAY_IMPORT = {"torch", "numpy", "sedir_core"} | sys.stdlib_module_names

# A job imports it, unused, in the background: the views are then built at once.
PRELOADED = {"pyvistaqt"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Full names of everything a module imports, wherever the statement stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


# Only `documents` calls these: it knows the limits.
UNGUARDED = {"json.loads", "json.load", "tomllib.loads", "tomllib.load", "model_validate_json", "validate_json"}


def unguarded(tree: ast.AST) -> list[str]:
    """Calls of parsers that a stranger's text can keep busy, or make raise what nobody expects."""
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if call in UNGUARDED or call.split(".")[-1] in UNGUARDED]


@cache
def parsed(path: Path) -> ast.Module:
    """Read once for all tests, which change nothing in it."""
    return ast.parse(path.read_text(encoding="utf-8"))


Check = Callable[[Path, ast.Module], list[str]]


def faults(paths: list[Path], check: Check) -> dict[str, list[str]]:
    """By file what a check finds; one test for all files, as a test for each costs more than the check."""
    found = {str(path.relative_to(ROOT)): check(path, parsed(path)) for path in paths}
    return {path: of for path, of in found.items() if of}


def part_of(module: str) -> str | None:
    """`sedir_core.io.scans.read_scan` -> `io`; None for other packages."""
    package, _, rest = module.partition(".")
    return rest.split(".")[0] if package == "sedir_core" and rest else None


def upward_imports(path: Path, tree: ast.AST) -> list[str]:
    own = path.relative_to(ROOT / "sedir_core").parts[0].removesuffix(".py")
    if own == "__init__":
        return []
    parts = {module: part_of(module) for module in imported(tree)}
    return [module for module, part in parts.items() if part is not None and ROW[part] > ROW[own]]


def app_row(part: str) -> int:
    return APP_ROW.get(part, len(APP_ROWS))


class _Running(ast.NodeTransformer):
    """Leaves out what only the type checker imports."""

    def visit_If(self, node: ast.If) -> ast.AST:
        return ast.Pass() if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


def wanted(tree: ast.AST, known: set[str]) -> set[str]:
    """The modules among the known ones that a module imports."""
    names = set(imported(_Running().visit(deepcopy(tree))))
    return (names | {name.rpartition(".")[0] for name in names}) & known


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules that lead into a circle of imports, or lie in one; those that import nothing of it are taken off."""
    left = dict(graph)
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    reached = set[str]().union(*left.values()) if left else set()
    return sorted(name for name in left if name in reached)


def dangerous(tree: ast.AST) -> list[str]:
    """Constructs through which data becomes code, or the event loop is entered twice."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            if (node.arg, node.value.value) in {("weights_only", False), ("allow_pickle", True)}:
                found.append(f"{node.arg}={node.value.value}")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"eval", "exec", "yaml.load", "yaml.unsafe_load"}:
            found.append(ast.unparse(node.func))
        elif isinstance(node, ast.Attribute) and node.attr == "processEvents":
            found.append("processEvents")
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found += [name for name in imported(node) if name.split(".")[0] in {"pickle", "dill", "joblib"}]
    return found


def of_screens(path: Path, tree: ast.Module) -> list[str]:
    return [name for name in imported(tree) if name.split(".")[0] in SCREEN]


def early_open3d(path: Path, tree: ast.Module) -> list[str]:
    at_the_top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return [name for node in at_the_top for name in imported(node) if name.split(".")[0] == "open3d"]


def upward_in_the_window(path: Path, tree: ast.Module) -> list[str]:
    own = app_row(path.relative_to(ROOT / "app").parts[0].removesuffix(".py"))
    parts = [name.split(".")[1] for name in imported(tree) if name.startswith("app.")]
    return [part for part in parts if app_row(part) > own]


def beyond_torch_and_numpy(path: Path, tree: ast.Module) -> list[str]:
    modules = list(imported(tree))
    others = {name.split(".")[0] for name in modules} - MODELS_MAY_IMPORT
    return sorted(others | {str(part_of(name)) for name in modules} - {"None", "models", "types", "errors"})


def drawing_elsewhere(path: Path, tree: ast.Module) -> list[str]:
    drawing = {name for name in imported(tree) if name.split(".")[0] in {"pyvista", "pyvistaqt", "vtkmodules"}}
    return [] if path.parent == ROOT / "app" / "views" else sorted(drawing - PRELOADED)


def other_workspaces(path: Path, tree: ast.Module) -> list[str]:
    inside = path.relative_to(ROOT / "app").parts
    if inside[0] != "workspaces" or len(inside) < 3:
        return []
    others = {name.split(".")[2] for name in imported(tree) if name.startswith("app.workspaces.")}
    return sorted(others - {inside[1]})


MODELS = sorted((ROOT / "sedir_core" / "models").glob("*.py"))


@pytest.mark.parametrize(
    ("paths", "check"),
    [
        pytest.param(CORE, upward_imports, id="no module of the core imports upward"),
        pytest.param(CORE, of_screens, id="the core knows no screen"),
        pytest.param(CORE, early_open3d, id="open3d is imported where it is used"),
        pytest.param(APP, upward_in_the_window, id="no module of the window imports upward"),
        pytest.param(MODELS, beyond_torch_and_numpy, id="models need torch and numpy alone"),
        pytest.param(APP, drawing_elsewhere, id="only the views use pyvista"),
        pytest.param(APP, other_workspaces, id="workspaces do not import each other"),
        pytest.param([*CORE, *APP], lambda path, tree: dangerous(tree), id="no data becomes code"),
        pytest.param(
            [path for path in (*CORE, *APP) if path != ROOT / "sedir_core" / "documents.py"],
            lambda path, tree: unguarded(tree),
            id="documents are read within limits",
        ),
    ],
)
def test_every_module_keeps_to(paths: list[Path], check: Check) -> None:
    assert faults(paths, check) == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Late imports count as well; those for the type checker alone never run."""
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (*CORE, *APP)}
    known = set(names.values())
    graph = {name: wanted(parsed(path), known) - {name} for path, name in names.items()}
    assert circle(graph) == []


def test_the_check_for_circles_fires() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    late = ast.parse("def f():\n    from app.b import x")
    typing = ast.parse("if TYPE_CHECKING:\n    from app.b import x")
    assert wanted(late, {"app.b"}) == {"app.b"}
    assert wanted(typing, {"app.b"}) == set()


def test_every_dependency_is_imported() -> None:
    """Those of the extras are chosen by name: a database's driver by its URL."""
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    plain = [re.split(r"[<>=!;\[ ]", need)[0].lower().replace("-", "_") for need in needed]
    names = set(plain) - {"open3d", "open3d_cpu"}
    used = {name.split(".")[0] for path in (*CORE, *APP) for name in imported(parsed(path))}
    of: dict[str, set[str]] = {}
    for module, owners in packages_distributions().items():
        for owner in owners:
            of.setdefault(owner.lower().replace("-", "_"), set()).add(module)
    assert sorted(name for name in names if not of.get(name, {name}) & used) == []


def test_a_short_timeout_is_not_charged_with_a_fixture() -> None:
    """One of the session may train for a minute, in whichever test comes first."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.timeout":
                assert "func_only=True" in ast.unparse(node), path


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(f, weights_only=False)",
        "np.load(f, allow_pickle=True)",
        "yaml.load(f)",
        "eval('1')",
        "exec('x = 1')",
        "app.processEvents()",
        "def f():\n    import pickle",
        "from pickle import loads",
    ],
)
def test_the_check_for_dangerous_constructs_fires(source: str) -> None:
    assert dangerous(ast.parse(source))


def test_the_check_for_upward_imports_sees_inside_functions() -> None:
    late = ast.parse("def f():\n    from sedir_core.training.loop import fit")
    assert upward_imports(ROOT / "sedir_core" / "io" / "scans.py", late) == ["sedir_core.training.loop.fit"]
