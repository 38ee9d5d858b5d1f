"""Model of the import: previews scans one by one, then imports them, both off the GUI thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.jobs.pool import Pool
from app.state.entries import Failure
from sedir_core.datasets.importing import FilePreview, ImportRequest, Kind, Part, name_trouble
from sedir_core.types import Report, Stop
from sedir_core.units import UNKNOWN, Unit


@dataclass
class PartDraft:
    """A kind of part being described by the user."""

    name: str = ""
    unit: Unit = UNKNOWN
    files: dict[Kind, list[Path]] = field(default_factory=lambda: {"normal": [], "ok": [], "ng": []})

    def add(self, kind: Kind, paths: Iterable[Path]) -> None:
        """Add scans for a purpose; each scan has only one."""
        known = {path for files in self.files.values() for path in files}
        self.files[kind] += [path for path in dict.fromkeys(paths) if path not in known]

    def remove(self, paths: set[Path]) -> None:
        for kind, files in self.files.items():
            self.files[kind] = [path for path in files if path not in paths]

    @property
    def paths(self) -> list[Path]:
        return [path for files in self.files.values() for path in files]

    def part(self) -> Part:
        return Part(self.name, self.unit, {kind: tuple(files) for kind, files in self.files.items()})


class ImportModel(QObject):
    """`looked` is emitted per file, `done` with the data set's folder."""

    looked = Signal(object)  # FilePreview
    progressed = Signal(float, str)
    done = Signal(object)  # Path
    failed = Signal(object)  # Failure

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.drafts: list[PartDraft] = []
        self.seen: dict[Path, FilePreview] = {}
        self._looking: dict[int, Path] = {}
        self._importing = 0
        self._pool = Pool("import", self)
        self._pool.progressed.connect(self._on_progress)
        self._pool.done.connect(self._on_done)
        self._pool.failed.connect(self._on_failed)

    @property
    def importing(self) -> bool:
        return bool(self._importing)

    def look(self) -> None:
        """Preview every file not read yet."""
        known = self.seen.keys() | set(self._looking.values())
        for draft in self.drafts:
            for path in draft.paths:
                if path not in known:
                    self._looking[self._pool.submit(_look, path)] = path

    def trouble(self, target: Path) -> str:
        """Why it cannot be imported yet, or ""."""
        if not self.drafts:
            return "Add a kind of part"
        for draft in self.drafts:
            which = draft.name or "the new kind of part"
            if wrong := name_trouble(draft.name):
                return f"{which}: {wrong}"
            if not draft.files["normal"]:
                return f"{which}: add good scans to learn from"
            if (target / draft.name).exists():
                return f"{target.name} already contains “{draft.name}”"
            if broken := self.broken(draft):
                return f"{which}: {len(broken)} of its files cannot be read; leave them out to continue"
        names = [draft.name for draft in self.drafts]
        if len(set(names)) < len(names):
            return "Two kinds of part have the same name"
        return "Reading the scans…" if self._looking else ""

    def broken(self, draft: PartDraft) -> set[Path]:
        """Its files that cannot be imported."""
        return {path for path in draft.paths if path in self.seen and self.seen[path].error is not None}

    def start(self, target: Path, link: bool) -> None:
        request = ImportRequest(target, tuple(draft.part() for draft in self.drafts), link)
        self._importing = self._pool.submit(_import, request)

    def cancel(self) -> None:
        """Stop importing and remove what has been written."""
        self._pool.cancel(self._importing)
        self._importing = 0

    def close(self) -> bool:
        return self._pool.close()

    def _on_done(self, job: int, answer: object) -> None:
        self._looking.pop(job, None)
        if isinstance(answer, FilePreview):
            self.seen[answer.path] = answer
            self.looked.emit(answer)
        else:
            self._importing = 0
            self.done.emit(answer)

    def _on_progress(self, job: int, fraction: float, text: str) -> None:
        if job == self._importing:
            self.progressed.emit(fraction, text)

    def _on_failed(self, job: int, error: Exception) -> None:
        self._looking.pop(job, None)
        if job == self._importing:
            self._importing = 0
        self.failed.emit(Failure.of(error))


def _look(path: Path, report: Report, stop: Stop) -> FilePreview:
    from sedir_core.datasets.importing import look_at

    return look_at(path)


def _import(request: ImportRequest, report: Report, stop: Stop) -> Path:
    from sedir_core.datasets.importing import import_parts

    return import_parts(request, report, stop)
