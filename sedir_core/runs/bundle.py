"""A run as one file, `NAME.sedir`: a zip of plain data without executable content.

Members: `manifest.json` first, then the run's files needed by its detector and history, each with its SHA-256 in the
manifest. A bundle is untrusted, so everything is checked before it is put in place: names are from a fixed list (no
folders or links), sizes match the manifest and are limited, contents match their hashes, the detector loads, and the
manifest describes it correctly.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, Field

from sedir_core.documents import CONFIG_BYTES, LARGE_BYTES, SMALL_BYTES, parse_json
from sedir_core.errors import BadRun, Cancelled
from sedir_core.io.atomic import atomic_file, atomic_folder, synced_file
from sedir_core.io.guard import COPY_AGAIN, Source, open_regular
from sedir_core.io.zips import is_zip, open_zip, read_member
from sedir_core.places import BUNDLE_SUFFIX, user_runs, writable_folders
from sedir_core.rundir import files as run_files
from sedir_core.runs.catalogue import read_detail
from sedir_core.runs.manage import check_name, free_name, valid_name
from sedir_core.types import Report, Stop, never_stop, no_report

BUNDLE_FORMAT = 1
"""Incremented whenever an older program could misread a bundle."""
MANIFEST = "manifest.json"
_REQUIRED: Mapping[str, int] = {
    run_files.ABOUT: SMALL_BYTES,
    run_files.CONFIG: CONFIG_BYTES,
    run_files.METRICS: LARGE_BYTES,
    run_files.WEIGHTS: 2 << 30,
}
"""Name and size limit in bytes of the members of every bundle. Larger optional ones are left out."""
_OPTIONAL: Mapping[str, int] = {run_files.EVALUATION: LARGE_BYTES, run_files.EVENTS: 64 << 20}
_MANIFEST_BYTES = 1 << 20
_BLOCK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # fixed timestamp, so that exports are reproducible
_HINT = "ask for a new export, made with `sedir runs export`"


class Member(BaseModel):
    """Size and SHA-256 (hex) of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n_bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """A bundle's manifest. created: of the run, ISO 8601. thresholds: object score limits."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int = BUNDLE_FORMAT
    name: run_files.Name
    method: run_files.Name
    categories: run_files.Names
    thresholds: dict[str, float]
    data_hash: run_files.Name
    created: run_files.Name
    members: dict[str, Member]


def export_run(run_dir: Path, target: Path, report: Report = no_report) -> Path:
    """Write a finished run as one file; a name without suffix gets `.sedir`. Replaces `target` atomically.

    Raises BadRun (unfinished, damaged), CannotWrite.
    """
    target = target if target.suffix == BUNDLE_SUFFIX else target.with_name(target.name + BUNDLE_SUFFIX)
    run_files.require_own_files(run_dir)
    _require_loadable(run_dir)
    names = [*_REQUIRED, *(name for name, most in _OPTIONAL.items() if _size(run_dir / name) <= most)]
    members = {}
    for done, name in enumerate(names):
        report(0.5 * done / len(names), f"reading {name}")
        with open_regular(run_dir / name, BadRun) as source:
            members[name] = Member(n_bytes=source.size, sha256=_sha256(source.file))
    about, thresholds = run_files.read_about(run_dir), dict(read_detail(run_dir).thresholds)
    manifest = Manifest(
        name=_own_name(run_dir),
        method=about.method,
        categories=about.categories,
        thresholds=thresholds,
        data_hash=about.data_hash,
        created=about.created,
        members=members,
    )
    with atomic_file(target) as file, zipfile.ZipFile(file, "w") as archive:
        _store(archive, MANIFEST, manifest.model_dump_json(indent=2).encode())
        for done, (name, member) in enumerate(members.items()):
            report(0.5 + 0.5 * done / len(members), f"writing {name}")
            _add(archive, run_dir / name, member)
    return target


def import_run(
    bundle: Path,
    folder: Path | None = None,
    name: str | None = None,
    report: Report = no_report,
    stop: Stop = never_stop,
) -> Path:
    """Check a bundle and unpack it as a run in `folder` (the user's runs by default); returns the run's directory.

    name: instead of the exported one, which gets a number if it is taken.
    Raises BadRun before anything is in place, CannotWrite, Cancelled.
    """
    home = user_runs() if folder is None else folder
    with _opened(bundle) as (source, archive, manifest):
        target = home / (free_name(manifest.name, home) if name is None else check_name(name, home))
        with atomic_folder(target) as staging:
            _unpack(source, archive, manifest, staging, report, stop)
    return target


def unpacked(bundle: Path) -> Path:
    """An unpacked bundle's run directory, cached by content, so that a second use is fast.

    Raises BadRun, CannotWrite.
    """
    with open_regular(bundle, BadRun) as source:
        key = _sha256(source.file)[:24]
    with _opened(bundle) as (source, archive, manifest):
        target = writable_folders()["cache"] / "bundles" / key / manifest.name
        if not _whole(target, manifest):
            shutil.rmtree(target, ignore_errors=True)
            with atomic_folder(target) as staging:
                _unpack(source, archive, manifest, staging, no_report, never_stop)
    return target


def read_manifest(bundle: Path) -> Manifest:
    """The manifest of a bundle, not yet compared with the contents. Raises BadRun."""
    with _opened(bundle) as (_, _, manifest):
        return manifest


@contextmanager
def _opened(bundle: Path) -> Iterator[tuple[Source, zipfile.ZipFile, Manifest]]:
    """The archive, with names and announced sizes checked. Raises BadRun, also for damage found later."""
    with open_regular(bundle, BadRun) as source:
        if not is_zip(source.head()):
            raise source.fail("is not a model exported by SeDiR Inspect", _HINT)
        with open_zip(source) as archive:
            infos = {info.filename: info for info in archive.infolist()}
            _check_names(source, archive)
            manifest = _manifest(source, read_member(source, archive, infos[MANIFEST]))
            if manifest.members.keys() != infos.keys() - {MANIFEST}:
                raise source.fail("does not contain exactly the files in its manifest", _HINT)
            for name, member in manifest.members.items():
                if infos[name].file_size != member.n_bytes:
                    raise source.fail(f"{name} does not have the size stated in the manifest", COPY_AGAIN)
            yield source, archive, manifest


def _check_names(source: Source, archive: zipfile.ZipFile) -> None:
    limits = {**_REQUIRED, **_OPTIONAL, MANIFEST: _MANIFEST_BYTES}
    seen: set[str] = set()
    for info in archive.infolist():
        if info.filename not in limits:
            raise source.fail(f"holds {info.filename[:80]!r}, which no exported model does", _HINT)
        if info.filename in seen:
            raise source.fail(f"holds {info.filename} twice", _HINT)
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise source.fail(f"{info.filename} is a link or a device", _HINT)
        if info.file_size > limits[info.filename]:
            raise source.fail(f"{info.filename} has {info.file_size:,} bytes, far too many", _HINT)
        seen.add(info.filename)
    if missing := sorted({*_REQUIRED, MANIFEST} - seen):
        raise source.fail(f"lacks {', '.join(missing)}", COPY_AGAIN)


def _manifest(source: Source, text: bytes) -> Manifest:
    try:
        raw = parse_json(text, _MANIFEST_BYTES)
        found = raw.get("format") if isinstance(raw, dict) else None
        if isinstance(found, int) and found > BUNDLE_FORMAT:
            raise source.fail(
                f"written by a newer version (format {found}, this one reads {BUNDLE_FORMAT})", "update SeDiR Inspect"
            )
        manifest = Manifest.model_validate(raw)
    except ValueError as error:  # pydantic's ValidationError is a ValueError, too
        raise source.fail(f"its {MANIFEST} is invalid ({type(error).__name__})", _HINT) from error
    valid_name(manifest.name)
    return manifest


def _unpack(
    source: Source, archive: zipfile.ZipFile, manifest: Manifest, staging: Path, report: Report, stop: Stop
) -> None:
    """Write the members into `staging` and verify that they form a loadable run. Raises BadRun, Cancelled."""
    total, done = sum(member.n_bytes for member in manifest.members.values()), 0
    for name, member in manifest.members.items():
        digest = hashlib.sha256()
        with archive.open(name) as packed, synced_file(staging / name) as file:
            left = member.n_bytes
            while left and (block := packed.read(min(_BLOCK, left))):
                if stop():
                    raise Cancelled
                report(0.8 * done / total, f"unpacking {name}")
                digest.update(block)
                file.write(block)
                left, done = left - len(block), done + len(block)
            if left or packed.read(1):
                raise source.fail(f"{name} does not have its announced size", COPY_AGAIN)
        if digest.hexdigest() != member.sha256:
            raise source.fail(f"{name} does not match its checksum", COPY_AGAIN)
    report(0.9, "checking the model")
    try:
        _check_claims(staging, manifest)
        _require_loadable(staging)
    except BadRun as error:
        raise source.fail(error.what, error.hint or _HINT) from error


def _check_claims(run_dir: Path, manifest: Manifest) -> None:
    detail = read_detail(run_dir)
    about = run_files.read_about(run_dir)
    said = (manifest.method, manifest.categories, manifest.data_hash, manifest.thresholds)
    if said != (about.method, about.categories, about.data_hash, dict(detail.thresholds)):
        raise BadRun(run_dir, "does not match the description in its manifest", _HINT)


def _require_loadable(run_dir: Path) -> None:
    """Check that all tensors match the configuration in name, shape and type. Raises BadRun."""
    from sedir_core.detectors.base import load_detector  # imports torch

    load_detector(run_dir, "cpu")


def _own_name(run_dir: Path) -> str:
    """The run's name, or its method if an import would reject the folder's name."""
    try:
        return valid_name(run_dir.resolve().name)
    except BadRun:
        return run_files.read_about(run_dir).method


def _size(path: Path) -> float:
    """In bytes; infinite if there is no such file."""
    return path.stat().st_size if path.is_file() else math.inf


def _whole(run_dir: Path, manifest: Manifest) -> bool:
    """Whether a folder contains exactly the files of a manifest."""
    try:
        for name, member in manifest.members.items():
            with (run_dir / name).open("rb") as file:
                if _sha256(file) != member.sha256:
                    return False
    except OSError:
        return False
    return True


def _sha256(file: BinaryIO) -> str:
    total = hashlib.sha256()
    while block := file.read(_BLOCK):
        total.update(block)
    return total.hexdigest()


def _store(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_info(name, len(content)), content)


def _add(archive: zipfile.ZipFile, path: Path, member: Member) -> None:
    """Add one file of the run. Raises BadRun if it no longer matches its hash."""
    digest = hashlib.sha256()
    with path.open("rb") as file, archive.open(_info(path.name, member.n_bytes), "w") as packed:
        while block := file.read(_BLOCK):
            digest.update(block)
            packed.write(block)
    if digest.hexdigest() != member.sha256:
        raise BadRun(path, "was changed while it was exported", "export it again")


def _info(name: str, n_bytes: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    info.file_size = n_bytes
    # Weights do not compress.
    info.compress_type = zipfile.ZIP_STORED if name == run_files.WEIGHTS else zipfile.ZIP_DEFLATED
    return info
