"""`sedir train`: a run from a dataset, or the rest of one that was stopped."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sedir_core.commands.console import interruptible, names, say, table
from sedir_core.places import find_run, user_runs
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.config import Config

# A resumed run goes on exactly as it began, so these would contradict its config.toml.
FIXED_BY_THE_RUN = ("categories", "method", "preset_name", "config_file", "epochs", "seed", "out")
FIXED_BY_THE_FILE = ("method", "preset_name", "epochs", "seed")
FIXED_BY_THE_MODEL = ("method", "preset_name", "resume")


def train(
    ctx: typer.Context,
    dataset: Annotated[Path, typer.Argument(help="Dataset: Real3D-AD, Anomaly-ShapeNet, or a folder of your parts.")],
    categories: Annotated[str | None, typer.Option(help="Only these, separated by commas.", metavar="A,B")] = None,
    method: Annotated[
        str,
        typer.Option(
            help="Detector to train: sedir, mc3d-ad, mc3d-ad-spatial; or a peer that memorises good parts: template, "
            "btf-raw, btf-fpfh, patchcore-fpfh, patchcore-pointmae, m3dm, reg3d-ad.",
            metavar="NAME",
        ),
    ] = "sedir",
    preset_name: Annotated[
        Literal["paper", "desktop", "tiny"], typer.Option("--preset", help="Sizes: as published, for a CPU, for tests.")
    ] = "desktop",
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="All settings from a TOML file, such as another run's.", metavar="FILE"),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data, instead of the preset's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Run directory to write.", metavar="RUN")] = None,
    resume: Annotated[
        str | None, typer.Option(help="Continue this run exactly where it stopped.", metavar="RUN")
    ] = None,
    warm_start: Annotated[
        str | None,
        typer.Option(help="Add categories to this model: its network goes on, what it knows is kept.", metavar="RUN"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    progress: Annotated[
        Literal["auto", "json", "none"], typer.Option(help="A bar on a terminal, one JSON object a line, or nothing.")
    ] = "auto",
) -> None:
    """Train on normal scans only. Ctrl-C saves; --resume goes on from there."""
    if resume is not None:
        _refuse_contradictions(ctx, FIXED_BY_THE_RUN, "--resume continues a run as it began")
    if config_file is not None:
        _refuse_contradictions(ctx, FIXED_BY_THE_FILE, "--config holds all settings")
    if warm_start is not None:
        _refuse_contradictions(ctx, FIXED_BY_THE_MODEL, "--warm-start goes on from a model as it is")
    from sedir_core.detectors.run_files import read_run_config
    from sedir_core.training.progress import ProgressBar
    from sedir_core.training.train import TrainRequest
    from sedir_core.training.train import train as run_training

    if resume is not None:
        run_dir = find_run(resume)
        config = read_run_config(run_dir)
        origin = None
    else:
        origin = None if warm_start is None else find_model(warm_start)
        run_dir = out or user_runs() / f"{dataset.resolve().name}-{datetime.now():%Y%m%d-%H%M%S}"
        if config_file is not None:
            config = _read(config_file)
        elif origin is not None:
            config = _going_on(origin, epochs, seed)
        else:
            config = _config(method, preset_name, epochs, seed)
    request = TrainRequest(dataset, names(categories), config, run_dir, resume is not None, device, origin)
    with interruptible() as stop, ProgressBar() as bar:
        watch = {"auto": bar.show, "json": _print_event, "none": _ignore}[progress]
        finished = run_training(request, watch, stop)
    _say_old_categories(finished)
    say(f"run written to {finished}")


def _config(method: str, preset_name: str, epochs: int | None, seed: int) -> Config:
    from sedir_core.config import preset

    changes: dict[str, int] = {"seed": seed} | ({} if epochs is None else {"epochs": epochs})
    return preset(preset_name, method, training=changes)


def _going_on(origin: Path, epochs: int | None, seed: int) -> Config:
    from sedir_core.detectors.run_files import read_run_config
    from sedir_core.training.warm_config import warm_config

    return warm_config(read_run_config(origin), epochs, seed)


def _say_old_categories(run_dir: Path) -> None:
    """After a warm start: what became of the categories that were taken over."""
    from sedir_core.runs.catalogue import read_detail

    old = read_detail(run_dir).old_categories
    if not old:
        return
    rows: list[tuple[str, ...]] = [("category", "% of limit before", "after", "recognised % before", "after", "")]
    for name, fate in old.items():
        shares = (f"{100 * share:.0f}" for pair in (fate["score"], fate["recognised"]) for share in pair)
        rows.append((name, *shares, "; ".join(fate["reasons"]) or "as good"))
    say("good parts of the old categories, before and after:\n" + table(rows))
    if worse := [name for name, fate in old.items() if fate["worse"]]:
        say(f"warning: worse than before: {', '.join(worse)}; keep the old model, or train all categories anew")


def _read(path: Path) -> Config:
    from sedir_core.config import read_config

    return read_config(path)


def _refuse_contradictions(ctx: typer.Context, fixed: tuple[str, ...], why: str) -> None:
    for name in fixed:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"{why}; leave out --{name.split('_')[0]}")


def _print_event(event: Any) -> None:
    typer.echo(event.model_dump_json())


def _ignore(event: Any) -> None:
    """For --progress none."""
