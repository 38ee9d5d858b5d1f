"""`sedir ice`: compares how well two runs separate the categories, on the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sedir_core.commands.console import Status, echo, interruptible, names, numbers, progress, say, table, write_json
from sedir_core.commands.evaluate import TABLE_SUFFIXES
from sedir_core.commands.options import Categories, Device, Epochs, Preset
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.evaluation.ice import Comparison


ONLY_GROWING = ("out", "counts", "seeds", "preset_name", "epochs", "table_file")


def ice(
    ctx: typer.Context,
    paths: Annotated[
        list[str],
        typer.Argument(
            help="A run, the run to compare it with, and a dataset with training and test scans; with --growing the "
            "dataset alone.",
            metavar="RUN BASELINE_RUN DATASET",
        ),
    ],
    third: Annotated[str | None, typer.Option(help="Another run, compared on the same samples.", metavar="RUN")] = None,
    json_file: Annotated[
        str | None,
        typer.Option("--json", help="Write the numbers as JSON to this file; - for standard output.", metavar="FILE"),
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Draw the figure to a .svg, .pdf or .png file.", metavar="FILE")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write one row per sample to this file.", metavar="FILE")] = None,
    npz: Annotated[
        Path | None, typer.Option(help="Write tokens and all other arrays to this file.", metavar="FILE")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of probes, bootstrap and t-SNE.")] = 0,
    tsne_seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Separate seed for the t-SNE.")] = None,
    perplexity: Annotated[float, typer.Option(min=1.0, help="Perplexity of the t-SNE.")] = 30.0,
    categories: Categories = None,
    category: Annotated[
        Literal["given", "auto"],
        typer.Option(help="Whether the detectors are given the category, as in the paper, or identify it."),
    ] = "given",
    anomalous: Annotated[
        bool, typer.Option("--anomalous", help="Also draw defective samples, as hollow marks.")
    ] = False,
    growing: Annotated[
        bool,
        typer.Option(
            "--growing",
            help="Instead, train SeDiR, SeDiR without CFGT and C3L, and MC3D-AD on more and more kinds of part, such "
            "as those of `sedir synth --families`, and measure how separation develops.",
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="With --growing: folder of the runs; finished ones are reused.", metavar="DIR"),
    ] = None,
    counts: Annotated[
        str, typer.Option(help="With --growing: numbers of kinds of part.", metavar="5,10")
    ] = "5,10,20,40",
    seeds: Annotated[str, typer.Option(help="With --growing: seeds to train with.", metavar="0,1")] = "0,1,2",
    preset_name: Preset = "desktop",
    epochs: Epochs = None,
    table_file: Annotated[
        Path | None,
        typer.Option("--table", help="With --growing: write the table to a .md, .csv or .tex file.", metavar="FILE"),
    ] = None,
    device: Device = "auto",
) -> None:
    """Compare how two runs, or three, separate categories: inter-category entanglement, as in the paper's figure 2."""
    if growing:
        if len(paths) != 1 or out is None:
            raise typer.BadParameter("give DATASET and --out DIR with --growing")
        targets = (json_file, figure, table_file)
        _grow(Path(paths[0]), out, numbers(counts), numbers(seeds), preset_name, epochs, targets, device)
        return
    if len(paths) != 3:
        raise typer.BadParameter("give RUN, BASELINE_RUN and DATASET")
    for name in ONLY_GROWING:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"--{name.split('_')[0]} requires --growing")
    runs = [find_model(name) for name in (*paths[:2], third) if name is not None]
    files = _Targets(json_file, figure, csv, npz)
    plot = _Plot(seed if tsne_seed is None else tsne_seed, perplexity)
    _compare(runs, Path(paths[2]), names(categories), category, anomalous, seed, plot, files, device)


@dataclass(frozen=True)
class _Targets:
    """Files to write; None writes none."""

    json_file: str | None
    figure: Path | None
    csv: Path | None
    npz: Path | None

    @property
    def need_plot(self) -> bool:
        return any(path is not None for path in (self.figure, self.csv, self.npz))


@dataclass(frozen=True)
class _Plot:
    """The t-SNE's seed and perplexity."""

    seed: int
    perplexity: float


def _compare(
    runs: Sequence[Path],
    dataset: Path,
    wanted: tuple[str, ...] | None,
    category: Literal["given", "auto"],
    anomalous: bool,
    seed: int,
    plot: _Plot,
    targets: _Targets,
    device: str,
) -> None:
    """Compare two runs or three on the same samples, and write and print the result."""
    from sedir_core.datasets.index import open_dataset
    from sedir_core.detectors.base import load_detector
    from sedir_core.evaluation.ice import Contender, compare, told_apart
    from sedir_core.evaluation.ice_export import write_csv, write_npz
    from sedir_core.evaluation.ice_figure import check_format, draw_comparison
    from sedir_core.evaluation.tsne import flatten_runs

    if targets.figure is not None:
        check_format(targets.figure)
    data = open_dataset(dataset, wanted)
    with interruptible() as stop, progress() as report:
        model, baseline, *more = told_apart(*(Contender.of(path, load_detector(path, device)) for path in runs))
        last = more[0] if more else None
        found = compare(model, baseline, data, wanted, category, anomalous, seed, report, stop, last)
        if targets.need_plot:
            flat = flatten_runs(found, plot.seed, plot.perplexity, report, stop)
            if targets.figure is not None:
                draw_comparison(targets.figure, found, flat)
            if targets.csv is not None:
                write_csv(targets.csv, found, flat)
            if targets.npz is not None:
                write_npz(targets.npz, found, flat)
    for warning in found.warnings:
        say(f"warning: {warning}")
    if targets.json_file is not None:
        write_json(targets.json_file, found.to_json())
    if targets.json_file != "-":
        echo(_summary(found))
    for error in found.errors:
        say(f"error: {error}")
    if found.errors:
        raise typer.Exit(Status.UNREADABLE)


def _grow(
    dataset: Path,
    out: Path,
    counts: tuple[int, ...],
    seeds: tuple[int, ...],
    preset_name: str,
    epochs: int | None,
    targets: tuple[str | None, Path | None, Path | None],
    device: str,
) -> None:
    """targets: of the JSON, the figure and the table."""
    from sedir_core.config import preset
    from sedir_core.evaluation.ice_figure import check_format
    from sedir_core.evaluation.ice_growing import GrowRequest, contenders, grow, growth_table
    from sedir_core.evaluation.ice_growing_figure import draw_growth
    from sedir_core.evaluation.table_text import WRITERS, to_text
    from sedir_core.io.atomic import write_text

    json_file, figure, table_file = targets
    if figure is not None:
        check_format(figure)
    if table_file is not None and table_file.suffix.lower() not in TABLE_SUFFIXES:
        raise typer.BadParameter(f"{table_file.name}: a table ends in " + ", ".join(TABLE_SUFFIXES))
    base = preset(preset_name, training={} if epochs is None else {"epochs": epochs})
    request = GrowRequest(dataset, contenders(base), counts, seeds, out, device)
    with interruptible() as stop, progress() as report:
        found = grow(request, report, stop)
    if figure is not None:
        draw_growth(figure, found)
    if table_file is not None:
        write_text(table_file, WRITERS[table_file.suffix.lower()]([growth_table(found)]))
    if json_file is not None:
        write_json(json_file, found.to_json())
    if json_file != "-":
        echo(to_text([growth_table(found)]))


def _summary(found: Comparison) -> str:
    """The numbers as text; a star marks the better one."""
    from sedir_core.evaluation.ice_style import MEASURE_NAMES, better

    rows: list[tuple[str, ...]] = [("", *(run.title for run in found.runs))]
    for name, title in MEASURE_NAMES.items():
        all_runs = [run.measures[name] for run in found.runs]
        best = better(name, [one.value for one in all_runs])
        cells = (
            "-" if isnan(one.value) else f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]{' *' * (best == i)}"
            for i, one in enumerate(all_runs)
        )
        rows.append((title, *cells))
    rows.append(("Spearman's rho", *("-" if isnan(r.spearman) else f"{r.spearman:+.3f}" for r in found.runs)))
    parts = [table(rows), ""]
    which = ("", " (base)", " (third)")[: len(found.runs)]
    head = (f"{name}{run}" for name in ("score", "error") for run in which)
    per_category: list[tuple[str, ...]] = [("category", *head)]
    for i, name in enumerate(found.categories):
        values = [r.classification_score[i] for r in found.runs] + [r.normal_error[i] for r in found.runs]
        per_category.append((name, *("-" if isnan(v) else f"{v:.3f}" for v in values)))
    parts += [table(per_category), "", "* the better one; 95 % intervals in brackets"]
    return "\n".join(parts)
