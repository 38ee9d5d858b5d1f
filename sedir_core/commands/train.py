"""`sedir train`: a run from a dataset, or the rest of one that was stopped."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sedir_core.commands.console import interruptible, names, say, table
from sedir_core.commands.options import Categories, Device, Epochs, Preset
from sedir_core.places import find_run, user_runs
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.config import Config
    from sedir_core.training.train import TrainRequest

# What --resume, --config and --warm-start already say: the same said again would contradict it.
FIXED = {
    "resume": (
        "--resume continues a run as it began",
        ("categories", "method", "preset_name", "config_file", "epochs", "seed", "out"),
    ),
    "config_file": ("--config holds all settings", ("method", "preset_name", "epochs", "seed")),
    "warm_start": ("--warm-start goes on from a model as it is", ("method", "preset_name", "resume")),
}


def train(
    ctx: typer.Context,
    dataset: Annotated[Path, typer.Argument(help="Dataset: Real3D-AD, Anomaly-ShapeNet, or a folder of your parts.")],
    categories: Categories = None,
    method: Annotated[
        str,
        typer.Option(
            help="Detector to train: sedir, mc3d-ad, mc3d-ad-spatial; or a peer that memorises good parts: template, "
            "btf-raw, btf-fpfh, patchcore-fpfh, patchcore-pointmae, m3dm, reg3d-ad.",
            metavar="NAME",
        ),
    ] = "sedir",
    preset_name: Preset = "desktop",
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="All settings from a TOML file, such as another run's.", metavar="FILE"),
    ] = None,
    epochs: Epochs = None,
    seed: Annotated[int, typer.Option(min=0, help="Everything random follows from it.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Run directory to write.", metavar="RUN")] = None,
    resume: Annotated[
        str | None, typer.Option(help="Continue this run exactly where it stopped.", metavar="RUN")
    ] = None,
    warm_start: Annotated[
        str | None,
        typer.Option(help="Add categories to this model: its network goes on, what it knows is kept.", metavar="RUN"),
    ] = None,
    device: Device = "auto",
    queued: Annotated[
        bool, typer.Option("--queue", help="Let it wait for its turn instead of training now, see `sedir queue`.")
    ] = False,
    progress: Annotated[
        Literal["auto", "json", "none"], typer.Option(help="A bar on a terminal, one JSON object a line, or nothing.")
    ] = "auto",
) -> None:
    """Train on normal scans only. Ctrl-C saves; --resume goes on from there."""
    for name, (why, fixed) in FIXED.items():
        if ctx.params[name] is not None:
            _refuse_contradictions(ctx, fixed, why)
    from sedir_core.detectors.run_files import read_run_config
    from sedir_core.training.progress import ProgressBar
    from sedir_core.training.train import TrainRequest
    from sedir_core.training.train import train as run_training

    origin = None if resume is not None or warm_start is None else find_model(warm_start)
    if resume is not None:
        run_dir = find_run(resume)
        config = read_run_config(run_dir)
    else:
        run_dir = out or user_runs() / f"{dataset.resolve().name}-{datetime.now():%Y%m%d-%H%M%S}"
        config = _config(config_file, origin, method, preset_name, epochs, seed)
    request = TrainRequest(dataset, names(categories), config, run_dir, resume is not None, device, origin)
    if queued:
        _enqueue(request)
        return
    with interruptible() as stop, ProgressBar() as bar:
        watch = {"auto": bar.show, "json": _print_event, "none": _ignore}[progress]
        finished = run_training(request, watch, stop)
    _say_old_categories(finished)
    say(f"run written to {finished}")


def _config(
    file: Path | None, origin: Path | None, method: str, preset_name: str, epochs: int | None, seed: int
) -> Config:
    from sedir_core.config import preset, read_config
    from sedir_core.detectors.run_files import read_run_config
    from sedir_core.training.warm_config import warm_config

    if file is not None:
        return read_config(file)
    if origin is not None:
        return warm_config(read_run_config(origin), epochs, seed)
    changes: dict[str, int] = {"seed": seed} | ({} if epochs is None else {"epochs": epochs})
    return preset(preset_name, method, training=changes)


def _enqueue(request: TrainRequest) -> None:
    """What would fail at once is refused now, while somebody listens."""
    from sedir_core.datasets.index import open_dataset
    from sedir_core.detectors.run_files import read_about
    from sedir_core.errors import BadRun
    from sedir_core.runs.catalogue import is_run
    from sedir_core.runtime import choose_device
    from sedir_core.training.orders import TrainOrder, enqueue, enqueue_rest

    if request.resume:
        enqueue_rest(request.out, request.dataset, read_about(request.out).device)
    elif is_run(request.out):
        raise BadRun(request.out, "already holds a run", "continue it with --resume, or choose another --out")
    else:
        open_dataset(request.dataset, None if request.warm_start else request.categories)
        device = str(choose_device(request.device)[0])
        enqueue(
            TrainOrder(request.dataset, request.categories, request.config, request.out, device, request.warm_start)
        )
    say(f"{request.out.name} waits for its turn: the window gives it one by itself, or `sedir queue run`")


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


def _refuse_contradictions(ctx: typer.Context, fixed: tuple[str, ...], why: str) -> None:
    for name in fixed:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"{why}; leave out --{name.split('_')[0]}")


def _print_event(event: Any) -> None:
    typer.echo(event.model_dump_json())


def _ignore(event: Any) -> None:
    """For --progress none."""
