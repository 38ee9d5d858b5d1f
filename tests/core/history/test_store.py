"""What is recorded comes back, can be filtered, and is trimmed without losing a row."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from history_helpers import CONTENT, DAY, detection, history, inspection, kept, measured_detection
from sqlalchemy.exc import DBAPIError

from sedir_core.errors import BadHistory
from sedir_core.history.export import rows
from sedir_core.history.records import Filter, Override
from sedir_core.history.store import ORPHAN_AGE_S, History
from sedir_core.history.stored_result import StoredResult, content_hash, encode, read_result


def log_line(number: int, verdict: str | None, comment: str = "dust") -> Override:
    return Override(inspection(number).key, DAY, "berta", "bench", verdict, comment, "ng", 1.0)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """Written once: each commit waits for the disk."""
    folder = tmp_path_factory.mktemp("template")
    store = history(folder)
    for number in range(10):
        verdict = "uncertain" if number == 9 else "ng" if number % 2 else "ok"
        changes = {"category": "cup", "lot": "B2", "operator": "Übel"} if number > 6 else {}
        store.record(inspection(number, verdict=verdict, uncertain=number == 9, **changes), CONTENT)
    return folder


@pytest.fixture
def filled(template, tmp_path) -> History:
    """Ten inspections: even ones OK, the last one not sure."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return history(tmp_path)


def test_an_inspection_comes_back_as_it_was(tmp_path) -> None:
    one = inspection(3)
    store = history(tmp_path)
    store.record(one, CONTENT)
    found = store.get(one.key)
    assert found == replace(one, kept_bytes=len(CONTENT))
    assert found.time.tzinfo is UTC


def test_recording_twice_records_once(tmp_path) -> None:
    store = history(tmp_path)
    for _ in range(2):
        store.record(inspection(), CONTENT)
    assert store.count() == 1


def test_a_score_that_is_no_number_comes_back_so(tmp_path) -> None:
    store = history(tmp_path)
    store.record(inspection(score=float("nan")), b"")
    assert np.isnan(store.get(inspection().key).score)


def test_the_newest_come_first_page_by_page(filled) -> None:
    first, second = filled.page(Filter(), limit=6), filled.page(Filter(), offset=6, limit=6)
    assert [one.key for one in first + second] == [inspection(number).key for number in reversed(range(10))]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(verdict="ok"), [0, 2, 4, 6, 8]),
        (Filter(verdict="ng"), [1, 3, 5, 7]),
        (Filter(verdict="uncertain"), [9]),
        (Filter(category="cup", verdict="ok"), [8]),
        (Filter(since=DAY + timedelta(minutes=2), until=DAY + timedelta(minutes=4)), [2, 3]),
        (Filter(lot="B2"), [7, 8, 9]),
        (Filter(operator="anna", text="PART_0003"), [3]),
        (Filter(text="%"), []),
        (Filter(model="other"), []),
    ],
)
def test_filters(filled, wanted, expected) -> None:
    found = [one.key for one in filled.page(wanted, descending=False)]
    assert found == [inspection(number).key for number in expected]
    assert filled.count(wanted) == len(expected)


def test_choices_are_what_occurs(filled) -> None:
    found = filled.choices()
    assert (found.categories, found.lots, found.operators) == (("ball", "cup"), ("A1", "B2"), ("anna", "Übel"))


def test_an_override_counts_and_the_log_keeps_every_line(filled) -> None:
    filled.override(log_line(1, "ok"))
    filled.override(log_line(1, None, "was no dust"))
    filled.override(log_line(3, "ok"))
    assert [line.verdict for line in filled.overrides(inspection(1).key)] == ["ok", None]
    assert [filled.get(inspection(number).key).review for number in (1, 3)] == [None, "ok"]
    assert [one.key for one in filled.page(Filter(verdict="overridden"))] == [inspection(3).key]
    assert inspection(3).key not in [one.key for one in filled.page(Filter(verdict="ng"))]


@pytest.mark.parametrize("statement", ["DELETE FROM overrides", "UPDATE overrides SET comment = 'no'"])
def test_the_log_can_only_be_appended_to(filled, statement) -> None:
    filled.override(log_line(1, "ok"))
    with pytest.raises(DBAPIError, match="append-only"), filled._engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert len(filled.overrides(inspection(1).key)) == 1


def test_samples_carry_what_counts(filled) -> None:
    filled.override(log_line(1, "ok"))
    found = filled.samples(Filter())
    assert [sample.verdict for sample in found[:4]] == ["ok", "ok", "ok", "ng"]
    assert found[0].share == pytest.approx(1.25)
    assert filled.samples(Filter(), newest=3) == found[-3:]
    assert list(filled.parts(Filter()).items()) == [("ball", 7), ("cup", 3)]


def test_tallies_count_by_lot_and_by_ten_minutes(filled) -> None:
    filled.override(log_line(1, "ok"))
    filled.record(inspection(12, lot="B2", verdict="ng"), b"")
    assert [(one.lot, one.n, one.n_ng) for one in filled.tallies(Filter(), by_lot=True)] == [("A1", 7, 2), ("B2", 4, 2)]
    by_time = filled.tallies(Filter(), by_lot=False)
    assert [(one.time, one.n) for one in by_time] == [(DAY, 10), (DAY + timedelta(minutes=12), 1)]


def test_the_mark_moves_with_every_write(filled) -> None:
    marks = [filled.mark()]
    filled.override(log_line(1, "ok"))
    marks.append(filled.mark())
    filled.record(inspection(77), b"")
    marks.append(filled.mark())
    assert len(set(marks)) == 3


def test_a_short_key_finds_one_and_never_the_wrong_one(filled) -> None:
    filled.record(inspection(key="abc" + "0" * 29), b"")
    assert filled.get("abc") is not None
    assert filled.get("0000") is None  # ten begin so


def test_the_oldest_kept_results_go_and_every_row_stays(filled) -> None:
    assert filled.trim(3 * len(CONTENT)) == 7
    assert filled.count() == 10
    assert filled.kept_bytes() == 3 * len(CONTENT)
    assert [filled.kept_path(inspection(n).key).exists() for n in range(10)] == [False] * 7 + [True] * 3
    with pytest.raises(BadHistory, match="no longer stored"):
        filled.kept(filled.get(inspection(0).key))


def test_a_clock_set_back_makes_no_new_result_an_old_one(filled) -> None:
    late = inspection(10, time=DAY - timedelta(days=365))
    filled.record(late, CONTENT)
    filled.trim(2 * len(CONTENT))
    assert filled.kept_path(late.key).exists() and not filled.kept_path(inspection(8).key).exists()


def test_an_export_holds_what_was_recorded_before_the_clock_was_set_back(filled) -> None:
    ahead = inspection(10, time=datetime.now(UTC) + timedelta(days=400))
    filled.record(ahead, CONTENT)
    assert next(row["key"] for row in rows(filled, Filter())) == ahead.key


def test_what_is_recorded_during_an_export_repeats_no_row(filled, monkeypatch) -> None:
    monkeypatch.setattr("sedir_core.history.export._PAGE", 3)
    exported = rows(filled, Filter())
    keys = [next(exported)["key"]]
    filled.record(inspection(20), CONTENT)
    keys += [row["key"] for row in exported]
    assert sorted(keys) == [inspection(n).key for n in range(10)]


def test_what_a_kill_left_is_swept_and_nothing_else(filled) -> None:
    orphan, fresh = filled.kept_path("ff" * 16), filled.kept_path("fe" * 16)
    staging = filled.kept_path(inspection(1).key).with_name(".x.npz.1.tmp")
    old = time.time() - 2 * ORPHAN_AGE_S
    for path in (orphan, fresh, staging):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    for path in (orphan, staging, filled.kept_path(inspection(2).key)):
        os.utime(path, (old, old))
    assert filled.sweep() == 2
    assert fresh.exists() and filled.kept_path(inspection(2).key).exists()


def test_a_result_kept_elsewhere_says_where(filled) -> None:
    one = filled.get(inspection(0).key)
    filled.kept_path(one.key).unlink()
    with pytest.raises(BadHistory, match="stored on bench"):
        filled.kept(one)


def test_a_kept_result_is_exact(tmp_path) -> None:
    georeferenced = kept().points + np.array([5_000_000.123, 0, 0])
    raw = replace(detection(), from_one_side=True, unit="mm", to_unit=25.4)
    moved = replace(raw, threshold=0.2, point_threshold=0.15, reason="moved", defects=raw.defects * 2)
    (tmp_path / "a.npz").write_bytes(encode(StoredResult(georeferenced, raw, moved, True)))
    found = read_result(tmp_path / "a.npz")
    assert np.array_equal(found.points, georeferenced) and found.sampled
    assert content_hash(found.points) == content_hash(georeferenced)
    for now, then in ((found.raw, raw), (found.shown, moved)):
        assert np.array_equal(now.point_scores, then.point_scores, equal_nan=True)
        assert np.array_equal(now.reconstruction, then.reconstruction) and np.array_equal(now.token, then.token)
        plain = {field.name for field in fields(then)} - {
            "point_scores",
            "reconstruction",
            "token",
            "defects",
            "deviation_range",
        }
        assert {name: getattr(now, name) for name in plain} == {name: getattr(then, name) for name in plain}
        for a, b in zip(now.defects, then.defects, strict=True):
            assert np.array_equal(a.members, b.members) and np.array_equal(a.centroid, b.centroid)
            assert (a.peak, a.area) == (b.peak, b.area)


def test_what_was_measured_is_kept_and_so_the_verdict(tmp_path) -> None:
    raw = measured_detection()
    (tmp_path / "a.npz").write_bytes(encode(StoredResult(None, raw, raw)))
    found = read_result(tmp_path / "a.npz").shown
    assert raw.verdict == found.verdict == "ng" and found.out_of_tolerance
    assert (found.tolerance, found.deviation_range) == (raw.tolerance, raw.deviation_range)
    assert dict(found.rests_on) == dict(raw.rests_on)
    for name in ("deviation", "deviation_rigid", "expected"):
        assert np.array_equal(getattr(found, name), getattr(raw, name), equal_nan=True)
        assert getattr(found, name).dtype == getattr(raw, name).dtype


def test_defects_and_regions_are_kept_as_described(tmp_path) -> None:
    raw = measured_detection()
    (tmp_path / "a.npz").write_bytes(encode(StoredResult(None, raw, raw)))
    found = read_result(tmp_path / "a.npz").raw
    plain = ("kind", "depth", "depth_mean", "place", "peak", "area")
    for then, now in zip((*raw.defects, *raw.regions), (*found.defects, *found.regions), strict=True):
        assert all(getattr(now, name) == getattr(then, name) for name in plain)
        assert np.array_equal(now.size, then.size) and np.array_equal(now.axes, then.axes)


def test_a_kept_result_of_before_is_read(tmp_path) -> None:
    (tmp_path / "a.npz").write_bytes(CONTENT)
    arrays = dict(np.load(tmp_path / "a.npz"))
    meta = json.loads(arrays["meta"].tobytes()) | {"format": 1}
    for name in ("words", "tolerance", "deviation_range", "rests_on"):
        del meta[name]
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    then = {name: values for name, values in arrays.items() if "shapes" not in name and "region" not in name}
    np.savez(tmp_path / "b.npz", **then)
    found = read_result(tmp_path / "b.npz").raw
    assert (len(found.defects), found.regions, found.tolerance, found.deviation) == (1, (), None, None)


@pytest.mark.parametrize("wrong", [{"tolerance": [1, 2]}, {"tolerance": [None, 1]}, {"words": {"raw": [["hole", ""]]}}])
def test_a_kept_result_that_makes_no_sense_is_refused(tmp_path, wrong) -> None:
    (tmp_path / "a.npz").write_bytes(CONTENT)
    arrays = dict(np.load(tmp_path / "a.npz"))
    meta = json.loads(arrays["meta"].tobytes()) | wrong
    np.savez(tmp_path / "b.npz", **arrays | {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)})
    with pytest.raises(BadHistory, match="damaged"):
        read_result(tmp_path / "b.npz")


def test_a_result_without_defects_is_kept(tmp_path) -> None:
    (tmp_path / "a.npz").write_bytes(encode(StoredResult(None, replace(detection(), defects=()), detection())))
    found = read_result(tmp_path / "a.npz")
    assert (found.points, found.raw.defects, len(found.shown.defects)) == (None, (), 1)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_damaged_kept_result_is_refused(tmp_path, damage) -> None:
    middle = len(CONTENT) // 2
    flipped = CONTENT[:middle] + bytes([CONTENT[middle] ^ 255]) + CONTENT[middle + 1 :]
    content = {"cut": CONTENT[:-30], "flip": flipped, "empty": b"", "other": b"text"}[damage]
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(BadHistory):
        read_result(tmp_path / "a.npz")
