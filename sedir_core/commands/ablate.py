"""`sedir ablate`: the paper's ablations on any data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sedir_core.commands.console import echo, interruptible, names, numbers, progress, say
from sedir_core.commands.evaluate import TABLE_SUFFIXES
from sedir_core.commands.options import Categories, Device, Epochs


def ablate(
    dataset: Annotated[Path, typer.Argument(help="Dataset with training and test scans.")],
    out: Annotated[
        Path, typer.Option(help="Folder for runs and results; what is finished there is not repeated.", metavar="DIR")
    ],
    tables: Annotated[
        str | None,
        typer.Option(help="Numbers of the paper's tables, separated by commas: 4 to 7, S2 to S8.", metavar="4,S3"),
    ] = None,
    preset_name: Annotated[
        Literal["paper", "desktop", "tiny"], typer.Option("--preset", help="Preset to ablate.")
    ] = "desktop",
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="Read all settings from a TOML file instead.", metavar="FILE"),
    ] = None,
    epochs: Epochs = None,
    seeds: Annotated[str, typer.Option(help="Seeds; every row is trained with each of them.", metavar="0,1,2")] = "0",
    categories: Categories = None,
    table_file: Annotated[
        Path | None, typer.Option("--table", help="Write the tables to a .md, .csv or .tex file.", metavar="FILE")
    ] = None,
    device: Device = "auto",
) -> None:
    """Train and evaluate the rows of the paper's ablation tables, and print them beside the paper's numbers."""
    from sedir_core.config import override, preset, read_config
    from sedir_core.evaluation.ablate import AblateRequest
    from sedir_core.evaluation.ablate import ablate as run_ablation
    from sedir_core.evaluation.ablation import chosen
    from sedir_core.evaluation.table_text import WRITERS, to_text
    from sedir_core.io.atomic import write_text

    if table_file is not None and table_file.suffix.lower() not in TABLE_SUFFIXES:
        raise typer.BadParameter(f"{table_file.name}: a table ends in " + ", ".join(TABLE_SUFFIXES))
    base = preset(preset_name) if config_file is None else read_config(config_file)
    if epochs is not None:
        base = override(base, training={"epochs": epochs})
    request = AblateRequest(dataset, names(categories), base, chosen(names(tables)), numbers(seeds), out, device)
    with interruptible() as stop, progress() as report:
        found = run_ablation(request, report, stop)
    if table_file is not None:
        write_text(table_file, WRITERS[table_file.suffix.lower()](found))
        say(f"written to {table_file}")
    echo(to_text(found))
