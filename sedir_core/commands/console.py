"""How commands talk: data on stdout, everything else on stderr, a progress bar only on a terminal."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from sedir_core.types import Report, Stop


class Status(IntEnum):
    """Exit statuses beside 0. Usage errors are 2, which typer sets itself."""

    FAILED = 1
    NG = 3
    UNREADABLE = 4
    INTERRUPTED = 130


def say(text: str) -> None:
    """A line for the human, on stderr."""
    typer.echo(text, err=True)


def set_up_log() -> None:
    """Warnings and errors of ours on stderr."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s: %(message)s", force=True)


def write_json(target: str, value: Any) -> None:
    """The value as JSON to a file, or to standard output where the target is "-". Raises CannotWrite."""
    from sedir_core.io.atomic import write_text

    text = json.dumps(value, indent=2, allow_nan=False)
    if target == "-":
        typer.echo(text)
    else:
        write_text(Path(target), text + "\n")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows (the first is the head) in aligned columns; cells that are numbers go to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = [all(_numeric(row[i]) for row in rows[1:]) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = (
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        )
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


@contextmanager
def progress() -> Iterator[Report]:
    """A bar on stderr; silent where stderr is not a terminal."""
    from sedir_core.types import no_report

    if not sys.stderr.isatty():
        yield no_report
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda fraction, stage: bar.update(task, completed=fraction, description=stage)


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Ctrl-C and SIGTERM ask the job to stop at the next good place; a second one does not wait for it."""
    asked = threading.Event()

    def ask(signum: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        say("stopping; once more to stop at once")

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def names(text: str | None) -> tuple[str, ...] | None:
    """`A,B` as a tuple; None where the option is not given."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip())


def percent(value: float | None) -> str:
    """A share in per cent with one decimal; a dash where it is undefined."""
    return "-" if value is None else f"{100 * value:.1f}"


def _numeric(cell: str) -> bool:
    return cell.removesuffix("%").removesuffix(" s").replace(".", "", 1).lstrip("-").isdigit() or cell in ("", "-")
