"""Style of comparisons, shared by figure and window; imports nothing heavy.

Okabe and Ito's colours without black and yellow, and four shapes: both change between successive categories, so that
neighbours differ for everyone, and a combination repeats only after 28 categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Literal

Shape = Literal["circle", "square", "triangle", "diamond"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#7A5195")
SHAPES: tuple[Shape, ...] = ("circle", "square", "triangle", "diamond")
MODEL, BASELINE, THIRD = "#1F2937", "#6B7686", "#4B5563"
"""The runs, wherever they stand side by side: dark and grey, so that no run looks like a category."""
RUN_SHAPES: tuple[Shape, ...] = ("circle", "square", "diamond")
"""Of their marks; the third's are hollow, as three greys are hard to tell apart."""
HOLLOW_RUN = 2
RUN_MARKS = "●■◇"
"""The same as letters."""
DARK_COLOURS = ("#4AA8E8", "#F07F3C", "#2FC596", "#E29BC4", "#9AD7FA", "#F5BE3D", "#B593D6")
DARK_RUNS = ("#E7EAEF", "#8F9AAA", "#C3CAD5")
"""The same on a dark ground."""

MEASURE_NAMES = {
    "silhouette": "Silhouette",
    "davies_bouldin": "Davies-Bouldin",
    "knn_purity": "5-NN purity",
    "probe_accuracy": "Probe accuracy",
    "cross_category_share": "Cross-category share",
}
HIGHER_IS_BETTER = {
    "silhouette": True,
    "davies_bouldin": False,
    "knn_purity": True,
    "probe_accuracy": True,
    "cross_category_share": False,
}


def category_style(index: int, dark: bool = False) -> tuple[str, Shape]:
    """Colour and shape of the category with that index."""
    return (DARK_COLOURS if dark else COLOURS)[index % len(COLOURS)], SHAPES[index % len(SHAPES)]


def better(name: str, values: Sequence[float]) -> int | None:
    """Which run's value is the best; None where two share the best, or one is undefined."""
    if any(map(isnan, values)):
        return None
    best = max(values) if HIGHER_IS_BETTER[name] else min(values)
    return values.index(best) if values.count(best) == 1 else None
