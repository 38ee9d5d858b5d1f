"""The paper's own numbers, to stand beside ours; read from one file, which names the table of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sedir_core.documents import parse_toml

SOURCE = "resources/paper/results.toml"
FEWEST_CATEGORIES = 2  # one name that is the same by chance makes no benchmark


@dataclass(frozen=True)
class PaperTable:
    """number: as printed, such as "S9". measure: as in `benchmark.MEASURES`. rows: method -> per cent by category.

    means: as printed; the paper's differ from the means of its rows here and there.
    """

    number: str
    dataset: str
    measure: str
    categories: tuple[str, ...]
    rows: Mapping[str, Mapping[str, float]]
    means: Mapping[str, float]


@cache
def paper_tables() -> tuple[PaperTable, ...]:
    """Every table of results by category."""
    text = files("resources").joinpath("paper/results.toml").read_text(encoding="utf-8")
    found = []
    for table in parse_toml(text)["tables"]:
        names = tuple(table["categories"])
        rows = {method: dict(zip(names, numbers[:-1], strict=True)) for method, numbers in table["rows"].items()}
        means = {method: numbers[-1] for method, numbers in table["rows"].items()}
        found.append(PaperTable(table["number"], table["dataset"], table["measure"], names, rows, means))
    return tuple(found)


def paper_table(categories: Collection[str], measure: str) -> PaperTable | None:
    """The paper's table of that measure for the data set that has all of these categories; None for any other."""
    if len(set(categories)) < FEWEST_CATEGORIES:
        return None
    for table in paper_tables():
        if table.measure == measure and set(categories) <= set(table.categories):
            return table
    return None
