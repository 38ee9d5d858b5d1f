"""`sedir demo`: the main job on the scans and the model that ship with the program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sedir_core.commands.console import Status, interruptible, progress, say, write_json
from sedir_core.commands.gui import open_window
from sedir_core.commands.inspect import inspect_files, scan_files, verdict_table
from sedir_core.commands.machine import display_problem
from sedir_core.places import DEFAULT_RUN, bundled_runs, demo_scans


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="No window, even where one could open.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the exports and results.json there.")] = None,
) -> None:
    """Inspect the bundled scans: in the window where there is a display, headless otherwise."""
    no_window = "asked for" if headless else display_problem()
    if no_window and not headless:
        say(f"no window: {no_window}")
    if no_window or out is not None:
        _inspect_bundled(out)
    if no_window is None:
        raise typer.Exit(open_window([demo_scans()], bundled_runs() / DEFAULT_RUN))


def _inspect_bundled(out: Path | None) -> None:
    from sedir_core.detectors.base import load_detector

    run_dir = bundled_runs() / DEFAULT_RUN
    files, refused = scan_files([demo_scans()])
    with interruptible() as stop, progress() as report:
        detector = load_detector(run_dir)
        document = inspect_files(detector, run_dir, files, refused, "auto", out, report, stop)
    typer.echo(verdict_table(document["results"]))
    if out is not None:
        write_json(str(out / "results.json"), document)
        say(f"pictures, scored scans and results.json are in {out}")
    for error in document["errors"]:
        say(f"error: {error['message']}")
    if document["errors"]:
        raise typer.Exit(Status.UNREADABLE)
