"""`sedir methods`: every detector with its requirements, cost, and fidelity to the publication."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from sedir_core.commands.console import echo, table, write_json
from sedir_core.methods import TABLE, Method

LEFT_OUT = ("words", "presets", "detector", "learner", "from_tokens", "scan_s", "section", "variants")
"""Internal fields, not shown."""


def methods(
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON on standard output.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Also show where each comes from and how it differs.")] = False,
) -> None:
    """List the detectors for `sedir train --method NAME`."""
    if as_json:
        write_json("-", {"methods": [_facts(one) for one in TABLE]})
        return
    head = ("name", "method", "year", "category", "weights", "it", "cost (preset desktop)", "as published")
    echo(table([head, *map(_row, TABLE)]))
    if full:
        for one in TABLE:
            echo(f"\n{one.label} ({one.name}): {one.source}\n  {one.differs}")


def _facts(one: Method) -> dict[str, object]:
    shown = {key: value for key, value in asdict(one).items() if key not in LEFT_OUT}
    return {**shown, "learns": one.learns}


def _row(one: Method) -> tuple[str, ...]:
    category, does = "given" if one.needs_category else "found", "learns" if one.learns else "memorises"
    return one.name, one.label, str(one.year), category, one.weights or "-", does, one.cost, one.fidelity
