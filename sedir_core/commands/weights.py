"""`sedir weights`: the frozen local encoder's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sedir_core.commands.console import echo, interruptible, progress, say
from sedir_core.commands.options import Device
from sedir_core.names import printable

app = typer.Typer(help="Weights of the local encoder: import the official ones, list, or pretrain.")


@app.command("import")
def import_weights(
    file: Annotated[Path, typer.Argument(help="modelnet_8k.pth or pretrain.pth of Point-MAE.")],
) -> None:
    """Check an official Point-MAE checkpoint and store it as safetensors."""
    from sedir_core.rundir.encoder_weights import import_official

    echo(printable(import_official(file)))


@app.command("list")
def list_weights() -> None:
    """Print the available values of `encoder.weights`."""
    from sedir_core.rundir.encoder_weights import list_weights as listed

    for entry in listed():
        echo(printable(entry))


@app.command("pretrain")
def pretrain_weights(
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same seed gives the same weights.")] = 0,
    device: Device = "auto",
) -> None:
    """Train a small encoder on procedural shapes."""
    from sedir_core.training.pretrain import pretrain

    with interruptible() as stop, progress() as report:
        say(f"written to {pretrain(seed=seed, device=device, report=report, stop=stop)}")
