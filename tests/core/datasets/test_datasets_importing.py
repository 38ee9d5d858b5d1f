"""A user's own scans become a data set as a whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny_run import part

from sedir_core.datasets import importing
from sedir_core.datasets.importing import (
    ImportRequest,
    Part,
    import_parts,
    look_at,
    name_trouble,
    parts_in,
    scans_below,
)
from sedir_core.datasets.index import open_dataset
from sedir_core.errors import BadDataset, Cancelled, CannotWrite, UnreadableScan, UserError
from sedir_core.io.export import write_points_ply
from sedir_core.io.folder_notes import FolderNotes, notes_for, write_notes
from sedir_core.io.scans import read_scan
from sedir_core.units import Unit


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Three good brackets and a defective one somewhere on a disk."""
    folder = tmp_path / "somewhere"
    for i in range(3):
        write_points_ply(folder / f"{i}.ply", part("bracket", i, 400))
    write_points_ply(folder / "ng" / "bad.ply", part("bracket", 7, 400))
    return folder


def request(
    own: Path, target: Path, name: str = "bracket", unit: Unit = "unknown", link: bool = False
) -> ImportRequest:
    files = {"normal": tuple(scans_below(own)), "ok": (), "ng": tuple(scans_below(own / "ng"))}
    return ImportRequest(target, (Part(name, unit, files),), link)


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "somewhere")


@pytest.mark.parametrize("link", [False, True])
def test_what_is_imported_is_a_data_set(own: Path, tmp_path: Path, link: bool) -> None:
    target = import_parts(request(own, tmp_path / "parts", link=link))
    data = open_dataset(target)
    assert data.layout == "folder"
    assert [(one.path.name, one.split, one.anomalous) for one in data.samples] == [
        ("0.ply", "train", False), ("1.ply", "train", False), ("2.ply", "train", False), ("bad.ply", "test", True),
    ]  # fmt: skip
    assert data.samples[0].path.is_symlink() is link
    assert left_behind(tmp_path) == ["parts"]


def test_categories_are_added_to_a_data_set(own: Path, tmp_path: Path) -> None:
    import_parts(request(own, tmp_path / "parts"))
    import_parts(request(own, tmp_path / "parts", name="other"))
    assert open_dataset(tmp_path / "parts").categories == ("bracket", "other")
    with pytest.raises(BadDataset, match="already exists"):
        import_parts(request(own, tmp_path / "parts"))


@pytest.mark.parametrize(("unit", "factor"), [("inch", 25.4), ("m", 1000.0), ("um", 0.001)])
def test_other_units_become_millimetres(own: Path, tmp_path: Path, unit: Unit, factor: float) -> None:
    target = import_parts(request(own, tmp_path / "parts", unit=unit, link=True))
    before, after = read_scan(own / "0.ply").points, read_scan(target / "bracket" / "0.ply").points
    assert np.allclose(after, factor * before, rtol=1e-12)


def test_files_of_one_name_are_kept_apart_and_text_counts_as_a_scan(own: Path, tmp_path: Path) -> None:
    (tmp_path / "somewhere" / "more").mkdir()
    shutil.copy(own / "0.ply", own / "more" / "0.ply")
    np.savetxt(own / "3.txt", part("bracket", 3, 400))
    files = (own / "0.ply", own / "more" / "0.ply", own / "3.txt")
    import_parts(ImportRequest(tmp_path / "parts", (Part("bracket", "unknown", {"normal": files}),)))
    assert [one.path.name for one in open_dataset(tmp_path / "parts").samples] == ["0-2.ply", "0.ply", "3.txt"]


@pytest.mark.parametrize("after", [0, 1, 3, 4])
def test_a_cancelled_import_leaves_nothing(own: Path, tmp_path: Path, after: int) -> None:
    asked = iter(range(100))
    with pytest.raises(Cancelled):
        import_parts(request(own, tmp_path / "parts"), stop=lambda: next(asked) >= after)
    assert left_behind(tmp_path) == []


def test_a_broken_scan_stops_it_by_name_and_leaves_nothing(own: Path, tmp_path: Path) -> None:
    (own / "1.ply").write_bytes(b"ply\nnonsense")
    with pytest.raises(UnreadableScan, match=r"1\.ply"):
        import_parts(request(own, tmp_path / "parts"))
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("call", ["copyfile", "fsync", "rename"])
def test_a_disk_that_fails_leaves_nothing(
    own: Path, tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr({"copyfile": shutil, "fsync": os, "rename": Path}[call], call, fail)
        with pytest.raises(CannotWrite, match="No space left"):
            import_parts(request(own, tmp_path / "parts"))
    assert left_behind(tmp_path) == []


def test_a_rename_that_fails_half_way_takes_the_others_back(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_parts(request(own, tmp_path / "parts"))
    files = {"normal": tuple(scans_below(own))}
    two = ImportRequest(tmp_path / "parts", (Part("a", "unknown", files), Part("b", "unknown", files)))
    real = Path.rename

    def refuse_b(path: Path, goal: Path) -> Path:
        if path.name == "b":
            raise OSError(errno.EACCES, "Permission denied")
        return real(path, goal)

    monkeypatch.setattr(Path, "rename", refuse_b)
    with pytest.raises(CannotWrite):
        import_parts(two)
    assert left_behind(tmp_path / "parts") == ["bracket"]


def test_a_disk_too_small_is_seen_before_anything_is_copied(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(CannotWrite, match=r"needs 0\.1 MB"):
        import_parts(request(own, tmp_path / "parts"))
    assert import_parts(request(own, tmp_path / "parts", link=True)).is_dir()


def test_what_a_kill_left_is_swept(own: Path, tmp_path: Path) -> None:
    old, young = tmp_path / ".import-old", tmp_path / ".import-young"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (0, 0))
    import_parts(request(own, tmp_path / "parts"))
    assert left_behind(tmp_path) == [".import-young", "parts"]


@pytest.mark.parametrize("name", ["", " x", ".x", "a/b", "..", "ok", "NG", "a\nb"])
def test_names_that_cannot_be_are_refused(own: Path, tmp_path: Path, name: str) -> None:
    assert name_trouble(name)
    with pytest.raises(UserError):
        import_parts(request(own, tmp_path / "parts", name=name))
    assert left_behind(tmp_path) == []


def test_a_dropped_folder_is_one_category_or_one_for_each_folder_in_it(own: Path, tmp_path: Path) -> None:
    ((name, files),) = parts_in(own)
    assert (name, len(files["normal"]), len(files["ng"])) == ("somewhere", 3, 1)
    assert [name for name, _ in parts_in(tmp_path)] == ["somewhere"]


def test_looking_at_a_file_says_what_is_wrong_with_it(own: Path) -> None:
    (own / "x.ply").write_bytes(b"ply\nnonsense")
    assert look_at(own / "x.ply").error is not None
    fine = look_at(own / "0.ply")
    assert (fine.error, fine.n_points) == (None, 400)
    assert importing.PICTURE_POINTS >= len(fine.picture) > 100


def test_a_new_data_set_of_converted_scans_notes_its_unit(own: Path, tmp_path: Path) -> None:
    import_parts(request(own, tmp_path / "parts", unit="inch"))
    assert notes_for(tmp_path / "parts") == FolderNotes(unit="mm")
    import_parts(request(own, tmp_path / "others"))
    assert notes_for(tmp_path / "others") == FolderNotes()


def test_a_table_that_only_a_note_explains_is_written_anew(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(80, 3))
    home = tmp_path / "own"
    (home / "ng").mkdir(parents=True)
    np.savetxt(home / "a.txt", np.column_stack([np.full(80, 4), points]))
    write_notes(home, FolderNotes(columns=("2", "3", "4")))
    import_parts(request(home, tmp_path / "parts"))
    (sample,) = open_dataset(tmp_path / "parts").samples
    np.testing.assert_allclose(sample.read().points, points, atol=1e-12)


def test_dropped_folders_mean_what_they_are_called(tmp_path: Path) -> None:
    for name in ("Good", "defective", "defective/deeper"):
        (tmp_path / "lid" / name).mkdir(parents=True, exist_ok=True)
        np.savetxt(tmp_path / "lid" / name / "a.txt", np.random.default_rng(0).normal(size=(80, 3)))
    ((name, files),) = parts_in(tmp_path / "lid")
    assert name == "lid" and {kind: len(paths) for kind, paths in files.items()} == {"normal": 0, "ok": 1, "ng": 1}
