"""The paper's numbers for comparison, from one file with the table of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sedir_core.documents import parse_toml

SOURCE = "resources/paper/results.toml"
FEWEST_CATEGORIES = 2  # a single matching category name may be a coincidence


@dataclass(frozen=True)
class PaperTable:
    """number: as printed, such as "S9". measure: as in `benchmark.MEASURES`. rows: method -> per cent by category.

    means: as printed; some differ from the means of the rows.
    """

    number: str
    dataset: str
    measure: str
    categories: tuple[str, ...]
    rows: Mapping[str, Mapping[str, float]]
    means: Mapping[str, float]


@cache
def paper_tables() -> tuple[PaperTable, ...]:
    """All tables of results by category."""
    text = files("resources").joinpath("paper/results.toml").read_text(encoding="utf-8")
    found = []
    for table in parse_toml(text)["tables"]:
        names = tuple(table["categories"])
        rows = {method: dict(zip(names, numbers[:-1], strict=True)) for method, numbers in table["rows"].items()}
        means = {method: numbers[-1] for method, numbers in table["rows"].items()}
        found.append(PaperTable(table["number"], table["dataset"], table["measure"], names, rows, means))
    return tuple(found)


def paper_table(categories: Collection[str], measure: str) -> PaperTable | None:
    """The paper's table of that measure for the data set with all of these categories; None if there is none."""
    if len(set(categories)) < FEWEST_CATEGORIES:
        return None
    for table in paper_tables():
        if table.measure == measure and set(categories) <= set(table.categories):
            return table
    return None
