"""The comparison as a printable figure: t-SNE side by side, classification scores and errors by category."""

from __future__ import annotations

import io
import math
import textwrap
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sedir_core.errors import CannotWrite
from sedir_core.evaluation.ice import Comparison, RunResult
from sedir_core.evaluation.ice_style import (
    BASELINE,
    HIGHER_IS_BETTER,
    HOLLOW_RUN,
    MEASURE_NAMES,
    MODEL,
    RUN_SHAPES,
    THIRD,
    better,
    category_style,
)
from sedir_core.evaluation.tsne import Flat
from sedir_core.io.atomic import write_bytes
from sedir_core.types import FloatArray

FORMATS = (".svg", ".pdf", ".png")
RUNS = (MODEL, BASELINE, THIRD)
INK, QUIET, LINE = "#1a2029", "#566172", "#d5dbe3"
MARKERS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D"}
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "font.size": 8, "axes.edgecolor": LINE, "axes.labelcolor": QUIET, "text.color": INK,
    "xtick.color": QUIET, "ytick.color": INK, "axes.titlesize": 9, "axes.titleweight": "bold", "axes.linewidth": 0.8,
    "xtick.major.size": 0, "ytick.major.size": 0, "svg.hashsalt": "sedir", "svg.fonttype": "none", "pdf.fonttype": 42,
    "axes.axisbelow": True, "axes.titlelocation": "left", "axes.titlepad": 7,
}  # fmt: skip
WIDTH_INCHES, DPI = 10.5, 220
LONGEST_NAME, INCHES_A_LETTER = 40, 0.072  # characters of a category's name, at 8 points
USUAL_MARGIN = 1.0  # left margin in inches
MOST_COLUMNS, BESIDE_A_NAME = 7, 0.35  # font size of the legend; inches taken by its mark and gap


def check_format(path: Path) -> None:
    """Raises CannotWrite if the suffix is not a figure format."""
    if path.suffix.lower() not in FORMATS:
        raise CannotWrite(path, f"unknown figure format {path.suffix or '(none)'}", "use .svg, .pdf or .png")


def draw_comparison(path: Path, found: Comparison, flat: Flat) -> None:
    """Write the figure in the format given by the suffix. Raises CannotWrite."""
    check_format(path)
    n = len(found.categories)
    legend_rows = math.ceil(n / _columns(found))
    below = max(2.4, 0.2 * n + 0.9)
    gap = 0.2 * legend_rows + 0.55
    height = 0.35 + 4.3 + gap + below + 0.75
    with mpl.rc_context(STYLE):
        width = _width(found)
        figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        outer = figure.add_gridspec(
            2, 1, height_ratios=[4.3, below], hspace=2 * gap / (4.3 + below),
            left=_margin(found) / width, right=0.985, top=1 - 0.35 / height, bottom=0.75 / height,
        )  # fmt: skip
        top = outer[0].subgridspec(1, len(found.runs), wspace=0.06)
        bottom = outer[1].subgridspec(1, 4, width_ratios=[1, 1, 1.05, 1.25], wspace=0.2)
        first = None
        letters = iter("ABCDEFG")
        for i, (run, places) in enumerate(zip(found.runs, flat.places, strict=True)):
            axes = figure.add_subplot(top[i])
            _scatter(axes, found, places, f"{next(letters)}   {label(run)}")
            first = first or axes
        _legend(figure, found, 1 - (0.35 + 4.3 + 0.06) / height, flat)
        for place, attribute, named in ((bottom[0], "classification_score", True), (bottom[1], "normal_error", False)):
            title = f"{next(letters)}   {attribute.replace('_', ' ').capitalize()}"
            _dumbbells(figure.add_subplot(place), found, attribute, title, named)
        inner = bottom[2:].subgridspec(1, 2, width_ratios=[0.95, 1.3], wspace=0.12)
        _relation(figure.add_subplot(inner[0]), found, f"{next(letters)}   Score and error")
        _table(figure.add_subplot(inner[1]), found, f"{next(letters)}   Separation")
        buffer = io.BytesIO()
        # Without a date, so that the file is reproducible.
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
        figure.savefig(buffer, format=path.suffix.lower()[1:], metadata=metadata)
    write_bytes(path, buffer.getvalue())


def label(run: RunResult) -> str:
    """Method and seed; a star if the category is given."""
    return (run.title or run.name) + ("*" if run.needs_category else "")


def _margin(found: Comparison) -> float:
    """Left margin in inches for the category names."""
    return max(0.5, 0.3 + _longest(found))


def _width(found: Comparison) -> float:
    """Width of the figure in inches, widened for long names so that the panels keep their size."""
    return WIDTH_INCHES + max(0.0, _margin(found) - USUAL_MARGIN)


def _longest(found: Comparison) -> float:
    """Width of the longest category name in inches."""
    return INCHES_A_LETTER * max(len(_short(name, LONGEST_NAME)) for name in found.categories)


def _columns(found: Comparison) -> int:
    """Number of columns of the legend, by the width of the names."""
    fit = int(0.94 * _width(found) / (_longest(found) + BESIDE_A_NAME))
    rows = math.ceil(len(found.categories) / max(1, min(fit, MOST_COLUMNS)))
    return math.ceil(len(found.categories) / rows)


def _scatter(axes: Axes, found: Comparison, places: FloatArray, title: str) -> None:
    for c in range(len(found.categories)):
        colour, shape = category_style(c)
        for bad in (False, True):
            rows = (found.labels == c) & (found.anomalous == bad)
            face = "none" if bad else colour
            edge = colour if bad else "white"
            x, y = places[rows].T
            axes.scatter(x, y, s=24, marker=MARKERS[shape], facecolors=face, edgecolors=edge, linewidths=0.5)
    axes.set(xticks=[], yticks=[], title=_short(title, 62))
    axes.margins(0.06)


def _legend(figure: Figure, found: Comparison, top: float, flat: Flat) -> None:
    handles = []
    for c, name in enumerate(found.categories):
        colour, shape = category_style(c)
        mark = Line2D([], [], marker=MARKERS[shape], color=colour, linestyle="", markersize=5, markeredgewidth=0)
        mark.set_label(_short(name, LONGEST_NAME))
        handles.append(mark)
    figure.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, top), ncols=_columns(found),
        frameon=False, columnspacing=1.6, handletextpad=0.3, fontsize=8,
    )  # fmt: skip
    note = f"t-SNE of global tokens, perplexity {flat.perplexity:g}, seed {flat.seed}; distances are not metric."
    kinds = " Hollow: defective, excluded from all numbers." if found.anomalous.any() else " Normal test samples."
    given = " * category given." if any(run.needs_category for run in found.runs) else ""
    figure.text(0.985, 0.012, note + kinds + given, ha="right", va="bottom", fontsize=7, color=QUIET)


def _dumbbells(axes: Axes, found: Comparison, attribute: str, title: str, named: bool) -> None:
    """A row per category: all runs as dots on one line."""
    rows = np.arange(len(found.categories))
    values = np.stack([getattr(run, attribute) for run in found.runs])
    axes.hlines(rows, np.fmin.reduce(values), np.fmax.reduce(values), color=LINE, linewidth=2.2, zorder=1)
    for run in reversed(range(len(values))):
        axes.scatter(values[run], rows, s=27, zorder=9 - run, **_mark(run))
    axes.set_yticks(rows, [_short(name, LONGEST_NAME) for name in found.categories] if named else [])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(title)
    axes.set_xlabel("mean probability of the true category" if named else "mean residual")
    if named:
        axes.set_xlim(-0.04, 1.04)
    else:
        axes.margins(x=0.1)
    axes.grid(axis="x", color=LINE, linewidth=0.5)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _mark(run: int) -> dict[str, Any]:
    """Of a run's dots."""
    face = "white" if run == HOLLOW_RUN else RUNS[run]
    edge = RUNS[run] if run == HOLLOW_RUN else "white"
    return {"facecolors": face, "edgecolors": edge, "marker": MARKERS[RUN_SHAPES[run]], "linewidths": 0.9}


def _relation(axes: Axes, found: Comparison, title: str) -> None:
    for i, run in enumerate(found.runs):
        rho = "undefined" if np.isnan(run.spearman) else f"{run.spearman:+.2f}"
        words = f"{label(run)}: ρ\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{rho}"
        axes.scatter(
            run.classification_score, run.normal_error, s=24, label=_lines(words, 24, 3), **_mark(i)
        )  # fmt: skip
    axes.set(title=title, xlabel="classification score", ylabel="normal error", xlim=(-0.04, 1.04))
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.3 * (high - low))  # room for the legend
    axes.legend(frameon=False, loc="upper left", fontsize=7, handletextpad=0.2, borderpad=0.1)
    axes.grid(color=LINE, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)


def _table(axes: Axes, found: Comparison, title: str) -> None:
    axes.axis("off")
    axes.set_title(title)
    axes.set(xlim=(0, 1), ylim=(len(MEASURE_NAMES) + 0.2, -0.7))
    ends = (0.66, 1.0) if len(found.runs) == 2 else (0.56, 0.78, 1.0)
    for x, run, colour in zip(ends, found.runs, RUNS, strict=False):
        lines = _lines(label(run), 13 if len(found.runs) == 2 else 9, 3)
        axes.text(x, -0.42, lines, ha="right", va="center", color=colour, weight="bold", fontsize=6, linespacing=1.1)
    for row, (name, title) in enumerate(MEASURE_NAMES.items()):
        axes.axhline(row - 0.02, color=LINE, linewidth=0.6)
        arrow = "↑" if HIGHER_IS_BETTER[name] else "↓"
        axes.text(0, row + 0.46, f"{_wrapped(title)} {arrow}", va="center", fontsize=7, linespacing=1.15)
        values = [run.measures[name] for run in found.runs]
        best = better(name, [one.value for one in values])
        for i, (x, one) in enumerate(zip(ends, values, strict=True)):
            undefined = np.isnan(one.value)
            text = "–" if undefined else f"{one.value:.3f}"
            weight = "bold" if best == i else "normal"
            axes.text(x, row + 0.33, text, ha="right", va="center", fontsize=8, weight=weight)
            interval = "" if undefined else f"{one.low:.2f} to {one.high:.2f}"
            axes.text(x, row + 0.72, interval, ha="right", va="center", fontsize=5.8, color=QUIET)


def _wrapped(title: str) -> str:
    first, _, rest = title.rpartition(" ")
    return f"{first}\n{rest}" if first else title


def _lines(text: str, width: int, most: int) -> str:
    """Wrap to a limited number of lines and characters."""
    found = [_short(line, width + 1) for line in textwrap.wrap(text, width, break_long_words=False)]
    return "\n".join(found[:most])


def _short(text: str, most: int) -> str:
    # A dollar sign would start math mode.
    text = text if len(text) <= most else text[: most - 1] + "…"
    return text.replace("$", r"\$")
