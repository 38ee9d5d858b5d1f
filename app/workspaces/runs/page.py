"""The Runs workspace: all trained models on the left, details of one or a comparison of two on the right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QMessageBox,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.jobs.evaluation import Evaluator
from app.state.entries import Failure
from app.state.navigation import ImportRuns, Navigation, ShowWorkspace, TrainFurther
from app.state.session import Session
from app.state.settings import Settings
from app.widgets.error_details import plain_label
from app.widgets.job_status import JobStatus, Progress
from app.widgets.messages import MessageBar
from app.widgets.theme import Theme, icon
from app.workspaces.runs.detail_panel import DetailPanel
from app.workspaces.runs.model import BundleImport, ExportRequest, Listing, RunsModel, ShownRuns, bring_in, export
from app.workspaces.runs.table import ALIVE, RunTable
from sedir_core.errors import UserError
from sedir_core.places import BUNDLE_SUFFIX, DEFAULT_RUN, bundled_runs, user_runs
from sedir_core.runs.catalogue import RunEntry, RunState
from sedir_core.runs.manage import Trashed, archive_run, delete_run, empty_trash, rename_run, restore_run

SHOWN_RUNS: tuple[tuple[str, ShownRuns], ...] = (("Runs", "current"), ("Archived", "archived"), ("Deleted", "deleted"))
EMPTY = {
    "current": "No runs yet. Train a model in the Train workspace, or drop a .sedir file here.",
    "archived": "Nothing is archived.\nArchiving hides a run from the list and changes nothing else.",
    "deleted": "Nothing has been deleted.",
}
BUNDLES = f"Exported models (*{BUNDLE_SUFFIX})"
TEXT = ("Import…", "Export…", "Rename", "Archive", "Delete", "Add a Folder of Runs…", "Empty the Trash…")
PICTURES = (
    "import", "export", "pencil-outline", "archive-outline", "trash-can-outline", "folder-plus-outline", "delete-empty"
)  # fmt: skip


class RunsPage(QWidget):
    """See the module's docstring. `activate` is called whenever the page is shown."""

    def __init__(self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings, self._theme = session, settings, theme
        self._trashed: dict[Path, Trashed] = {}
        self._wanted: list[Path] = []
        self.model = RunsModel(user_runs(), self)
        self.evaluator = Evaluator(self)
        self.messages = MessageBar(theme)
        self.status = JobStatus(theme)
        self.shown = QComboBox(toolTip="Which runs are listed")
        self.shown.setAccessibleName("Which runs are listed")
        for title, key in SHOWN_RUNS:
            self.shown.addItem(title, key)
        self.search = QLineEdit(placeholderText="Filter by name, state or method", clearButtonEnabled=True)
        self.search.setAccessibleName("Find a run")
        self.table = RunTable(theme)
        self.empty = plain_label("", "faint")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.restore = QPushButton("Restore", visible=False)
        self.empty_trash_button = QPushButton("Empty the trash…", visible=False)
        self.import_button = QPushButton("Import…", toolTip="Or drop a .sedir file anywhere in this window")
        self.detail = DetailPanel(theme)
        self.import_, self.export, self.rename, self.archive, self.delete, self.add, self.purge = (
            QAction(text, self) for text in TEXT
        )
        self.list_stack = QStackedWidget()
        self._layout()
        self._connect()
        self.setAcceptDrops(True)
        self.set_theme(theme)
        self._enable()

    # The contract of a workspace

    def activate(self) -> None:
        """Refresh the list of runs."""
        self._refresh()

    def close_down(self) -> bool:
        self.evaluator.cancel()
        return self.model.close()

    def actions(self) -> list[QAction]:
        return [self.import_, self.export, self.rename, self.archive, self.delete, self.add, self.purge]

    def tools(self) -> list[QAction]:
        return [self.import_, self.export]

    def take(self, wanted: Navigation) -> None:
        if isinstance(wanted, ImportRuns):
            self.import_bundles(wanted.paths)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for part in (self.messages, self.status, self.detail):
            part.set_theme(theme)
        self.table.rows.set_theme(theme)
        for action, name in zip(self.actions(), PICTURES, strict=True):
            action.setIcon(icon(name, theme.quiet))
        self.restore.setIcon(icon("restore", theme.quiet))

    # User actions

    @property
    def chosen(self) -> list[RunEntry]:
        return self.table.chosen_entries()

    def inspect_with(self, path: Path) -> None:
        """Use a run as the window's model."""
        self._settings.run_dir = path
        self._session.use_model(path)
        self._session.navigate(ShowWorkspace("inspect"))

    def evaluate(self) -> None:
        """Ask for a data set and evaluate the selected run on it; the result is stored in the run."""
        entry = self._one()
        if entry is None or entry.bundled:
            return
        trained_on = entry.about.dataset if entry.about is not None else ""
        name = QFileDialog.getExistingDirectory(self, f"Evaluate {entry.name} on a data set", trained_on)
        if name:
            self.evaluate_on(entry.path, Path(name))

    def evaluate_on(self, path: Path, dataset: Path) -> None:
        try:
            self.evaluator.start(path, dataset)
        except UserError as error:
            self.messages.warn(path.name, Failure.of(error))

    def grow(self) -> None:
        """Pass the selected run to the Train workspace as the starting point of a new training."""
        if (entry := self._one()) is not None:
            self._session.navigate(TrainFurther(entry.path))

    def rename_run(self, entry: RunEntry, name: str) -> None:
        def then(path: Path) -> None:
            self._follow_model(entry.path, path)
            self._refresh([path])

        self.model.act(f"{entry.name} is not renamed", lambda: rename_run(entry.path, name), then)

    def archive_chosen(self) -> None:
        """Archive the selected run, or put it back on the list."""
        back = self.shown.currentData() == "archived"
        for entry in self._changeable():
            self._archive(entry, not back)

    def delete_chosen(self) -> None:
        """Move the run to the trash; the message bar offers to restore it."""
        if self.shown.currentData() != "deleted":
            for entry in self._changeable():
                self.model.act(f"{entry.name} is not deleted", partial(delete_run, entry.path), self._on_deleted)

    def restore_chosen(self) -> None:
        for entry in self.chosen:
            if (trashed := self._trashed.get(entry.path)) is not None:
                self._restore(trashed)

    def ask_to_empty_trash(self) -> None:
        count = len(self._trashed)
        question = f"Permanently delete {count} {'run' if count == 1 else 'runs'}? This cannot be undone."
        box = QMessageBox(QMessageBox.Icon.Warning, "Empty the trash", question, parent=self)
        destroy = box.addButton("Destroy", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        destroy.clicked.connect(self.empty_trash)
        box.open()

    def empty_trash(self) -> None:
        folders = {one.home for one in self._trashed.values()}
        self.model.act(
            "The trash is not emptied", lambda: [empty_trash(folder) for folder in folders], lambda _: self._refresh()
        )

    def ask_to_export(self) -> None:
        entry = self._one()
        if entry is None:
            return
        start = str(self._settings.last_folder / (entry.name + BUNDLE_SUFFIX))
        if name := QFileDialog.getSaveFileName(self, f"Export {entry.name}", start, BUNDLES)[0]:
            self.export_to(entry.path, Path(name))

    def export_to(self, path: Path, target: Path) -> None:
        """Export a run as one file."""
        self._settings.last_folder = target.parent
        self.model.transfer(
            f"{path.name} is not exported",
            export,
            ExportRequest(path, target),
            lambda written: self.messages.inform(f"{path.name} was written to {written}"),
        )

    def ask_to_import(self) -> None:
        names = QFileDialog.getOpenFileNames(self, "Import models", str(self._settings.last_folder), BUNDLES)[0]
        if names:
            self.import_bundles([Path(name) for name in names])

    def import_bundles(self, bundles: Sequence[Path]) -> None:
        """Check exported models and add them to the list."""
        for bundle in bundles:
            request = BundleImport(bundle, self.model.folder)
            self.model.transfer(f"{bundle.name} is not imported", bring_in, request, self._on_imported)

    def add_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder of runs", str(self._settings.last_folder))
        if name and Path(name) not in self.model.folders:
            self.model.added.append(Path(name))
            self._refresh()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        if _bundles(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        if bundles := _bundles(event):
            event.acceptProposedAction()
            self.import_bundles(bundles)

    # Answers

    def _on_listed(self, found: Listing) -> None:
        if found.shown != self.shown.currentData():
            return
        self._trashed = found.trashed
        keep = self._wanted or [entry.path for entry in self.chosen]
        self._wanted = []
        self.table.show_entries(found.entries, found.shown != "deleted", keep)
        self.empty.setText(EMPTY[found.shown])
        self.list_stack.setCurrentIndex(0 if found.entries else 1)

    def _on_chosen(self, entries: list[RunEntry]) -> None:
        self._enable()
        if 1 <= len(entries) <= 2:
            self.model.read(tuple(entry.path for entry in entries))
        else:
            self.detail.show_details([])

    def _on_deleted(self, trashed: Trashed) -> None:
        before = trashed.home / trashed.name
        self._follow_model(before, bundled_runs() / DEFAULT_RUN)
        self._refresh()
        self.messages.inform(f"{trashed.name} is in the trash.", "Undo", lambda: self._restore(trashed))

    def _on_imported(self, path: Path) -> None:
        self.shown.setCurrentIndex(0)
        self._refresh([path])
        self.messages.inform(f"{path.name} was imported.", "Inspect with It", lambda: self.inspect_with(path))

    def _on_failed(self, what: str, failure: Failure) -> None:
        self.messages.warn(what, failure)
        self._refresh()

    def _on_evaluated(self, path: Path, failure: str) -> None:
        if failure:
            self.messages.warn(path.name, Failure(failure, "", failure))
        self._refresh()

    def _restore(self, trashed: Trashed) -> None:
        def then(path: Path) -> None:
            self.shown.setCurrentIndex(0)
            self._refresh([path])

        self.model.act(f"{trashed.name} is not restored", lambda: restore_run(trashed), then)

    def _archive(self, entry: RunEntry, on: bool) -> None:
        def then(_: object) -> None:
            self._refresh()
            words = "is archived; it can still be used by its name." if on else "is back on the list."
            self.messages.inform(f"{entry.name} {words}", "Undo", lambda: self._archive(entry, not on))

        self.model.act(f"{entry.name} is not archived", lambda: archive_run(entry.path, on), then)

    def _follow_model(self, before: Path, after: Path) -> None:
        """If the window's model was moved, use it under its new name, or fall back to the bundled one."""
        if self._session.run_dir == before:
            self._settings.run_dir = None if after.parent == bundled_runs() else after
            self._session.use_model(after)

    def _refresh(self, keep: Sequence[Path] = ()) -> None:
        self._wanted = list(keep) or self._wanted
        self.model.refresh(self.shown.currentData())

    def _one(self) -> RunEntry | None:
        chosen = self.chosen
        return chosen[0] if len(chosen) == 1 else None

    def _changeable(self) -> list[RunEntry]:
        return [entry for entry in self.chosen if not entry.bundled and entry.state not in ALIVE]

    def _enable(self) -> None:
        one, some, shown = self._one(), bool(self._changeable()), self.shown.currentData()
        deleted = shown == "deleted"
        self.export.setEnabled(one is not None and one.state is RunState.FINISHED and not deleted)
        self.rename.setEnabled(one is not None and some and not deleted)
        self.archive.setEnabled(some and not deleted)
        self.archive.setText("Put Back onto the List" if shown == "archived" else "Archive")
        self.delete.setEnabled(some and not deleted)
        self.purge.setEnabled(deleted and bool(self._trashed))
        self.detail.allow(not deleted)
        self.restore.setVisible(deleted)
        self.empty_trash_button.setVisible(deleted)
        self.empty_trash_button.setEnabled(bool(self._trashed))
        self.import_button.setVisible(not deleted)
        self.restore.setEnabled(bool(self.chosen))

    def _show_progress(self, progress: object) -> None:
        self.status.show_progress(progress)
        self.status.setVisible(progress is not None)

    # Wiring

    def _layout(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.shown)
        head.addWidget(self.search, 1)
        for button in (self.restore, self.empty_trash_button, self.import_button):
            head.addWidget(button)
        self.list_stack.addWidget(self.table)
        self.list_stack.addWidget(self.empty)
        side = QFrame(objectName="panel")
        inside = QVBoxLayout(side)
        inside.setContentsMargins(10, 10, 10, 10)
        inside.setSpacing(8)
        inside.addLayout(head)
        inside.addWidget(self.list_stack, 1)
        split = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        split.addWidget(side)
        split.addWidget(self.detail)
        split.setSizes([780, 480])
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(7)
        column.addWidget(self.messages)
        column.addWidget(split, 1)
        column.addWidget(self.status)
        self.status.hide()

    def _connect(self) -> None:
        self.model.listed.connect(self._on_listed)
        self.model.detailed.connect(self.detail.show_details)
        self.model.failed.connect(self._on_failed)
        self.model.progressed.connect(self._show_progress)
        self.status.cancel_wanted.connect(self.model.cancel)
        self.status.cancel_wanted.connect(self.evaluator.cancel)
        self.shown.currentIndexChanged.connect(self._show_chosen)
        self.search.textChanged.connect(self.table.filter)
        self.table.chosen.connect(self._on_chosen)
        self.table.delete_pressed.connect(self.delete_chosen)
        self.table.rows.rename_wanted.connect(self.rename_run)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.detail.inspect_wanted.connect(lambda: self.inspect_with(self.chosen[0].path))
        self.detail.evaluate_wanted.connect(self.evaluate)
        self.detail.grow_wanted.connect(self.grow)
        self.detail.set_menu(self._menu())
        self.restore.clicked.connect(self.restore_chosen)
        self.import_button.clicked.connect(self.import_.trigger)
        self.empty_trash_button.clicked.connect(self.purge.trigger)
        self.export.triggered.connect(self.ask_to_export)
        self.import_.triggered.connect(self.ask_to_import)
        self.rename.triggered.connect(self.table.rename_chosen)
        self.archive.triggered.connect(self.archive_chosen)
        self.delete.triggered.connect(self.delete_chosen)
        self.add.triggered.connect(self.add_folder)
        self.purge.triggered.connect(self.ask_to_empty_trash)
        self.evaluator.busy_changed.connect(
            lambda busy: self._show_progress(Progress(0.0, "evaluating, a few seconds per scan") if busy else None)
        )
        self.evaluator.finished.connect(self._on_evaluated)

    def _show_chosen(self) -> None:
        self.table.choose([])
        self._refresh()

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.addActions([self.rename, self.archive, self.export])
        menu.addSeparator()
        menu.addAction(self.delete)
        return menu

    def _show_menu(self, at: QPoint) -> None:
        if self.chosen:
            self._menu().popup(self.table.viewport().mapToGlobal(at))


def _bundles(event: QDropEvent) -> list[Path]:
    """Exported models among the dragged data."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix == BUNDLE_SUFFIX]
