"""`sedir history`: past inspections, reviews and drift."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sedir_core.commands.console import echo, interruptible, percent, say, table, write_json
from sedir_core.commands.recording import Folder, Url
from sedir_core.errors import BadHistory
from sedir_core.history.place import HistoryPlace
from sedir_core.names import printable

if TYPE_CHECKING:
    from sedir_core.history.records import Filter, Inspection, Override

app = typer.Typer(help="Past inspections: list, export, show, test for drift.")

Since = Annotated[
    str | None, typer.Option(help="Earliest time: 2026-03-01, 2026-03-01T14:00, today, or 7d for the last seven days.")
]
Until = Annotated[
    str | None, typer.Option(help="Latest time (exclusive), in the same forms; a date means its midnight.")
]
VerdictIs = Annotated[str | None, typer.Option("--verdict", help="ok, ng, uncertain or overridden.")]
Category = Annotated[str, typer.Option(help="Only this kind of part.")]
Model = Annotated[str, typer.Option(help="Only results of this model.")]
LotIs = Annotated[str, typer.Option("--lot", help="Only this lot.")]
OperatorIs = Annotated[str, typer.Option("--operator", help="Only this operator.")]
Text = Annotated[str, typer.Option(help="Only where path, reason, part, lot or operator contain this text.")]
JsonFile = Annotated[
    str | None, typer.Option("--json", help="Write JSON to this file; - for standard output.", metavar="FILE")
]
VERDICTS = ("ok", "ng", "uncertain", "overridden")
SHORT_KEY = 8


@app.command("list")
def list_inspections(
    since: Since = None,
    until: Until = None,
    verdict: VerdictIs = None,
    category: Category = "",
    model: Model = "",
    lot: LotIs = "",
    operator: OperatorIs = "",
    text: Text = "",
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many, newest first.")] = 50,
    json_file: JsonFile = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write a table to this file.", metavar="FILE")] = None,
    history_url: Url = "",
    history_folder: Folder = None,
) -> None:
    """Print past inspections, newest first."""
    from sedir_core.history.export import COLUMNS, documents, rows
    from sedir_core.io.export import write_csv

    wanted = _filter(since, until, verdict, category, model, lot, operator, text)
    history = HistoryPlace(history_url, history_folder).open(create=False)
    if json_file is not None:
        write_json(json_file, list(documents(history, wanted, limit)))
    if csv_file is not None:
        write_csv(csv_file, [COLUMNS, *(tuple(row.values()) for row in rows(history, wanted, limit))])
    if json_file != "-":
        echo(_table(history.page(wanted, limit=limit)))
        total = history.count(wanted)
        if total > limit:
            say(f"the newest {limit} of {total:,}: more with --limit, all with `sedir history export`")


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="The table to write, .csv or .json.")],
    since: Since = None,
    until: Until = None,
    verdict: VerdictIs = None,
    category: Category = "",
    model: Model = "",
    lot: LotIs = "",
    operator: OperatorIs = "",
    text: Text = "",
    history_url: Url = "",
    history_folder: Folder = None,
) -> None:
    """Write the past inspections that match the filters to a file."""
    from sedir_core.history.export import check_format, write_rows

    check_format(file)
    wanted = _filter(since, until, verdict, category, model, lot, operator, text)
    history = HistoryPlace(history_url, history_folder).open(create=False)
    with interruptible() as stop:
        write_rows(history, wanted, file, stop)
    say(f"written to {file}")


@app.command("show")
def show(
    key: Annotated[str, typer.Argument(help="Key of the inspection, or its first digits.")],
    export_to: Annotated[
        Path | None,
        typer.Option("--export", help="Folder for the scored scan, reconstruction and picture as recorded."),
    ] = None,
    json_file: JsonFile = None,
    history_url: Url = "",
    history_folder: Folder = None,
) -> None:
    """Print one inspection with its defects and reviews, or export it exactly as recorded."""
    from sedir_core.history.finished import reopen

    history = HistoryPlace(history_url, history_folder).open(create=False)
    one = history.get(key)
    if one is None:
        raise BadHistory(key, "no inspection has this key, or several", "see `sedir history list`")
    said = history.overrides(one.key)
    if json_file is not None:
        document = asdict(one) | {"overrides": [asdict(line) for line in said]}
        write_json(json_file, _plain(document))
    if json_file != "-":
        echo(_lines(one, said))
    if export_to is not None:
        from sedir_core.evaluation.inspection import Exports, Inspected

        _, kept, scan, remark = reopen(history, one.key)
        if remark:
            say(remark)
        past = Inspected(Path(one.path), scan, kept.shown, kept.shown.seconds)
        for path in Exports(export_to).write(past):
            say(f"written to {path}")


@app.command("drift")
def drift(
    by: Annotated[str, typer.Option(help="Group the NG share by lot, day or hour.")] = "day",
    since: Since = None,
    until: Until = None,
    category: Category = "",
    model: Model = "",
    lot: LotIs = "",
    operator: OperatorIs = "",
    json_file: JsonFile = None,
    history_url: Url = "",
    history_folder: Folder = None,
) -> None:
    """Print the NG share with control limits, and where scores drift (Western Electric rules)."""
    from typing import get_args

    from sedir_core.history.control import RULES, Grouping, run_chart, share_chart

    grouping = next((one for one in get_args(Grouping) if one == by), None)
    if grouping is None:
        raise typer.BadParameter("is not lot, day or hour", param_hint="--by")
    wanted = _filter(since, until, None, category, model, lot, operator, "")
    history = HistoryPlace(history_url, history_folder).open(create=False)
    shares = share_chart(history.tallies(wanted, by_lot=grouping == "lot"), grouping)
    runs = {part: run_chart(history.samples(replace(wanted, category=part))) for part in sorted(history.parts(wanted))}
    alarms = [
        {"category": part, "key": run.samples[i].key, "time": run.samples[i].time.isoformat(), "rules": list(broken)}
        for part, run in runs.items()
        for i, broken in run.alarms.items()
    ]
    if json_file is not None:
        groups = [asdict(group) | {"share": group.share, "out": group.out} for group in shares.groups]
        centres = {part: {"centre": run.centre, "sigma": run.sigma} for part, run in runs.items()}
        write_json(json_file, {"by": by, "centre": shares.centre, "groups": groups, "parts": centres, "alarms": alarms})
    if json_file == "-":
        return
    lines: list[tuple[str, ...]] = [(by, "inspected", "NG", "NG %", "from %", "to %", "")]
    for group in shares.groups:
        limits = (percent(group.share), percent(group.low), percent(group.high))
        lines.append((group.name, str(group.n), str(group.n_ng), *limits, "out of control" if group.out else ""))
    echo(table(lines) if shares.groups else "no inspections")
    for part, run in runs.items():
        if run.alarms:
            last = max(run.alarms)
            rules = "; ".join(RULES[rule] for rule in run.alarms[last])
            when = f"{run.samples[last].time.astimezone():%Y-%m-%d %H:%M}"
            echo(printable(f"{part}: {len(run.alarms)} drift alarms, the last on {when}: {rules}"))


def _filter(
    since: str | None,
    until: str | None,
    verdict: str | None,
    category: str,
    model: str,
    lot: str,
    operator: str,
    text: str,
) -> Filter:
    from sedir_core.history.records import Filter

    chosen = next((one for one in VERDICTS if one == verdict), None)
    if verdict is not None and chosen is None:
        raise typer.BadParameter(f"is none of {', '.join(VERDICTS)}", param_hint="--verdict")
    times = [None if said is None else when(said) for said in (since, until)]
    return Filter(times[0], times[1], chosen, category, model, lot, operator, text)  # type: ignore[arg-type]  # VERDICTS


def when(said: str) -> datetime:
    """Parse a time: a date or time, local unless it has a zone, `today`, or `7d`, `12h` ago."""
    now = datetime.now().astimezone()
    if said == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    if ago := re.fullmatch(r"(\d{1,5})([dh])", said):
        return now - (timedelta(days=int(ago[1])) if ago[2] == "d" else timedelta(hours=int(ago[1])))
    try:
        return datetime.fromisoformat(said).astimezone()
    except (ValueError, OverflowError) as error:  # the year 1 has no local time
        raise typer.BadParameter(f"{said!r} is not a time such as 2026-03-01, today or 7d") from error


def _table(found: list[Inspection]) -> str:
    from sedir_core.types import VERDICT_WORDS

    rows: list[tuple[str, ...]] = [("time", "verdict", "% of limit", "part", "lot", "operator", "model", "key", "scan")]
    for one in found:
        word = VERDICT_WORDS[one.final] + (" (by hand)" if one.review else "")
        share = "-" if one.share is None else f"{100 * one.share:.0f}"
        when_ = f"{one.time.astimezone():%Y-%m-%d %H:%M}"
        rows.append((when_, word, share, one.category, one.lot, one.operator, one.model, one.key[:SHORT_KEY], one.path))
    return table(rows) if found else "no inspections"


def _lines(one: Inspection, said: list[Override]) -> str:
    skipped = {"defects", "review"}
    lines = [
        printable(f"{name.replace('_', ' '):<20} {value}") for name, value in asdict(one).items() if name not in skipped
    ]
    for rank, defect in enumerate(one.defects, 1):
        place = ", ".join(f"{value:.4g}" for value in defect.centroid)
        lines.append(f"defect {rank:<13} peak {defect.peak:.4g}, area {defect.area:.4g}, at {place}")
    for line in said:
        word = f"set to {line.verdict.upper()}" if line.verdict else "back to the model's verdict"
        comment = f": {line.comment}" if line.comment else ""
        lines.append(printable(f"{f'{line.time.astimezone():%Y-%m-%d %H:%M}':<20} {word} by {line.operator}{comment}"))
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value != value:
        return None
    return value.isoformat() if isinstance(value, datetime) else value
