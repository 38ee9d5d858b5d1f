"""`sedir runs`: lists and manages trained models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sedir_core.commands.console import echo, interruptible, percent, progress, say, table, write_json
from sedir_core.names import printable
from sedir_core.places import find_run, user_runs

if TYPE_CHECKING:
    from sedir_core.runs.catalogue import RunDetail
    from sedir_core.runs.compare import RunComparison

app = typer.Typer(help="Trained models: list, compare, rename, archive, delete, restore, export, import.")

RunName = Annotated[str, typer.Argument(help="Run directory or name of a run.", metavar="RUN")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON on standard output.")]
Folder = Annotated[Path | None, typer.Option(help="Folder of the runs, instead of the user's.")]
BETTER = "*"
SHORT = {"o_auroc": "O-AUROC", "p_auroc": "P-AUROC", "o_aupr": "O-AUPR", "p_aupr": "P-AUPR"}


@app.command("list")
def list_runs(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of runs; the user's and the bundled ones by default.")
    ] = None,
    archived: Annotated[bool, typer.Option("--archived", help="List the archived runs instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print every run with its state, categories and metrics, newest first."""
    from sedir_core.runs.catalogue import list_runs as listed

    entries = listed(folders, archived)
    if as_json:
        write_json("-", [entry.to_json() for entry in entries])
        return
    rows: list[tuple[str, ...]] = [("name", "state", "method", "preset", "kinds", "O-AUROC", "P-AUROC", "MB", "begun")]
    for entry in entries:
        when = "" if entry.created is None else f"{entry.created.astimezone():%Y-%m-%d %H:%M}"
        shares = [percent(entry.means.get(measure)) for measure in ("o_auroc", "p_auroc")]
        kinds, size = str(len(entry.categories)), f"{entry.n_bytes / 1e6:.1f}"
        rows.append((entry.name, entry.state.value, entry.method, entry.preset, kinds, *shares, size, when))
    echo(table(rows) if entries else "no runs yet: `sedir train DATASET` creates one")


@app.command("show")
def show(run: RunName, as_json: AsJson = False) -> None:
    """Print a run's provenance, limits, metrics and settings."""
    from sedir_core.runs.catalogue import read_detail
    from sedir_core.runs.compare import settings_of

    detail = read_detail(_existing(run))
    settings = {} if detail.config is None else settings_of(detail.config)
    if as_json:
        about = {} if detail.entry.about is None else {"about": detail.entry.about.model_dump(mode="json")}
        document = detail.entry.to_json() | about | {"settings": settings, "thresholds": dict(detail.thresholds)}
        document |= {"measured": {name: dict(row) for name, row in detail.entry.measured.items()}}
        write_json("-", document | {"old_categories": dict(detail.old_categories)})
        return
    for name, value in detail.entry.to_json().items():
        if name not in ("mean", "categories") and value not in (None, "", False):
            echo(printable(f"{name.replace('_', ' '):<18} {value}"))
    echo("\n" + _categories(detail))
    for name, text in settings.items():
        echo(printable(f"{name:<30} {text}"))


@app.command("compare")
def compare(first: RunName, second: RunName, as_json: AsJson = False) -> None:
    """Print the differing settings of two runs and the better one by metric."""
    from sedir_core.runs.catalogue import read_detail
    from sedir_core.runs.compare import compare_runs

    found = compare_runs(read_detail(_existing(first)), read_detail(_existing(second)))
    if as_json:
        write_json("-", found.to_json())
    else:
        echo(_side_by_side(found))


@app.command("rename")
def rename(run: RunName, name: Annotated[str, typer.Argument(help="The new name.")]) -> None:
    """Rename a run."""
    from sedir_core.runs.manage import rename_run

    echo(printable(rename_run(_existing(run), name)))


@app.command("archive")
def archive(
    run: RunName, back: Annotated[bool, typer.Option("--back", help="Restore it from the archive.")] = False
) -> None:
    """Archive a run: hidden from the list, but unchanged and still usable by name."""
    from sedir_core.runs.manage import archive_run

    archive_run(_existing(run), on=not back)


@app.command("delete")
def delete(run: RunName) -> None:
    """Move a run to the trash, from which `restore` recovers it."""
    from sedir_core.runs.manage import delete_run

    gone = delete_run(_existing(run))
    say(f"moved to {gone.place}; `sedir runs restore {gone.name}` recovers it")


@app.command("trash")
def trash(folder: Folder = None, as_json: AsJson = False) -> None:
    """Print the deleted runs, last deleted first."""
    from sedir_core.runs.manage import list_trash

    found = list_trash(folder or user_runs())
    if as_json:
        entries = [{"name": one.name, "path": str(one.place), "deleted": one.when.isoformat()} for one in found]
        write_json("-", entries)
    elif found:
        rows = [("name", "deleted"), *((one.name, f"{one.when:%Y-%m-%d %H:%M}") for one in found)]
        echo(table(rows))
    else:
        echo("the trash is empty")


@app.command("restore")
def restore(
    name: Annotated[str, typer.Argument(help="Name of a deleted run; of several with that name, the last deleted.")],
    folder: Folder = None,
) -> None:
    """Restore a deleted run."""
    from sedir_core.errors import BadRun
    from sedir_core.runs.manage import list_trash, restore_run

    found = [one for one in list_trash(folder or user_runs()) if one.name == name]
    if not found:
        raise BadRun(name, "is not in the trash", "see `sedir runs trash`")
    echo(printable(restore_run(found[0])))


@app.command("empty-trash")
def empty_trash(folder: Folder = None) -> None:
    """Permanently delete the runs in the trash. This cannot be undone."""
    from sedir_core.runs.manage import empty_trash as destroy

    count = destroy(folder or user_runs())
    say(f"{count} {'run was' if count == 1 else 'runs were'} permanently deleted")


@app.command("export")
def export(
    run: RunName, file: Annotated[Path, typer.Argument(help="File to write; .sedir is added.", metavar="FILE")]
) -> None:
    """Export a finished run as one file, to share or archive."""
    from sedir_core.runs.bundle import export_run

    with progress() as report:
        written = export_run(_existing(run), file, report)
    echo(printable(written))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A .sedir file.", metavar="FILE")],
    name: Annotated[str | None, typer.Option(help="Name of the new run; the exported name by default.")] = None,
    folder: Folder = None,
) -> None:
    """Check an exported run and add it to the list. No code in the file is executed."""
    from sedir_core.runs.bundle import import_run

    with interruptible() as stop, progress() as report:
        echo(printable(import_run(file, folder, name, report, stop)))


def _existing(name: str) -> Path:
    from sedir_core.errors import BadRun
    from sedir_core.runs.catalogue import is_run

    path = find_run(name)
    if not is_run(path):
        raise BadRun(name, "is not a run", "see `sedir runs list`; a .sedir file is imported first")
    return path


def _categories(detail: RunDetail) -> str:
    measured, old = detail.entry.measured, detail.old_categories
    rows: list[tuple[str, ...]] = [("category", "limit", *SHORT.values(), "since it was taken over")]
    for name in detail.entry.categories:
        shares = [percent(measured.get(name, {}).get(measure)) for measure in SHORT]
        limit = detail.thresholds.get(name)
        fate = "" if name not in old else "WORSE" if old[name].get("worse") else "as good"
        rows.append((name, "-" if limit is None else f"{limit:.3f}", *shares, fate))
    return table(rows) + "\n"


def _side_by_side(found: RunComparison) -> str:
    rows: list[tuple[str, ...]] = [("category", "measure", found.first.entry.name, found.second.entry.name)]
    for pair in found.pairs:
        if pair.first is None and pair.second is None:
            continue
        marks = (BETTER if pair.better == "first" else "", BETTER if pair.better == "second" else "")
        cells = (f"{percent(value)}{mark}" for value, mark in zip((pair.first, pair.second), marks, strict=True))
        rows.append((pair.category, SHORT[pair.measure], *cells))
    measures = table(rows) if len(rows) > 1 else "neither run has metrics: use `sedir evaluate RUN DATASET --record`"
    settings: list[tuple[Any, ...]] = [("setting", found.first.entry.name, found.second.entry.name), *found.settings]
    return f"{measures}\n\n{table(settings) if found.settings else 'the settings are the same'}"
