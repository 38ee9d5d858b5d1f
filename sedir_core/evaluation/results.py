"""Tables of many runs in the paper's layout: methods in rows, categories in columns, the paper's rows below."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sedir_core.config import METHOD_NAMES
from sedir_core.evaluation.benchmark import MEASURES
from sedir_core.evaluation.paper import PaperTable, paper_table
from sedir_core.evaluation.table_text import Cell, Number, TextTable

Document = Mapping[str, Any]
"""The document of `evaluate --json` for one run."""
Get = Callable[[Document], float | None]
MEASURE_NAMES: Mapping[str, str] = {
    "o_auroc": "O-AUROC",
    "p_auroc": "P-AUROC",
    "o_aupr": "O-AUPR",
    "p_aupr": "P-AUPR",
}
GIVEN_MARK = "†"
EQUAL: Mapping[str, str] = {"raw": "equal terms", "place": "equal terms by place"}
"""Labels of rows on equal terms, see `equal_terms`."""
PAPER = "paper"


@dataclass(frozen=True)
class Outcome:
    """One run on one data set. kind: equal for runs that differ only in seed and data. name: of the run."""

    name: str
    kind: str
    document: Document


@dataclass(frozen=True)
class Contest:
    """One method in one category mode, over its seeds."""

    label: str
    documents: tuple[Document, ...] = field(default_factory=tuple)

    def values(self, get: Get) -> list[float]:
        """Values of all seeds for which the number is defined."""
        return [value for document in self.documents if (value := get(document)) is not None]

    def number(self, get: Get, scale: float = 100.0, digits: int = 1) -> Number:
        """Mean and sample deviation over the seeds."""
        values = [scale * value for value in self.values(get)]
        mean = statistics.mean(values) if values else math.nan
        return Number(mean, statistics.stdev(values) if len(values) > 1 else math.nan, len(values), digits)


def contests(outcomes: Sequence[Outcome]) -> tuple[Contest, ...]:
    """Group outcomes by kind, with a row per category mode, in order of appearance."""
    grouped: dict[tuple[str, str, str], list[Outcome]] = {}
    for one in outcomes:
        for document in in_every_mode(one.document):
            member = Outcome(one.name, one.kind, document)
            ways = (one.kind, document["category_mode"], document.get("terms", ""))
            grouped.setdefault(ways, []).append(member)
    kinds_of: dict[str, set[str]] = {}
    for one in outcomes:
        kinds_of.setdefault(one.document["method"], set()).add(one.kind)
    found = []
    for (_, mode, terms), members in grouped.items():
        method = members[0].document["method"]
        label = members[0].document.get("label") or METHOD_NAMES.get(method, method)
        if len(kinds_of[method]) > 1:  # distinguishes several configurations of a method
            label += f" ({members[0].name})"
        label += (GIVEN_MARK if mode == "given" else "") + (f", {terms}" if terms else "")
        found.append(Contest(label, tuple(one.document for one in members)))
    return tuple(found)


def result_tables(outcomes: Sequence[Outcome], with_paper: bool = True) -> list[TextTable]:
    """A summary, then each measure by category, in per cent."""
    rows = contests(outcomes)
    categories = _categories(outcomes)
    tables = [_summary(rows)]
    for measure, title in MEASURE_NAMES.items():
        paper = paper_table(categories, measure) if with_paper else None
        tables.append(_by_category(rows, categories, measure, title, paper))
    return tables


def variance(values: Iterable[float]) -> float:
    """Variance of a metric over the categories; NaN if undefined.

    Population variance in squared per cent, which reproduces the paper's appendix F from its tables 1 and 2.
    """
    known = [value for value in values if not math.isnan(value)]
    return statistics.pvariance(known) if known else math.nan


def in_every_mode(document: Document) -> list[Document]:
    """Split a document into one per category mode and one per rule on equal terms, as if evaluated separately."""
    found = [document]
    if "category_given" in document:
        found.append({**document, **document["category_given"], "category_mode": "given", "category_accuracy": None})
    if "equal" in document:
        nothing: dict[str, Any] = {
            "category_accuracy": None,
            "false_alarm_rate": None,
            "seconds_per_scan": None,
            "defects": {},
        }
        for rule, words in EQUAL.items():
            terms = f"{words}, {document['equal']['tokens']}"
            found.append({**document, **nothing, **document["equal"][rule], "category_mode": "given", "terms": terms})
    return found


def _summary(rows: Sequence[Contest]) -> TextTable:
    head = ("method", *MEASURE_NAMES.values(), "variance", "category", "false alarms", "seconds", "seeds")
    cells: list[tuple[Cell, ...]] = []
    for row in rows:
        means = [row.number(_mean_of(measure)) for measure in MEASURES]
        shares = [row.number(_field(name)) for name in ("category_accuracy", "false_alarm_rate")]
        seconds = row.number(_field("seconds_per_scan"), scale=1.0, digits=2)
        n_seeds = str(len(row.documents))
        cells.append((row.label, *means, row.number(_uneven, scale=1.0), *shares, seconds, n_seeds))
    note = (
        f"{GIVEN_MARK} category given for every scan. Mean over the categories, ± over the seeds, per cent. Variance: "
        "of O-AUROC over the categories. Category: share recognised. False alarms: good scans called NG at the stored "
        "limit."
    )
    return TextTable("All categories", head, tuple(cells), note)


def _by_category(
    rows: Sequence[Contest], categories: Sequence[str], measure: str, title: str, paper: PaperTable | None
) -> TextTable:
    cells: list[tuple[Cell, ...]] = []
    for row in rows:
        own = [row.number(_of_category(name, measure)) for name in categories]
        mean = row.number(_mean_of(measure))
        cells.append((row.label, *own, mean, Number(variance(number.mean for number in own))))
    note = f"{GIVEN_MARK} category given. Mean, ± over the seeds; variance over the categories."
    if paper is not None:
        cells += [_paper_row(paper, method, categories) for method in paper.rows]
        note += (
            f" Rows marked ({PAPER}) are printed in the paper's table {paper.number} for {paper.dataset} and were not "
            "measured here; their methods are given the category."
        )
    return TextTable(f"{title} by category", ("method", *categories, "mean", "variance"), tuple(cells), note)


def _paper_row(paper: PaperTable, method: str, categories: Sequence[str]) -> tuple[Cell, ...]:
    numbers = [paper.rows[method][name] for name in categories]
    printed = len(categories) == len(paper.categories)  # otherwise the printed mean includes other categories
    mean = paper.means[method] if printed else statistics.mean(numbers)
    return (f"{method} ({PAPER})", *map(Number, numbers), Number(mean), Number(variance(numbers)))


def _mean_of(measure: str) -> Get:
    return lambda document: document["mean"][measure]


def _field(name: str) -> Get:
    return lambda document: document[name]


def _of_category(category: str, measure: str) -> Get:
    return lambda document: document["categories"].get(category, {}).get(measure)


def _uneven(document: Document) -> float | None:
    values = [one["o_auroc"] for one in document["categories"].values() if one["o_auroc"] is not None]
    return variance(100.0 * value for value in values) if values else None


def _categories(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in outcomes for name in one.document["categories"]))
