"""Jobs of the History workspace: pages of the table, chart data, reopening past inspections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from app.jobs.inspection import first_surface
from app.state.entries import Entry, ModelInfo, Past, State
from app.views.facing import front_of
from app.views.preparing import prepare
from app.views.thumbnail import thumbnail
from sedir_core.history.control import Grouping, RunChart, ShareChart, run_chart, share_chart
from sedir_core.types import Report, Stop

if TYPE_CHECKING:
    from sedir_core.history.place import HistoryPlace
    from sedir_core.history.records import Choices, Filter, Inspection, Order, Override
    from sedir_core.history.store import History


MOST_GROUPS, MOST_SCORES = 60, 1000


@dataclass(frozen=True)
class PageRequest:
    """Rows `offset` to `offset + limit` of the filtered inspections."""

    wanted: Filter
    order: Order
    descending: bool
    offset: int
    limit: int


@dataclass(frozen=True)
class Overview:
    """Summary of the history: number of inspections matching the filter, and the available filter values."""

    count: int
    total: int
    kept_bytes: int
    choices: Choices
    mark: tuple[int, int]


@dataclass(frozen=True)
class Detail:
    """One inspection with its defects, and the log of its overrides."""

    inspection: Inspection
    overrides: tuple[Override, ...]


@dataclass(frozen=True)
class ChartData:
    """Chart data. runs: by part, most frequent first, each with its total number of scores."""

    shares: Mapping[Grouping, ShareChart]
    runs: Mapping[str, tuple[RunChart, int]]


class Reader:
    """Opens the history once; lives in the thread of one pool. Jobs raise BadHistory, CannotWrite."""

    def __init__(self, place: HistoryPlace) -> None:
        self._place = place
        self._open: History | None = None

    def overview(self, wanted: Filter, report: Report, stop: Stop) -> Overview:
        history = self._history()
        return Overview(history.count(wanted), history.count(), history.kept_bytes(), history.choices(), history.mark())

    def mark(self, request: None, report: Report, stop: Stop) -> tuple[int, int]:
        return self._history().mark()

    def page(self, request: PageRequest, report: Report, stop: Stop) -> list[Inspection]:
        return self._history().page(request.wanted, request.order, request.descending, request.offset, request.limit)

    def charts(self, wanted: Filter, report: Report, stop: Stop) -> ChartData:
        history, shares, runs = self._history(), {}, {}
        tallies = {by_lot: history.tallies(wanted, by_lot) for by_lot in (True, False)}
        for by in get_args(Grouping):
            whole = share_chart(tallies[by == "lot"], by)
            # The average is over all groups; only the newest fit in the chart.
            shares[by] = replace(whole, groups=whole.groups[-MOST_GROUPS:])
        for part, count in history.parts(wanted).items():
            if stop():
                break
            runs[part] = run_chart(history.samples(replace(wanted, category=part), MOST_SCORES)), count
        return ChartData(shares, runs)

    def detail(self, key: str, report: Report, stop: Stop) -> Detail | None:
        history = self._history()
        inspection = history.get(key)
        return None if inspection is None else Detail(inspection, tuple(history.overrides(key)))

    def export(self, request: tuple[Filter, Path], report: Report, stop: Stop) -> Path:
        """Export every matching row, as CSV or JSON by the file's suffix."""
        from sedir_core.history.export import write_rows

        write_rows(self._history(), *request, stop=stop)
        return request[1]

    def reopen(self, key: str, report: Report, stop: Stop) -> Entry:
        """A past inspection as a session entry, ready to draw."""
        from sedir_core.history.finished import reopen

        report(0.0, "reading the stored result")
        inspection, kept, scan, remark = reopen(self._history(), key)
        report(0.5, "preparing the picture")
        shape = prepare(scan.points)
        when = f"{inspection.time.astimezone():%d %B %Y, %H:%M}"
        said = (
            f"Inspected on {when} by {inspection.operator or 'nobody named'} with {inspection.model}. {remark}".strip()
        )
        overrides = self._history().overrides(key)
        return Entry(
            id=0,
            path=Path(inspection.path),
            state=State.DONE,
            scan=scan,
            shape=shape,
            surfaces=first_surface(kept.raw, shape),
            raw=kept.raw,
            detection=kept.shown,
            defects_at=inspection.limit_share,
            review=inspection.review,
            review_comment=overrides[-1].comment if overrides else "",
            reviewer=overrides[-1].operator if overrides else "",
            thumbnail=thumbnail(shape, kept.raw.point_scores, kept.raw.point_threshold),
            record=inspection.key,
            model=ModelInfo(Path(inspection.model), inspection.method, (), False),
            past=Past(inspection.limit_share, said),
            front=front_of(shape, kept.shown),
        )

    def close(self) -> None:
        """Call after the thread has ended."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _history(self) -> History:
        if self._open is not None and self._open.moved:
            self._open.close()
            self._open = None
        if self._open is None:
            self._open = self._place.open()
        return self._open
