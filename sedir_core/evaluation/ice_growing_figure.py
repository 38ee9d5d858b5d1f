"""The growing comparison as a printable figure: one panel per measure, one line per contender."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from sedir_core.evaluation.ice_figure import DPI, LINE, QUIET, STYLE, WIDTH_INCHES, check_format
from sedir_core.evaluation.ice_growing import MEASURES, Growth
from sedir_core.evaluation.ice_style import COLOURS
from sedir_core.io.atomic import write_bytes

PANELS = ("classification_score", "cross_category_share", "normal_error", "o_auroc_place", "p_auroc_place")
MARKERS = ("o", "s", "^", "D")
BETTER = {"classification_score": "↑", "cross_category_share": "↓", "normal_error": "↓"}


def draw_growth(path: Path, found: Growth) -> None:
    """Write the figure in the format given by the suffix. Raises CannotWrite."""
    check_format(path)
    names = list(dict.fromkeys((step.name, step.title) for step in found.steps))
    counts = sorted({step.n_categories for step in found.steps})
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 3.0), dpi=DPI, facecolor="white")
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(1, len(PANELS), wspace=0.42, left=0.05, right=0.99, top=0.8, bottom=0.2)
        for i, measure in enumerate(PANELS):
            axes = figure.add_subplot(grid[i])
            for k, (name, title) in enumerate(names):
                _line(axes, found, name, title, measure, k)
            _dress(axes, measure, "ABCDE"[i], counts)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper left", bbox_to_anchor=(0.04, 1.0), ncols=len(names), frameon=False)
        n_seeds = len({step.seed for step in found.steps})
        seeds = f"{n_seeds} seed{'' if n_seeds == 1 else 's'}"
        note = f"{found.dataset}, {seeds}; C to E on the same {len(found.shared)} kinds at every step, equal terms."
        figure.text(0.99, 0.02, note, ha="right", va="bottom", fontsize=7, color=QUIET)
        buffer = io.BytesIO()
        # Without a date, so that the file is reproducible.
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
        figure.savefig(buffer, format=path.suffix.lower()[1:], metadata=metadata)
    write_bytes(path, buffer.getvalue())


def _line(axes: Axes, found: Growth, name: str, title: str, measure: str, k: int) -> None:
    curve = found.curve(name, measure)
    if not curve:
        return
    x, y, spread = np.array(curve).T
    colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
    known = np.isfinite(spread)
    axes.errorbar(
        x, y, yerr=np.where(known, spread, 0) if known.any() else None, color=colour, marker=marker, markersize=4.5,
        linewidth=1.3, elinewidth=0.8, capsize=2, label=title,
    )  # fmt: skip


def _dress(axes: Axes, measure: str, letter: str, counts: list[int]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([float(count) for count in counts]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(counts, [str(count) for count in counts])
    title = MEASURES[measure].replace(", relative", "")
    axes.set_title(f"{letter}  {title} {BETTER.get(measure, '↑')}", fontsize=7.5)
    axes.set_xlabel("kinds of part")
    axes.grid(color=LINE, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.15)
