"""`sedir queue`: waiting trainings, run one at a time per device.

`sedir train --queue` and the window add to it.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sedir_core.commands.console import Status, echo, interruptible, say, table, write_json
from sedir_core.places import find_run

app = typer.Typer(help="Queue of trainings. `sedir train ... --queue` adds one.", no_args_is_help=True)


@app.command("list")
def list_jobs(
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write JSON to this file; - for standard output.")
    ] = None,
) -> None:
    """List running and waiting trainings, in order."""
    from sedir_core.training.queue import jobs_in, queue_folder

    jobs = [one.job for one in jobs_in(queue_folder())]
    if json_file is not None:
        write_json(json_file, [job.model_dump(mode="json") for job in jobs])
        return
    rows = [("run", "device", "state")]
    rows += [(job.run_dir.name, job.device, "waiting" if job.started is None else "running") for job in jobs]
    echo(table(rows) if jobs else "nothing waits")


@app.command()
def remove(run: Annotated[str, typer.Argument(help="Run directory, or its name.")]) -> None:
    """Remove a waiting training."""
    from sedir_core.training.queue import jobs_in, queue_folder
    from sedir_core.training.queue import remove as take_off

    folder = queue_folder()
    known = {one.job.run_dir.name: one.job.run_dir for one in jobs_in(folder)}
    if not take_off(folder, known.get(run, find_run(run))):
        say(f"error: {run} is not waiting")
        raise typer.Exit(Status.FAILED)


@app.command()
def run() -> None:
    """Run the waiting trainings one after another until none is left. The window does this automatically."""
    from sedir_core.training.queue import queue_folder, run_queue

    with interruptible() as stop:
        if not run_queue(queue_folder(), stop=stop):
            say("another process is already running the queue")
