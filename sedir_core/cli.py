"""The command line: registers commands, loads option defaults, and maps errors to exit statuses."""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sedir_core.commands import (
    ablate,
    bench,
    demo,
    doctor,
    estimate,
    evaluate,
    gui,
    history,
    ice,
    info,
    inspect,
    methods,
    queue,
    runs,
    synth,
    train,
    watch,
    weights,
)
from sedir_core.commands.console import Status, say, set_up_output, trouble_outside
from sedir_core.commands.defaults import option_defaults
from sedir_core.errors import Cancelled, UserError
from sedir_core.names import printable
from sedir_core.places import user_config

EPILOG = (
    "Options not given are taken from SEDIR_* variables (SEDIR_DEVICE, or SEDIR_INSPECT_DEVICE for one command), "
    "then from the user's configuration file, then from the defaults. "
    "Exit status: 0 done, 1 failure, 2 usage, 3 at least one NG and --fail-on-ng (or uncertain and "
    "--fail-on-uncertain), 4 some input was unreadable, 130 interrupted."
)


class SedirGroup(TyperGroup):
    """Opens the window if no command is given, and turns user errors into plain messages."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["gui"])

    def invoke(self, ctx: Any) -> Any:
        try:
            ctx.default_map = option_defaults(self, os.environ, user_config())
            return super().invoke(ctx)
        except UserError as error:
            say(f"error: {error}")
            raise typer.Exit(Status.FAILED) from error
        except Cancelled as error:
            say("interrupted; nothing partial was recorded as complete")
            raise typer.Exit(Status.INTERRUPTED) from error
        except typer.BadParameter as error:  # repeats what was given, perhaps the name of a file
            error.message = printable(error.message)
            raise
        except BrokenPipeError:  # the reader of the output has gone
            raise
        except (OSError, MemoryError, ImportError, RuntimeError) as error:
            if (said := trouble_outside(error)) is None:
                raise
            say(f"error: {said}")
            raise typer.Exit(Status.FAILED) from error


app = typer.Typer(
    name="sedir",
    cls=SedirGroup,
    help="Find defects in 3D scans of parts, and show what the model considers normal.",
    epilog=EPILOG,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("gui")(gui.gui)
app.command("demo")(demo.demo)
app.command("inspect")(inspect.inspect)
app.command("watch")(watch.watch)
app.command("train")(train.train)
app.add_typer(queue.app, name="queue")
app.command("estimate")(estimate.estimate)
app.command("methods")(methods.methods)
app.command("evaluate")(evaluate.evaluate)
app.command("ablate")(ablate.ablate)
app.command("ice")(ice.ice)
app.command("synth")(synth.synth)
app.add_typer(history.app, name="history")
app.add_typer(runs.app, name="runs")
app.add_typer(weights.app, name="weights")
app.command("info")(info.info)
app.command("bench")(bench.bench)
app.command("doctor")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("sedir-inspect"))
        raise typer.Exit


@app.callback()
def root(
    version_: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    set_up_output()


def main() -> None:
    """The console command `sedir`."""
    app()
