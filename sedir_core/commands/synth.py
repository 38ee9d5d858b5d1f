"""`sedir synth`: generates a labelled dataset from meshes or from the built-in families of parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sedir_core.commands.console import interruptible, progress, say


def synth(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Folder of meshes, one per category, and folder for the dataset; with --families only the "
            "latter alone.",
            metavar="[MESH_DIR] OUT",
        ),
    ],
    families: Annotated[
        bool, typer.Option("--families", help="Use forty built-in kinds of part in families of similar parts.")
    ] = False,
    layout: Annotated[
        Literal["anomaly-shapenet", "real3d"], typer.Option(help="Dataset whose folders and label files to imitate.")
    ] = "anomaly-shapenet",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same scans.")] = 0,
) -> None:
    """Generate normal and defective scans with labels: bulge, sink, hole, crack, broken, bend, scratch."""
    from sedir_core.datasets.families import families_of_parts
    from sedir_core.datasets.synthesis import synthesise, write_dataset

    if len(paths) != (1 if families else 2):
        raise typer.BadParameter("give OUT alone with --families, MESH_DIR and OUT without")
    with interruptible() as stop, progress() as report:
        if families:
            made = write_dataset(families_of_parts(), paths[0], layout, seed, report=report, stop=stop)
        else:
            made = synthesise(paths[0], paths[1], layout, seed, report, stop)
    say(f"{made.n_train} training scans, {made.n_good} good and {made.n_bad} defective test scans in {made.root}")
