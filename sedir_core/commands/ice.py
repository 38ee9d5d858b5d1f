"""`sedir ice`: how far two runs keep the categories apart, on the same samples."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sedir_core.commands.console import Status, interruptible, names, progress, say, table, write_json
from sedir_core.commands.options import Categories, Device
from sedir_core.runs.models import find_model

if TYPE_CHECKING:
    from sedir_core.evaluation.ice import Comparison


def ice(
    run: Annotated[str, typer.Argument(help="Run directory, name of a run, or .sedir file.")],
    baseline_run: Annotated[str, typer.Argument(help="The run to compare it with.")],
    dataset: Annotated[Path, typer.Argument(help="Dataset with training and test scans.")],
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the numbers there; - is standard output.", metavar="FILE")
    ] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw it there: .svg, .pdf or .png.", metavar="FILE")] = None,
    csv: Annotated[Path | None, typer.Option(help="A row per sample.", metavar="FILE")] = None,
    npz: Annotated[Path | None, typer.Option(help="Tokens and all other arrays.", metavar="FILE")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of probes, bootstrap and t-SNE.")] = 0,
    tsne_seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="Another one for the t-SNE.")] = None,
    perplexity: Annotated[float, typer.Option(min=1.0, help="Of the t-SNE.")] = 30.0,
    categories: Categories = None,
    category: Annotated[
        Literal["given", "auto"], typer.Option(help="Whether the detectors are told the category, as the paper's are.")
    ] = "given",
    anomalous: Annotated[bool, typer.Option("--anomalous", help="Draw defective samples too, hollow.")] = False,
    device: Device = "auto",
) -> None:
    """Compare how two runs separate categories: inter-category entanglement, as in the paper's figure 2."""
    from sedir_core.datasets.index import open_dataset
    from sedir_core.detectors.base import load_detector
    from sedir_core.evaluation.ice import Contender, compare
    from sedir_core.evaluation.ice_export import write_csv, write_npz
    from sedir_core.evaluation.ice_figure import check_format, draw_comparison
    from sedir_core.evaluation.tsne import flatten

    if figure is not None:
        check_format(figure)
    wanted = names(categories)
    data = open_dataset(dataset, wanted)
    with interruptible() as stop, progress() as report:
        model, baseline = (
            Contender(path.name, load_detector(path, device)) for path in (find_model(run), find_model(baseline_run))
        )
        found = compare(model, baseline, data, wanted, category, anomalous, seed, report, stop)
        if figure is not None or csv is not None or npz is not None:
            places_seed = seed if tsne_seed is None else tsne_seed
            flat = flatten(found.model.tokens, found.baseline.tokens, places_seed, perplexity, report, stop)
            if figure is not None:
                draw_comparison(figure, found, flat)
            if csv is not None:
                write_csv(csv, found, flat)
            if npz is not None:
                write_npz(npz, found, flat)
    for warning in found.warnings:
        say(f"warning: {warning}")
    if json_file is not None:
        write_json(json_file, found.to_json())
    if json_file != "-":
        typer.echo(_summary(found))
    for error in found.errors:
        say(f"error: {error}")
    if found.errors:
        raise typer.Exit(Status.UNREADABLE)


def _summary(found: Comparison) -> str:
    """The numbers for people; a star marks the better one."""
    from sedir_core.evaluation.ice_style import MEASURE_NAMES, better

    rows: list[tuple[str, ...]] = [("", found.model.name, found.baseline.name)]
    for name, title in MEASURE_NAMES.items():
        both = [run.measures[name] for run in found.runs]
        best = better(name, both[0].value, both[1].value)
        cells = (
            "-" if isnan(one.value) else f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]{' *' * (best == i)}"
            for i, one in enumerate(both)
        )
        rows.append((title, *cells))
    rows.append(("Spearman's rho", *("-" if isnan(r.spearman) else f"{r.spearman:+.3f}" for r in found.runs)))
    parts = [table(rows), ""]
    per_category: list[tuple[str, ...]] = [("category", "score", "score (base)", "error", "error (base)")]
    for i, name in enumerate(found.categories):
        values = [r.classification_score[i] for r in found.runs] + [r.normal_error[i] for r in found.runs]
        per_category.append((name, *("-" if isnan(v) else f"{v:.3f}" for v in values)))
    parts += [table(per_category), "", "* the better one; 95 % intervals in brackets"]
    return "\n".join(parts)
