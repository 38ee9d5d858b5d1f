"""Console output of commands: data on stdout, everything else on stderr, a progress bar only on a terminal."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sedir_core.names import PlainFormatter, lines, printable

if TYPE_CHECKING:
    from sedir_core.types import Report, Stop


class Status(IntEnum):
    """Exit statuses besides 0. Usage errors are 2, set by typer."""

    FAILED = 1
    NG = 3
    UNREADABLE = 4
    INTERRUPTED = 130


@dataclass(frozen=True)
class Failing:
    """Which verdicts end a command with `Status.NG`, from `--fail-on-ng` and `--fail-on-uncertain`."""

    ng: bool
    uncertain: bool

    def on(self, verdict: str, uncertain: bool, measured: bool) -> bool:
        """measured: score and limit are numbers; a scan without them fails either check."""
        return (self.ng and (verdict == "ng" or not measured)) or (self.uncertain and uncertain)


def say(text: str, table: str = "") -> None:
    """Print a line, and perhaps a table below it, to stderr; a closed stderr is ignored."""
    with suppress(OSError):
        typer.echo("\n".join([printable(text), *([lines(table)] if table else [])]), err=True)


def echo(text: object) -> None:
    """Print data to stdout. Raises CannotWrite, as on a full disk; a closed pipe ends the program."""
    from sedir_core.errors import CannotWrite

    try:
        typer.echo(lines(str(text)))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CannotWrite("standard output", error.strerror or str(error), "write to a file instead") from error


def trouble_outside(error: BaseException) -> str | None:
    """Text for an error of the file system or memory; None for an error that may be a bug."""
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in _NO_MEMORY):
        return "there is not enough memory: close other programs, or raise the limit"
    if not isinstance(error, OSError):
        return None
    what = error.strerror or str(error)
    return f"{error.filename}: {what}" if error.filename is not None else what


# Messages of libraries that cannot be loaded or cannot start a thread (ImportError, RuntimeError).
_NO_MEMORY = ("annot allocate memory", "failed to map segment", "can't start new thread", "not enough memory")


def set_up_output() -> None:
    """Log warnings and errors to stderr; characters missing in its encoding are escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    # Set the handler's level, not the root's: a run's log file needs more than the terminal.
    handler.setLevel(logging.WARNING)
    handler.setFormatter(PlainFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], force=True)


def write_json(target: str, value: Any) -> None:
    """Write JSON to a file, or to standard output if the target is "-". Raises CannotWrite."""
    from sedir_core.io.atomic import write_text

    text = json.dumps(value, indent=2, allow_nan=False)
    if target == "-":
        echo(text)
    else:
        write_text(Path(target), text + "\n")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows (the first is the header) in aligned columns; numbers are right-aligned."""
    rows = [[printable(cell) for cell in row] for row in rows]
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
    """A progress bar on stderr; silent if stderr is not a terminal."""
    from sedir_core.types import no_report

    if not sys.stderr.isatty():
        yield no_report
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda fraction, stage: bar.update(task, completed=fraction, description=printable(stage))


@contextmanager
def interruptible() -> Iterator[Stop]:
    """The first Ctrl-C or SIGTERM asks the job to stop at the next safe point; a second one stops at once."""
    from sedir_core.interrupts import interruptible as listening

    with listening(lambda: say("stopping; press again to stop at once")) as stop:
        yield stop


def names(text: str | None) -> tuple[str, ...] | None:
    """`A,B` as a tuple; None if the option is not given."""
    if text is None:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip())


def numbers(text: str) -> tuple[int, ...]:
    """`0,1,2` as distinct non-negative whole numbers."""
    try:
        found = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise typer.BadParameter(f"{text}: write whole numbers separated by commas") from None
    if min(found) < 0:
        raise typer.BadParameter(f"{text}: none of them may be negative")
    return found


def percent(value: float | None) -> str:
    """A share in per cent with one decimal; a dash if undefined."""
    return "-" if value is None else f"{100 * value:.1f}"


def _numeric(cell: str) -> bool:
    return cell.removesuffix("%").removesuffix(" s").replace(".", "", 1).lstrip("-").isdigit() or cell in ("", "-")
