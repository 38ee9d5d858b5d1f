"""A bundle gives back the run it was made from, or nothing at all; and nothing in it is ever run."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from failing_disk import FailingDisk
from tiny_run import TinyRun, part, scan_of

from sedir_core.detectors.base import load_detector
from sedir_core.errors import BadRun, Cancelled, CannotWrite
from sedir_core.io.tensor_file import read_tensors, write_tensors
from sedir_core.rundir import files as run_files
from sedir_core.runs import bundle as bundle_module
from sedir_core.runs.bundle import MANIFEST, export_run, import_run, read_manifest, unpacked
from sedir_core.runs.catalogue import list_runs, read_entry

FILES = ("about.json", "config.toml", "metrics.json", "weights.safetensors", "events.jsonl")


@pytest.fixture(scope="module")
def bundle(tiny: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_run(tiny.path, tmp_path_factory.mktemp("bundle") / "mine")


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, members: dict[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    pairs = list(members.items()) if isinstance(members, dict) else members
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")  # zipfile warns of the duplicates that are wanted here
        for name, content in pairs:
            archive.writestr(name, content)
    return path


def forged(bundle: Path, target: Path, honest: bool = True, **changed: Any) -> Path:
    """The bundle with files replaced (`about_json=...`), their hashes put right in the manifest if `honest`."""
    members = contents(bundle)
    manifest = json.loads(members[MANIFEST])
    for key, value in changed.items():
        name = key.replace("_", ".")
        members[name] = value if isinstance(value, bytes) else json.dumps(value).encode()
        if honest and name != MANIFEST:
            digest = hashlib.sha256(members[name]).hexdigest()
            manifest["members"][name] = {"n_bytes": len(members[name]), "sha256": digest}
    if MANIFEST.replace(".", "_") not in changed:
        members[MANIFEST] = json.dumps(manifest).encode()
    return packed(target, members)


def refused(path: Path, home: Path, match: str | None = None) -> BadRun:
    with pytest.raises(BadRun, match=match) as caught:
        import_run(path, home)
    assert not home.exists() or list(home.iterdir()) == []
    return caught.value


def test_a_bundle_gives_back_the_run(bundle: Path, tiny: TinyRun, tmp_path: Path) -> None:
    run = import_run(bundle, tmp_path / "runs")
    assert run.name == "run"
    assert {name: (run / name).read_bytes() for name in FILES} == {
        name: (tiny.path / name).read_bytes() for name in FILES
    }
    scan = scan_of(part("cup", 100))
    first, again = (load_detector(path, "cpu").detect(scan) for path in (tiny.path, run))
    assert np.array_equal(first.point_scores, again.point_scores)


def test_the_same_run_gives_the_same_bundle(bundle: Path, tiny: TinyRun, tmp_path: Path) -> None:
    assert export_run(tiny.path, tmp_path / "again.sedir").read_bytes() == bundle.read_bytes()


def test_the_manifest_says_what_is_inside(bundle: Path, tiny: TinyRun) -> None:
    about, manifest = run_files.read_about(tiny.path), read_manifest(bundle)
    assert (manifest.method, manifest.categories, manifest.data_hash) == ("sedir", about.categories, about.data_hash)
    assert manifest.thresholds.keys() == set(about.categories)
    assert zipfile.ZipFile(bundle).namelist()[0] == MANIFEST


def test_a_name_can_be_chosen_and_is_made_free(bundle: Path, tmp_path: Path) -> None:
    names = [import_run(bundle, tmp_path).name for _ in range(2)]
    assert names == ["run", "run-2"]
    assert import_run(bundle, tmp_path, "line 3").name == "line 3"
    with pytest.raises(BadRun, match="another run"):
        import_run(bundle, tmp_path, "line 3")


def test_an_unfinished_run_is_not_exported(tiny: TinyRun, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny.path, tmp_path / "run"))
    (run / "weights.safetensors").unlink()
    with pytest.raises(BadRun, match="not finished"):
        export_run(run, tmp_path / "x")
    assert not (tmp_path / "x.sedir").exists()


@pytest.mark.parametrize("name", [b"a\xff", b"a\nb", b"-rf", b"CON", b".hidden"])
def test_a_run_of_any_name_is_exported_so_that_it_can_be_imported(name: bytes, tiny: TinyRun, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny.path, tmp_path / os.fsdecode(name)))
    assert import_run(export_run(run, tmp_path / "odd"), tmp_path / "home").name == "sedir"
    json.dumps(read_entry(run).to_json(), ensure_ascii=False).encode("utf-8")


def test_events_too_many_for_a_bundle_stay_behind(
    tiny: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(bundle_module._OPTIONAL, "events.jsonl", 100)
    imported = import_run(export_run(tiny.path, tmp_path / "long"), tmp_path / "home")
    assert (imported / "weights.safetensors").is_file() and not (imported / "events.jsonl").exists()


def test_a_bundle_serves_as_a_model_and_is_unpacked_once(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sedir_core.runs.bundle.writable_folders", lambda: {"cache": tmp_path})
    run = unpacked(bundle)
    made = run.stat().st_ino
    assert unpacked(bundle) == run
    assert run.stat().st_ino == made
    (run / "weights.safetensors").write_bytes(b"damaged")
    load_detector(unpacked(bundle), "cpu")


# What strangers send


def test_a_bundle_cut_short_anywhere_is_refused(bundle: Path, tmp_path: Path) -> None:
    whole = bundle.read_bytes()
    for length in {0, 1, 3, 4, 30, *np.linspace(31, len(whole) - 1, 60).astype(int).tolist(), len(whole) - 22}:
        (tmp_path / "cut.sedir").write_bytes(whole[:length])
        refused(tmp_path / "cut.sedir", tmp_path / "runs")


def test_a_flipped_bit_is_noticed_or_changes_nothing(bundle: Path, tmp_path: Path) -> None:
    """Every bit of headers and directory near their ends, and bits all over the contents."""
    whole, before = bundle.read_bytes(), contents(bundle)
    draw = np.random.default_rng(3)
    places = [*range(0, 60, 4), *range(len(whole) - 200, len(whole), 8), *draw.integers(len(whole), size=25).tolist()]
    n_refused = 0
    for place in places:
        data = bytearray(whole)
        data[place] ^= 1 << int(draw.integers(8))
        (tmp_path / "bent.sedir").write_bytes(data)
        try:
            run = import_run(tmp_path / "bent.sedir", tmp_path / "runs")
        except BadRun:
            n_refused += 1
            continue
        assert {path.name: path.read_bytes() for path in run.iterdir()} == {n: before[n] for n in FILES}
    assert n_refused > len(places) // 2


class Payload:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.marker, "w")


def test_a_payload_leaves_no_marker(bundle: Path, tmp_path: Path) -> None:
    marker = tmp_path / "MARKER"
    evil = pickle.dumps(Payload(marker))
    torch_file = tmp_path / "torch.pth"
    torch.save({"w": Payload(marker)}, torch_file)
    for content in (evil, torch_file.read_bytes()):
        refused(forged(bundle, tmp_path / "evil.sedir", weights_safetensors=content), tmp_path / "runs")
        extra = list(contents(bundle).items())
        for name in ("data.pkl", "state.pth", "setup.py", "weights.pt"):
            refused(packed(tmp_path / "evil.sedir", [*extra, (name, content)]), tmp_path / "runs", "no exported model")
    for whole in (evil, torch_file.read_bytes()):
        (tmp_path / "evil.sedir").write_bytes(whole)
        refused(tmp_path / "evil.sedir", tmp_path / "runs")
    assert not marker.exists()


@pytest.mark.parametrize(
    "name", ["../about.json", "/tmp/x", "a/about.json", "C:\\x", "..", "about.json/", "./about.json"]
)
def test_paths_are_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    refused(packed(tmp_path / "x.sedir", [*contents(bundle).items(), (name, b"{}")]), tmp_path / "runs")


def test_a_name_that_leads_elsewhere_is_refused(bundle: Path, tmp_path: Path) -> None:
    manifest = json.loads(contents(bundle)[MANIFEST])
    for name in ("../x", "/tmp/x", "a/b", ".hidden", ""):
        refused(forged(bundle, tmp_path / "x.sedir", manifest_json=manifest | {"name": name}), tmp_path / "runs")


def test_a_link_is_refused(bundle: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("evaluation.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(
        packed(tmp_path / "x.sedir", [*contents(bundle).items(), (link, b"/etc/passwd")]), tmp_path / "runs", "link"
    )


def test_a_file_twice_is_refused(bundle: Path, tmp_path: Path) -> None:
    members = [*contents(bundle).items(), ("about.json", b"{}")]
    refused(packed(tmp_path / "x.sedir", members), tmp_path / "runs", "twice")


@pytest.mark.parametrize("missing", [MANIFEST, "about.json", "config.toml", "weights.safetensors", "metrics.json"])
def test_a_file_that_lacks_is_named(bundle: Path, tmp_path: Path, missing: str) -> None:
    members = {name: content for name, content in contents(bundle).items() if name != missing}
    refused(packed(tmp_path / "x.sedir", members), tmp_path / "runs", missing)


def test_a_bomb_is_refused_before_it_unpacks(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.sedir", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents(bundle).items():
            archive.writestr(name, bytes(100 << 20) if name == "events.jsonl" else content)
    refused(tmp_path / "x.sedir", tmp_path / "runs", "unpacks")


def test_a_directory_that_is_huge_by_zip64_is_not_read(tmp_path: Path) -> None:
    large = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 2 << 20, 4)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 4 + (2 << 20), 1)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 46, 4, 0)
    (tmp_path / "bomb.sedir").write_bytes(b"PK\3\4" + bytes(2 << 20) + large + locator + end)
    refused(tmp_path / "bomb.sedir", tmp_path / "home", "announces a zip directory of 2,097,152 bytes")


def test_a_size_that_lies_is_refused(bundle: Path, tmp_path: Path) -> None:
    data = bytearray(bundle.read_bytes())
    entry = data.index(b"PK\1\2", data.index(b"PK\5\6") - 600)
    data[entry + 24 : entry + 28] = struct.pack("<I", 1)
    (tmp_path / "x.sedir").write_bytes(data)
    refused(tmp_path / "x.sedir", tmp_path / "runs")


def test_a_wrong_hash_is_refused(bundle: Path, tmp_path: Path) -> None:
    other = contents(bundle)["config.toml"].replace(b"epochs = 15", b"epochs = 16")
    path = forged(bundle, tmp_path / "x.sedir", honest=False, config_toml=other)
    refused(path, tmp_path / "runs", "checksum")


def test_a_newer_format_says_to_update(bundle: Path, tmp_path: Path) -> None:
    manifest = json.loads(contents(bundle)[MANIFEST]) | {"format": 2, "unknown": 1}
    error = refused(forged(bundle, tmp_path / "x.sedir", manifest_json=manifest), tmp_path / "runs", "newer version")
    assert error.hint == "update SeDiR Inspect"
    about = json.loads(contents(bundle)["about.json"]) | {"format": 2}
    error = refused(forged(bundle, tmp_path / "x.sedir", about_json=about), tmp_path / "runs", "newer version")
    assert error.hint == "update SeDiR Inspect"


@pytest.mark.parametrize("change", [{"categories": ["cup"]}, {"data_hash": "00"}, {"method": "mc3d-ad"}])
def test_a_manifest_that_describes_another_model_is_refused(
    bundle: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    manifest = json.loads(contents(bundle)[MANIFEST]) | change
    refused(
        forged(bundle, tmp_path / "x.sedir", manifest_json=manifest), tmp_path / "runs", "description in its manifest"
    )


Tensors = dict[str, torch.Tensor]
WRONG: dict[str, Callable[[Tensors], Tensors]] = {
    "shape": lambda t: t | {"network.decoder.output.weight": torch.zeros(2, 2)},
    "type": lambda t: t | {name: t[name].double() for name in t if name.startswith("network.")},
    "nan": lambda t: t | {"encoder.norm.bias": torch.full_like(t["encoder.norm.bias"], float("nan"))},
    "infinite": lambda t: t | {"category.0.frame": torch.full((4,), float("inf"), dtype=torch.float64)},
    "missing": lambda t: {name: value for name, value in t.items() if not name.startswith("surface.")},
    "category": lambda t: {name: value for name, value in t.items() if not name.startswith("category.2.")},
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_tensors_are_refused(bundle: Path, tiny: TinyRun, tmp_path: Path, name: str) -> None:
    tensors, meta = read_tensors(tiny.path / "weights.safetensors")
    write_tensors(tmp_path / "w", WRONG[name](tensors), meta)
    path = forged(bundle, tmp_path / "x.sedir", weights_safetensors=(tmp_path / "w").read_bytes())
    refused(path, tmp_path / "runs")


def test_a_header_that_lies_is_refused(bundle: Path, tmp_path: Path) -> None:
    good = contents(bundle)["weights.safetensors"]
    for bad in (struct.pack("<Q", 2**60) + good[8:], good[:-4], good[:8] + good[8:].replace(b'"F32"', b'"F64"', 1)):
        refused(forged(bundle, tmp_path / "x.sedir", weights_safetensors=bad), tmp_path / "runs")


def test_a_configuration_that_claims_to_be_huge_takes_no_memory(bundle: Path, tmp_path: Path) -> None:
    toml = contents(bundle)["config.toml"].replace(b"feedforward = 64", b"feedforward = 4096")
    toml = toml.replace(b"depth = 1\n", b"depth = 12\n")
    about = re.sub(rb'"settings": "\w+"', b'"settings": ""', contents(bundle)["about.json"])  # the hash is forged, too
    path = forged(bundle, tmp_path / "x.sedir", config_toml=toml, about_json=about)
    refused(path, tmp_path / "runs", "do not fit")


# The disk


def test_an_error_at_any_step_of_an_import_leaves_nothing(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "runs"
    home.mkdir()
    for n in range(1, 60):
        with monkeypatch.context() as patch:
            disk = FailingDisk(n, patch)
            try:
                import_run(bundle, home, "mine")
            except CannotWrite:
                left = [entry.name for entry in list_runs([home])]
                assert left in ([], ["mine"])  # the folder's sync comes after the rename
                assert [path.name for path in home.iterdir()] == left
                shutil.rmtree(home / "mine", ignore_errors=True)
        if disk.left > 0:
            break
    assert n > 15
    load_detector(home / "mine", "cpu")


def test_an_error_at_any_step_of_an_export_leaves_the_old_file(
    bundle: Path, tiny: TinyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, new = tmp_path / "mine.sedir", bundle.read_bytes()
    for n in range(1, 200):
        target.write_bytes(b"old")
        with monkeypatch.context() as patch:
            disk = FailingDisk(n, patch)
            try:
                export_run(tiny.path, target)
            except CannotWrite:
                assert target.read_bytes() in (b"old", new)
                assert list(tmp_path.iterdir()) == [target]
        if disk.left > 0:
            break
    assert n > 5
    assert target.read_bytes() == new


def test_a_stopped_import_leaves_nothing(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        import_run(bundle, tmp_path / "runs", stop=lambda: True)
    assert list((tmp_path / "runs").iterdir()) == []
