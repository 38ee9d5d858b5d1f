"""`sedir estimate`: training time and memory on this machine, extrapolated from a few steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sedir_core.commands.console import echo, interruptible, write_json
from sedir_core.commands.options import Device, Preset

if TYPE_CHECKING:
    from sedir_core.methods import Method


def estimate(
    n_scans: Annotated[
        int, typer.Option("--scans", min=1, help="Number of training scans, all categories together.")
    ] = 32,
    method: Annotated[str, typer.Option(help="Detector to train, see `sedir methods`.", metavar="NAME")] = "sedir",
    preset_name: Preset = "desktop",
    config_file: Annotated[
        Path | None, typer.Option("--config", help="Read all settings from a TOML file instead.", metavar="FILE")
    ] = None,
    device: Device = "auto",
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write JSON to this file; - for standard output.")
    ] = None,
) -> None:
    """Estimate training time and memory from a few real steps of every stage, timed once on this machine."""
    from sedir_core.config import preset, read_config
    from sedir_core.methods import BY_NAME
    from sedir_core.runtime import choose_device
    from sedir_core.training.pace import estimate as add_up
    from sedir_core.training.pace import keep_pace, read_pace

    config = preset(preset_name, method) if config_file is None else read_config(config_file)
    memorises = BY_NAME[config.method]
    if not memorises.learns:
        _say_known(memorises, n_scans, json_file)
        return
    where = str(choose_device(device)[0])
    pace = read_pace(config, where)
    if pace is None:
        from sedir_core.training.measure import measure_pace

        with interruptible() as stop:
            pace = measure_pace(config, where, stop)
        keep_pace(config, where, pace)
    found = add_up(pace, config, n_scans)
    if json_file is not None:
        write_json(json_file, {"device": where, **vars(found), "pace": pace.model_dump()})
        return
    memory = f", {found.memory_bytes / 1e9:.1f} GB of memory" if found.memory_bytes else ""
    echo(f"about {found.seconds / 60:.1f} min{memory} on {where} for {n_scans} scans")


def _say_known(method: Method, n_scans: int, json_file: str | None) -> None:
    """For a memorising method: our measurement in core-seconds, on scans of 20,000 points."""
    seconds = n_scans * method.scan_s
    if json_file is not None:
        write_json(json_file, {"device": "cpu", "seconds": seconds, "memory_bytes": 0, "pace": None})
        return
    echo(
        f"about {seconds / 60:.1f} min of one core for {n_scans} scans of 20,000 points (not measured here): "
        f"{method.label} memorises the good parts"
    )
