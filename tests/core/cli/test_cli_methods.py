"""`sedir methods` and what rests on the same table."""

from __future__ import annotations

import json

import pytest

from sedir_core.methods import TABLE


def test_every_method_is_listed_with_what_it_needs(sedir) -> None:
    said = sedir("methods").stdout
    assert [one.name for one in TABLE if f"{one.name} " not in said] == []
    assert " given " in said and " found " in said


def test_json_says_how_faithful_each_is(sedir) -> None:
    found = json.loads(sedir("methods", "--json").stdout)["methods"]
    assert [one["name"] for one in found] == [one.name for one in TABLE]
    assert {one["fidelity"] for one in found} <= {"exact", "adapted", "after", "ours"}
    assert all(one["differs"] and one["source"] and one["cost"] for one in found)


def test_full_says_what_differs(sedir) -> None:
    said = sedir("methods", "--full").stdout
    assert all(one.differs in said for one in TABLE)


@pytest.mark.parametrize("method", [one.name for one in TABLE if not one.learns])
def test_what_only_memorises_is_estimated_from_the_table(sedir, method: str) -> None:
    few, many = (json.loads(sedir("estimate", "--method", method, "--scans", n, "--json", "-").stdout) for n in (1, 32))
    assert 0 < few["seconds"] < many["seconds"]
