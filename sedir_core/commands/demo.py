"""`sedir demo`: inspects the bundled scans with the bundled model."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from sedir_core.commands.console import Failing, interruptible, progress, say
from sedir_core.commands.gui import open_window
from sedir_core.commands.inspect import Batch, scan_files
from sedir_core.commands.machine import display_problem
from sedir_core.places import DEFAULT_RUN, bundled_runs, demo_scans


def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Never open a window.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the exports and results.json.")] = None,
) -> None:
    """Inspect the bundled scans: in the window if there is a display, headless otherwise."""
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
    files, refused, _ = scan_files([demo_scans()])
    batch = Batch(run_dir)
    with ExitStack() as outputs, interruptible() as stop, progress() as report:
        detector = load_detector(run_dir)
        outputs.callback(batch.deliver, None if out is None else str(out / "results.json"), None, None, None)
        batch.inspect(detector, files, refused, "auto", out, report, stop)
    if out is not None:
        say(f"pictures, scored scans and results.json are in {out}")
    batch.end(Failing(ng=False, uncertain=False))
