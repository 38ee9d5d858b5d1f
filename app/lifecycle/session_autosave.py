"""Saves what a window has open, on every change, and offers to restore it at the next start."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer

from app.jobs.pool import Pool
from app.lifecycle import endings
from app.lifecycle.kept_session import KeptLimit, KeptScan, KeptSession, LeftBehind, SessionStore, drop
from app.state.entries import Entry, Failure, State
from app.views.layers import Layer
from app.workspaces.registry import WORKSPACES
from sedir_core.errors import CannotWrite
from sedir_core.types import Report, Stop

if TYPE_CHECKING:
    from app.main_window import MainWindow

log = logging.getLogger(__name__)

SAVE_AFTER_MS = 300
LAYOUT_EVENTS = (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.WindowStateChange)


@dataclass(frozen=True)
class RestorableSession:
    """What can be restored. n_gone: scans whose files no longer exist. fault: the crash trace, if any.

    sources: session files to delete after restoring, except those with scans on an unmounted drive.
    """

    kept: KeptSession
    paths: tuple[Path, ...]
    n_gone: int
    sources: tuple[Path, ...]
    fault: str = ""

    @property
    def text(self) -> str:
        """The question, in one line."""
        count = len(self.paths)
        scans = "the scan" if count == 1 else f"the {count} scans"
        gone = f" ({self.n_gone} no longer exist.)" if self.n_gone else ""
        if self.kept.clean:
            return f"Restore {scans} from last time?{gone}"
        return f"The program ended unexpectedly. Restore {scans} that {'was' if count == 1 else 'were'} open?{gone}"


class SessionAutosave(QObject):
    """One per window. Call `start` when the window is up; it ends when the window closes."""

    def __init__(self, window: MainWindow, store: SessionStore, log_folder: Path) -> None:
        super().__init__(window)
        self._window, self._store, self._log_folder = window, store, log_folder
        self._offer: RestorableSession | None = None
        self._obsolete: tuple[Path, ...] = ()
        self._reviews: dict[str, KeptScan] = {}
        self._records: dict[str, str] = {}
        self._keeping = False
        self._pool = Pool("session", self)
        self._looking: int | None = None
        self._save_timer = QTimer(self, singleShot=True, interval=SAVE_AFTER_MS)
        self._layout_timer = QTimer(self, singleShot=True, interval=SAVE_AFTER_MS)
        self._save_timer.timeout.connect(self._save)
        self._layout_timer.timeout.connect(window.save_layout)
        self._pool.done.connect(self._on_done)
        self._pool.failed.connect(self._on_failed)
        window.closing.connect(self._end)

    def start(self, with_paths: bool = False) -> None:
        """Start saving, and look for sessions left behind. with_paths: the user has already asked for scans."""
        window, session = self._window, self._window.session
        try:
            self._store.open()
            self._keeping = True
        except CannotWrite as error:
            window.page.messages.warn("The open scans could not be saved for the next start", Failure.of(error))
        self._show_as_left(with_paths)
        for signal in (session.entries_added, session.entries_removed, session.current_changed, session.reviewed):
            signal.connect(self._save_timer.start)
        for changed in (session.limit_changed, session.inspected):
            changed.connect(self._save_timer.start)
        session.entries_added.connect(self._recall_records)
        session.entry_changed.connect(self._review_again)
        window.page.clouds.layer_changed.connect(self._remember_view)
        window.workspace_changed.connect(self._remember_view)
        window.installEventFilter(self)
        for dock in window.page.docks:
            dock.visibilityChanged.connect(self._layout_timer.start)
            dock.dockLocationChanged.connect(self._layout_timer.start)
        window.menus.restore.triggered.connect(self.restore)
        self._looking = self._pool.submit(_look, (self._store, self._log_folder))

    @property
    def offer(self) -> RestorableSession | None:
        """What `restore` would open, if anything."""
        return self._offer

    def restore(self) -> None:
        """Open what was left behind: results are recomputed, reviews and limits restored.

        An unchanged result keeps its record in the history.
        """
        offer, self._offer = self._offer, None
        if offer is None:
            return
        self._window.menus.restore.setEnabled(False)
        self._obsolete = offer.sources
        self._reviews = {one.path: one for one in offer.kept.scans if one.review or one.comment}
        self._records = {one.path: one.record for one in offer.kept.scans if one.record}
        session = self._window.session
        session.set_limits({(o.category, o.from_one_side): o.share for o in offer.kept.limits} | session.limits)
        self._window.show_workspace("inspect")
        self._window.model.open(offer.paths, first=Path(offer.kept.current) if offer.kept.current else None)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() in LAYOUT_EVENTS:
            self._layout_timer.start()
        return super().eventFilter(watched, event)

    # Keeping

    def _save(self) -> None:
        if self._keeping:
            self._pool.submit(_write, (self._store, self._kept(clean=False), self._obsolete))
            self._obsolete = ()

    def _kept(self, clean: bool) -> KeptSession:
        session = self._window.session
        scans = tuple(self._kept_scan(entry) for entry in session.entries)
        current = session.current_entry
        limits = tuple(KeptLimit(*key, share) for key, share in session.limits.items())
        return KeptSession(scans, "" if current is None else str(current.path.absolute()), limits, clean)

    def _kept_scan(self, entry: Entry) -> KeptScan:
        path = str(entry.path.absolute())
        # A restored review waits until its scan is inspected again; a crash before that must not lose it.
        record = entry.repeats or entry.record
        waiting = self._reviews.get(path)
        return waiting or KeptScan(path, entry.review or "", entry.review_comment, record)

    def _remember_view(self, *_: object) -> None:
        self._window.settings.layer = self._window.page.clouds.layer.name.lower()
        self._window.settings.workspace = self._window.workspace

    def _end(self) -> None:
        self._save_timer.stop()
        self._layout_timer.stop()
        if not self._pool.close():
            log.warning("the saved session may be slightly out of date")
        kept = self._kept(clean=True)
        if not self._keeping:
            return
        try:
            if kept.scans:
                self._store.write(kept)
                drop([*self._obsolete, *(self._offer.sources if self._offer else ())])
            else:
                drop([self._store.own])
        except CannotWrite as error:
            log.warning("the session could not be saved: %s", error)
        self._store.close()

    # Restoring

    def _show_as_left(self, with_paths: bool) -> None:
        window, settings = self._window, self._window.settings
        layer = next((layer for layer in Layer if layer.name.lower() == settings.layer), None)
        if layer is not None and layer is not window.page.clouds.layer:
            window.page.stage.actions_of_views.layers[list(Layer).index(layer)].trigger()
        if not with_paths and settings.workspace in {entry.key for entry in WORKSPACES}:
            window.show_workspace(settings.workspace)

    def _on_done(self, job: int, value: object) -> None:
        if job == self._looking and isinstance(value, RestorableSession):
            self._offer = value
            self._window.menus.restore.setEnabled(True)
            choice = self._window.settings.restore
            if choice == "always":
                self.restore()
            elif choice == "ask":
                self._window.page.messages.inform(value.text, "Restore", self.restore, value.fault)

    def _on_failed(self, job: int, error: Exception) -> None:
        self._window.page.messages.warn("The open scans could not be saved for the next start", Failure.of(error))

    def _recall_records(self, ids: list[int]) -> None:
        """Map current inspections to the recorded ones that they repeat."""
        for entry in map(self._window.session.get, ids):
            if entry is not None and entry.past is None:
                record = self._records.pop(str(entry.path.absolute()), "")
                if record:
                    self._window.session.update(entry.id, repeats=record)

    def _review_again(self, entry_id: int) -> None:
        """Restore the operator's review; it has already been logged, so it is not logged again."""
        entry = self._window.session.get(entry_id)
        if entry is None or entry.state is not State.DONE or entry.detection is None:
            return
        said = self._reviews.pop(str(entry.path.absolute()), None)
        if said is not None:
            verdict = {"ok": "ok", "ng": "ng"}.get(said.review)
            self._window.session.update(entry_id, review=verdict, review_comment=said.comment)


def _write(request: tuple[SessionStore, KeptSession, tuple[Path, ...]], report: Report, stop: Stop) -> None:
    store, kept, obsolete = request
    store.write(kept)
    drop(obsolete)


def _look(request: tuple[SessionStore, Path], report: Report, stop: Stop) -> RestorableSession | None:
    """Everything left behind by earlier windows, merged; None if nothing was."""
    store, log_folder = request
    found = store.left_behind()
    scans = {one.path: one for left in found for one in left.kept.scans}
    there = tuple(Path(path) for path in scans if _is_there(Path(path)))
    settled = [left.path for left in found if not any(_is_away(Path(one.path)) for one in left.kept.scans)]
    if not there:
        drop(settled)
        return None
    kept = KeptSession(
        tuple(scans.values()), found[0].kept.current, _limits(found), all(left.kept.clean for left in found)
    )
    fault = "" if kept.clean else endings.last_fault(log_folder, min(left.since for left in found))
    return RestorableSession(kept, there, len(scans) - len(there), tuple(settled), fault)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _is_away(path: Path) -> bool:
    """Whether it may come back, as on an unplugged drive: not even its folder exists."""
    return not _is_there(path) and not _is_there(path.parent)


def _limits(found: list[LeftBehind]) -> tuple[KeptLimit, ...]:
    """The newest limit of each kind."""
    limits = {(one.category, one.from_one_side): one for left in reversed(found) for one in left.kept.limits}
    return tuple(limits.values())
