"""A run of a stranger may say anything; it is listed with what is known of it, and hides no other run."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_run import CATEGORIES, TinyRun
from typer.testing import CliRunner

from sedir_core.cli import app
from sedir_core.errors import BadRun
from sedir_core.rundir import files as run_files
from sedir_core.runs.bundle import export_run, import_run
from sedir_core.runs.catalogue import MOST_CURVES, list_runs, read_detail
from sedir_core.training.events import MAX_BYTES

HUGE = int("9" * 400)
HOSTILE: tuple[Any, ...] = (
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 1e308, -1e308, HUGE, -HUGE, float("inf"), float("nan"), 0,
    -1, True, None, "", "x" * 100_000, "\ud800", "a\nb\x1b[2J", [], {}, [1e308, HUGE], {"a": {"b": HUGE}},
)  # fmt: skip
MEASURED = {name: dict.fromkeys(("o_auroc", "p_auroc", "o_aupr", "p_aupr"), 0.5) for name in CATEGORIES}
FATE = {"worse": True, "reasons": ["score"], "score": [0.4, 0.5], "recognised": [1.0, 0.9]}


@pytest.fixture(scope="module")
def whole(tiny: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every document that a run can have."""
    run = Path(shutil.copytree(tiny.path, tmp_path_factory.mktemp("whole") / "good"))
    (run / run_files.EVALUATION).write_text(json.dumps({"categories": MEASURED}))
    metrics = json.loads((run / run_files.METRICS).read_text())
    (run / run_files.METRICS).write_text(json.dumps(metrics | {"old_categories": {CATEGORIES[0]: FATE}}))
    return run


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(document: Any, path: tuple[Any, ...], to: Any) -> Any:
    if not path:
        return to
    copy = json.loads(json.dumps(document))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return copy


def mutants(whole: Path, folder: Path, name: str, every: int = 1) -> list[Path]:
    """The run once for every part of one of its documents and every hostile value: links, but for that document.

    every: only each n-th of them.
    """
    text = (whole / name).read_text()
    lines = text.splitlines() if name == run_files.EVENTS else [text]
    # One event of each kind is enough.
    kinds = {json.loads(line).get("event"): number for number, line in enumerate(lines)}
    wanted = [(number, place) for number in kinds.values() for place in places(json.loads(lines[number]))]
    found = []
    for (number, place), value in list(itertools.product(wanted, HOSTILE))[::every]:
        run = folder / f"run-{len(found)}"
        run.mkdir(parents=True)
        for other in whole.iterdir():
            if other.is_file() and other.name != name:
                os.link(other, run / other.name)
        said = json.dumps(changed(json.loads(lines[number]), place, value))
        (run / name).write_text("\n".join([*lines[:number], said, *lines[number + 1 :]]) + "\n")
        found.append(run)
    return found


DOCUMENTS = (run_files.ABOUT, run_files.METRICS, run_files.EVALUATION, run_files.EVENTS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_document_hides_another_run(whole: Path, tmp_path: Path, name: str) -> None:
    runs = mutants(whole, tmp_path, name)
    shutil.copytree(whole, tmp_path / "good")
    assert {entry.path for entry in list_runs([tmp_path])} == {*runs, tmp_path / "good"}
    for arguments in (("--json",), ()):
        result = CliRunner().invoke(app, ["runs", "list", str(tmp_path), *arguments])
        assert result.exit_code == 0, result.exception
        result.stdout.encode("utf-8")
        assert "good" in result.stdout
    listed = json.loads(CliRunner().invoke(app, ["runs", "list", str(tmp_path), "--json"]).stdout)
    assert len(listed) == len(runs) + 1


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_shown_of_it_can_be_written_down(whole: Path, tmp_path: Path, name: str) -> None:
    # Every part meets a value, and every value many parts.
    for run in mutants(whole, tmp_path, name, every=len(HOSTILE) - 1):
        json.dumps(read_detail(run).entry.to_json(), allow_nan=False)
        for command in (["show", str(run)], ["show", str(run), "--json"], ["compare", str(whole), str(run)]):
            result = CliRunner().invoke(app, ["runs", *command])
            assert result.exit_code == 0, (command, result.exception)
            result.stdout.encode("utf-8")


def test_a_folder_that_may_not_be_entered_hides_no_run(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(whole, tmp_path / "good")
    (tmp_path / "closed").mkdir()
    stat = Path.stat

    def refuse(path: Path, **options: bool) -> os.stat_result:
        if path.parent.name == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    assert [entry.name for entry in list_runs([tmp_path])] == ["good"]


def test_countless_curves_are_not_all_drawn(whole: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "run"))
    lines = (run / run_files.EVENTS).read_text().splitlines()
    epoch = next(found for line in lines if (found := json.loads(line))["event"] == "epoch")
    said = [json.dumps(epoch | {"losses": {f"{i}-{k}": 1.0 for k in range(100)}}) for i in range(100)]
    (run / run_files.EVENTS).write_text("\n".join([*lines, *said]) + "\n")
    curves = read_detail(run).curves
    assert len(curves) == MOST_CURVES
    assert {"total", "learning rate", "steps/s"} <= curves.keys()


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00", "0001-01-01", "9999-12-31T23:59:59-23:59"])
def test_a_bundle_of_no_sane_date_hides_nothing(whole: Path, tmp_path: Path, created: str) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "old"))
    about = json.loads((run / run_files.ABOUT).read_text()) | {"created": created}
    (run / run_files.ABOUT).write_text(json.dumps(about))
    bundle = export_run(run, tmp_path / "old.sedir")
    home = tmp_path / "home"
    shutil.copytree(whole, home / "good")
    import_run(bundle, home)
    result = CliRunner().invoke(app, ["runs", "list", str(home)])
    assert result.exit_code == 0
    assert "good" in result.stdout and "old" in result.stdout


@pytest.mark.parametrize("text", ["a." * 30_000 + "a = 1", "a = " + "[" * 20_000, "a = " + "1" * 5000])
def test_a_configuration_that_is_a_bomb_is_damage(whole: Path, tmp_path: Path, text: str) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "bomb"))
    (run / run_files.CONFIG).write_text(text)
    with pytest.raises(BadRun):
        run_files.read_run_config(run)
    (entry,) = list_runs([tmp_path])
    assert entry.trouble


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "link to itself"])
@pytest.mark.parametrize("name", [run_files.EVENTS, run_files.EVALUATION, run_files.METRICS])
def test_a_document_that_is_no_file_blocks_nothing(whole: Path, tmp_path: Path, name: str, kind: str) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "run"))
    odd = run / name
    odd.unlink()
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "folder":
        odd.mkdir()
    else:
        odd.symlink_to("/dev/null" if kind == "device" else odd)
    for words in (["show", str(run)], ["compare", str(whole), str(run)], ["list", str(tmp_path)]):
        result = CliRunner().invoke(app, ["runs", *words])
        assert result.exit_code == 0, (words, result.exception)


def test_a_log_of_endless_size_is_not_read(whole: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(whole, tmp_path / "run"))
    os.truncate(run / run_files.EVENTS, MAX_BYTES + 1)  # sparse: it takes no room
    assert read_detail(run).curves == {}
