"""`sedir synth`: a labelled dataset from meshes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sedir_core.commands.console import interruptible, progress, say


def synth(
    mesh_dir: Annotated[Path, typer.Argument(help="Folder of meshes; each becomes a category.")],
    out: Annotated[Path, typer.Argument(help="Folder for the dataset.")],
    layout: Annotated[
        Literal["anomaly-shapenet", "real3d"], typer.Option(help="Folders and label files as in that dataset.")
    ] = "anomaly-shapenet",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same scans.")] = 0,
) -> None:
    """Make normal and defective scans with labels: bulge, sink, hole, crack, broken, bend, scratch."""
    from sedir_core.datasets.synthesis import synthesise

    with interruptible() as stop, progress() as report:
        made = synthesise(mesh_dir, out, layout, seed, report, stop)
    say(f"{made.n_train} training scans, {made.n_good} good and {made.n_bad} defective test scans in {made.root}")
