"""Who may import whom, and which constructs never appear: read from the source, imports inside functions included."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
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
    {"detectors"},
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


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


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
    names = set(imported(_Running().visit(tree)))
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


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_the_core_imports_upward(path: Path) -> None:
    assert upward_imports(path, parsed(path)) == []


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_knows_no_screen(path: Path) -> None:
    assert [name for name in imported(parsed(path)) if name.split(".")[0] in SCREEN] == []


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_open3d_is_imported_where_it_is_used(path: Path) -> None:
    at_the_top = [node for node in parsed(path).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [name for node in at_the_top for name in imported(node) if name.split(".")[0] == "open3d"] == []


@pytest.mark.parametrize("path", APP, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_the_window_imports_upward(path: Path) -> None:
    own = app_row(path.relative_to(ROOT / "app").parts[0].removesuffix(".py"))
    parts = [name.split(".")[1] for name in imported(parsed(path)) if name.startswith("app.")]
    assert [part for part in parts if app_row(part) > own] == []


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


@pytest.mark.parametrize("path", sorted((ROOT / "sedir_core" / "models").glob("*.py")), ids=lambda path: path.name)
def test_models_need_torch_and_numpy_alone(path: Path) -> None:
    modules = list(imported(parsed(path)))
    assert {name.split(".")[0] for name in modules} <= MODELS_MAY_IMPORT
    assert {part_of(name) for name in modules} <= {None, "models", "types", "errors"}


@pytest.mark.parametrize("path", APP, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_views_use_pyvista(path: Path) -> None:
    drawing = {name for name in imported(parsed(path)) if name.split(".")[0] in {"pyvista", "pyvistaqt", "vtkmodules"}}
    assert drawing <= PRELOADED or path.parent == ROOT / "app" / "views"


@pytest.mark.parametrize("path", APP, ids=lambda path: str(path.relative_to(ROOT)))
def test_workspaces_do_not_import_each_other(path: Path) -> None:
    inside = path.relative_to(ROOT / "app").parts
    if inside[0] != "workspaces" or len(inside) < 3:
        return
    others = {name.split(".")[2] for name in imported(parsed(path)) if name.startswith("app.workspaces.")}
    assert others <= {inside[1]}


@pytest.mark.parametrize("path", [*CORE, *APP], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_data_becomes_code(path: Path) -> None:
    assert dangerous(parsed(path)) == []


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


@pytest.mark.parametrize("path", [*CORE, *APP], ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_are_read_within_limits(path: Path) -> None:
    assert unguarded(parsed(path)) == [] or path == ROOT / "sedir_core" / "documents.py"


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
