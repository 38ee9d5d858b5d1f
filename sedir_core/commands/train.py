"""`sedir train`: trains a run on a dataset, or resumes a stopped one."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sedir_core.commands.console import echo, interruptible, names, say, table
from sedir_core.commands.options import Categories, Columns, Device, Epochs, Preset
from sedir_core.names import printable
from sedir_core.places import find_run, user_runs
from sedir_core.runs.models import find_model
from sedir_core.units import Unit

if TYPE_CHECKING:
    from sedir_core.config import Config
    from sedir_core.training.train import TrainRequest

# Already determined by --config and --warm-start, so giving them again would be contradictory.
FIXED = {
    "config_file": ("--config holds all settings", ("method", "preset_name", "epochs", "set_", "pseudo", "seed")),
    "warm_start": ("--warm-start continues a model with its own settings", ("method", "preset_name", "set_", "pseudo")),
}
REPEATED = (
    "method",
    "preset_name",
    "epochs",
    "seed",
    "warm_start",
    "out",
    "categories",
    "config_file",
    "unit",
    "columns",
    "set_",
    "pseudo",
)
"""Options allowed beside --resume if they match the run."""


def train(
    ctx: typer.Context,
    dataset: Annotated[Path, typer.Argument(help="Folder of your parts, a benchmark, or a nominal part (STEP, STL).")],
    categories: Categories = None,
    method: Annotated[
        str,
        typer.Option(
            help="Detector to train, see `sedir methods`.",
            metavar="NAME",
        ),
    ] = "sedir",
    preset_name: Preset = "desktop",
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="Read all settings from a TOML file, such as another run's.", metavar="FILE"),
    ] = None,
    epochs: Epochs = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a setting, such as training.views=0; repeatable.", metavar="NAME=VALUE"),
    ] = None,
    pseudo: Annotated[
        Literal["published", "af"] | None,
        typer.Option(help="PO3AD: pseudo-defects to train on, short for --set po3ad.pseudo=af."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    unit: Annotated[
        Unit | None, typer.Option(help="Unit of the scans, in which sizes are reported: mm, m, inch ...")
    ] = None,
    columns: Columns = "",
    learn_defective: Annotated[
        bool,
        typer.Option("--learn-defective", help="Also train on scans in folders named NG, bad, defect ..."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Run directory to write.", metavar="RUN")] = None,
    resume: Annotated[str | None, typer.Option(help="Resume this run exactly where it stopped.", metavar="RUN")] = None,
    warm_start: Annotated[
        str | None,
        typer.Option(help="Add categories to this model; training continues from its network.", metavar="RUN"),
    ] = None,
    device: Device = "auto",
    queued: Annotated[
        bool, typer.Option("--queue", help="Queue the training instead of starting it now; see `sedir queue`.")
    ] = False,
    progress: Annotated[
        Literal["auto", "json", "none"], typer.Option(help="Progress bar, one JSON object per line, or nothing.")
    ] = "auto",
) -> None:
    """Train on normal scans only. Ctrl-C saves; --resume continues from there."""
    for name, (why, fixed) in FIXED.items():
        if ctx.params[name] is not None and resume is None:
            _refuse_contradictions(ctx, fixed, why)
    from sedir_core.rundir.files import read_run_config
    from sedir_core.training.progress import ProgressBar
    from sedir_core.training.train import TrainRequest
    from sedir_core.training.train import train as run_training

    origin = None if resume is not None or warm_start is None else find_model(warm_start)
    if resume is not None:
        run_dir = find_run(resume)
        config = read_run_config(run_dir)
        _require_the_same(ctx, run_dir, config)
    else:
        run_dir = out or user_runs() / f"{dataset.resolve().name}-{datetime.now():%Y%m%d-%H%M%S}"
        config = _config(config_file, origin, method, preset_name, epochs, seed)
        config = _changed(config, [*(set_ or ()), *([] if pseudo is None else [f"po3ad.pseudo={pseudo}"])])
        config = _about_data(config, dataset, unit, columns, learn_defective)
    request = TrainRequest(dataset, names(categories), config, run_dir, resume is not None, device, origin)
    if _leads():
        _say_what_is_there(request)
    if queued:
        _enqueue(request)
        return
    with interruptible() as stop, ProgressBar(config) as bar:
        watch = {"auto": bar.show, "json": _print_event, "none": _ignore}[progress]
        finished = run_training(request, watch, stop)
    if _leads():
        _say_old_categories(finished)
        say(f"run written to {finished}")


def _leads() -> bool:
    """Whether this process writes the run: it is the only one, or the first that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def _config(
    file: Path | None, origin: Path | None, method: str, preset_name: str, epochs: int | None, seed: int
) -> Config:
    from sedir_core.config import preset, read_config
    from sedir_core.rundir.files import read_run_config
    from sedir_core.training.warm_config import warm_config

    if file is not None:
        return read_config(file)
    if origin is not None:
        return warm_config(read_run_config(origin), epochs, seed)
    changes: dict[str, int] = {"seed": seed} | ({} if epochs is None else {"epochs": epochs})
    return preset(preset_name, method, training=changes)


def _about_data(config: Config, dataset: Path, unit: Unit | None, columns: str, learn_defective: bool) -> Config:
    """The configuration with unit and columns of the scans, from the options or the folder notes."""
    from sedir_core.config import override
    from sedir_core.io.columns import parse_columns
    from sedir_core.io.folder_notes import notes_for
    from sedir_core.io.formats import by_suffix, scan_suffix
    from sedir_core.units import UNKNOWN

    said: dict[str, str] = {}
    if unit is None and config.data.unit == UNKNOWN:
        usual = by_suffix(scan_suffix(dataset.name)) if dataset.is_file() else None
        unit = usual.unit if usual is not None and usual.unit != UNKNOWN else notes_for(dataset).unit
    if unit is not None:
        said["unit"] = unit
    if parse_columns(columns):
        said["columns"] = columns
    if learn_defective:
        said["defective_names"] = "learn"
    return override(config, data=said)


def _say_what_is_there(request: TrainRequest) -> None:
    """Print the detected layout, the role of each folder, and what is left out."""
    from sedir_core.datasets.index import list_dataset
    from sedir_core.datasets.kinds import look_for_two_kinds
    from sedir_core.datasets.layouts import describe
    from sedir_core.errors import BadDataset, BadRun
    from sedir_core.rundir.files import read_about

    categories = None if request.warm_start else request.categories
    with suppress(BadDataset, BadRun):  # reported by the training
        if request.resume:  # a run keeps to what it has begun with
            about = read_about(request.out)
            categories = tuple(name for name in about.categories if name not in about.inherited)
        found = list_dataset(request.dataset, categories)
        say(describe(found))
        for finding in (*found.findings, *look_for_two_kinds(found)):
            if not finding.blocks and not finding.asks:
                say(f"note: {finding}")


def _changed(config: Config, changes: list[str]) -> Config:
    """Apply settings given as section.name=value; pydantic converts the values."""
    from sedir_core.config import override, read_by

    found: dict[str, dict[str, str]] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        section, dot, setting = name.partition(".")
        if not equals or not dot:
            raise typer.BadParameter(f"{change}: write section.name=value")
        if section not in read_by(config.method):
            raise typer.BadParameter(f"{change}: {config.method} does not read the section {section}")
        found.setdefault(section, {})[setting] = value
    return override(config, **found)


def _enqueue(request: TrainRequest) -> None:
    """Queue a training, rejecting immediately what would fail at its start."""
    from sedir_core.datasets.index import open_dataset, refuse_called_defective
    from sedir_core.errors import BadRun
    from sedir_core.rundir.files import read_about
    from sedir_core.runs.catalogue import is_run
    from sedir_core.runtime import choose_device
    from sedir_core.training.orders import TrainOrder, enqueue, enqueue_rest

    if request.resume:
        enqueue_rest(request.out, request.dataset, read_about(request.out).device)
    elif is_run(request.out):
        raise BadRun(request.out, "already holds a run", "continue it with --resume, or choose another --out")
    else:
        found = open_dataset(request.dataset, None if request.warm_start else request.categories)
        if request.config.data.defective_names == "refuse":
            refuse_called_defective(found)
        device = str(choose_device(request.device)[0])
        enqueue(
            TrainOrder(request.dataset, request.categories, request.config, request.out, device, request.warm_start)
        )
    say(f"{request.out.name} is queued: it is started by the window, or by `sedir queue run`")


def _say_old_categories(run_dir: Path) -> None:
    """After a warm start: report how the inherited categories have changed."""
    from sedir_core.runs.catalogue import read_detail

    old = read_detail(run_dir).old_categories
    if not old:
        return
    rows: list[tuple[str, ...]] = [("category", "% of limit before", "after", "recognised % before", "after", "")]
    for name, fate in old.items():
        shares = (f"{100 * share:.0f}" for pair in (fate["score"], fate["recognised"]) for share in pair)
        rows.append((name, *shares, "; ".join(fate["reasons"]) or "as good"))
    say("good parts of the old categories, before and after:", table(rows))
    if worse := [name for name, fate in old.items() if fate["worse"]]:
        say(f"warning: worse than before: {', '.join(worse)}; keep the old model, or train all categories from scratch")


def _require_the_same(ctx: typer.Context, run_dir: Path, config: Config) -> None:
    """--resume continues a run unchanged: other options may only repeat the run's own settings."""
    from sedir_core.config import read_config
    from sedir_core.rundir.files import read_about

    if not any(_is_given(ctx, name) for name in REPEATED):
        return
    about = read_about(run_dir)
    fresh = [name for name in about.categories if name not in about.inherited]
    own: dict[str, Any] = {
        "method": config.method,
        "preset_name": config.preset,
        "epochs": config.training.epochs,
        "seed": config.training.seed,
        "warm_start": about.parent,
        "out": run_dir.resolve(),
        "categories": about.categories,
        "config_file": config,
        "unit": config.data.unit,
        "columns": config.data.columns,
        "set_": config,
        "pseudo": config.po3ad.pseudo,
    }
    said = dict(ctx.params)
    if said["out"] is not None:
        said["out"] = Path(said["out"]).resolve()
    if said["config_file"] is not None and _is_given(ctx, "config_file"):
        said["config_file"] = read_config(said["config_file"])
    if said["set_"]:
        said["set_"] = _changed(config, said["set_"])
    if said["warm_start"] is not None:
        said["warm_start"] = printable(find_model(said["warm_start"]).resolve().name)
    if said["categories"] is not None:
        chosen = sorted(names(said["categories"]) or ())
        said["categories"] = about.categories if chosen in (sorted(about.categories), sorted(fresh)) else chosen
    for name in REPEATED:
        value = own[name]
        if _is_given(ctx, name) and said[name] != value:
            option = f"--{name.split('_')[0] if name != 'warm_start' else 'warm-start'}"
            has = "another configuration" if name in ("config_file", "set_") else _in_words(value)
            raise typer.BadParameter(f"--resume continues a run unchanged, with {option} {has}; leave out {option}")


def _in_words(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _refuse_contradictions(ctx: typer.Context, fixed: tuple[str, ...], why: str) -> None:
    for name in fixed:
        if _is_given(ctx, name):
            raise typer.BadParameter(f"{why}; leave out --{name.split('_')[0]}")


def _print_event(event: Any) -> None:
    echo(event.model_dump_json())


def _ignore(event: Any) -> None:
    """For --progress none."""
