"""`sedir gui`: open the window."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sedir_core.commands.machine import display_named
from sedir_core.commands.recording import Folder, Url
from sedir_core.errors import DeviceUnavailable
from sedir_core.runs.models import find_model


def gui(
    paths: Annotated[list[Path] | None, typer.Argument(help="Scans, folders or a dataset to open.")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Run directory, name of a run, or .sedir file; the last one used by default.", metavar="RUN"),
    ] = None,
    new_window: Annotated[bool, typer.Option("--new-window", help="Open another window even if one is open.")] = False,
    history_url: Url = "",
    history_folder: Folder = None,
) -> None:
    """Open the window (the default command). A window that is already open takes over the paths."""
    if not display_named():
        raise DeviceUnavailable(
            "display", "neither DISPLAY nor WAYLAND_DISPLAY is set", "use `sedir inspect`, or `sedir demo --headless`"
        )
    more = ["--history-url", history_url] if history_url else []
    more += ["--history-folder", str(history_folder)] if history_folder else []
    raise typer.Exit(open_window(paths or [], find_model(model) if model else None, new_window, more))


def open_window(paths: list[Path], run_dir: Path | None, new_window: bool = False, more: Sequence[str] = ()) -> int:
    """Run the window in this process until it is closed. more: additional options. Returns its exit status."""
    # Imported by name and only here: the core works without the window.
    window = importlib.import_module("app.__main__")
    chosen = ["--model", str(run_dir)] if run_dir else []
    if new_window:
        chosen.append("--new-window")
    return int(window.main([*chosen, *more, "--", *map(str, paths)]))
