"""The dialogs of a window: one instance each, following the theme, with a worker thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QWidget

from app import help_texts
from app.jobs.pool import Pool
from app.state.entries import Failure
from app.state.session import Session
from app.state.settings import Settings
from app.state.shortcuts import Shortcuts
from app.widgets.guide import GuideWindow
from app.widgets.messages import MessageBar
from app.widgets.settings_dialog import SettingsDialog
from app.widgets.shortcut_dialog import ShortcutDialog
from app.widgets.theme import Theme
from app.workspaces.inspect.model import InspectModel
from sedir_core.errors import UserError
from sedir_core.places import user_guide, writable_folders

if TYPE_CHECKING:
    from app.jobs.models import Machine
    from app.model_dialog import ModelDialog


class Dialogs(QObject):
    """Opens the dialogs; called by the window's actions."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        model: InspectModel,
        messages: MessageBar,
        theme: Theme,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._session, self._wanted, self._model, self._messages = session, settings, model, messages
        self._theme, self._parent = theme, parent
        self._settings: SettingsDialog | None = None
        self._models: ModelDialog | None = None
        self._machine: Machine | None = None
        self._pool = Pool("dialogs", self)
        self._pool.done.connect(self._on_done)
        self._pool.failed.connect(self._on_failed)
        model.model_tried.connect(self._on_model_tried)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for dialog in (self._settings, self._models):
            if dialog is not None:
                dialog.set_theme(theme)

    def close(self) -> bool:
        """End the thread. False if it did not stop within a second."""
        return self._pool.close()

    def may_quit(self) -> bool:
        """Ask for confirmation while scans are being inspected, if the user has enabled that."""
        if not (self._wanted.confirm_quit and self._model.busy):
            return True
        question = "Scans are still being inspected. Quit anyway?"
        return QMessageBox.question(self._parent, "Quit", question) is QMessageBox.StandardButton.Yes

    def show_settings(self) -> SettingsDialog:
        """Show the settings, raising the dialog if it is open."""
        if self._settings is None:
            self._settings = SettingsDialog(self._wanted, self._theme, self._parent)
            self._settings.model_wanted.connect(self.show_models)
            self._settings.destroyed.connect(self._forget_settings)
            self._find_devices()
        self._settings.show()
        self._settings.raise_()
        return self._settings

    def show_models(self) -> ModelDialog:
        """Show the model dialog, raising it if it is open."""
        if self._models is None:
            # Imported late: they pull in the configuration's schema, which would delay the first paint.
            from app.jobs import models
            from app.model_dialog import ModelDialog

            session = self._session
            self._models = dialog = ModelDialog(session.run_dir, session.device, self._theme, self._parent)
            dialog.wanted.connect(self._model.try_model)
            dialog.picked.connect(lambda path: self._pool.submit(models.look_at, path))
            dialog.destroyed.connect(self._forget_models)
            recent = (session.run_dir, *map(Path, self._wanted.recent_models))
            self._pool.submit(models.known_runs, recent)
            self._find_devices()
        self._models.show()
        self._models.raise_()
        return self._models

    def show_shortcuts(self, shortcuts: Shortcuts) -> ShortcutDialog:
        """Show the shortcut editor."""
        dialog = ShortcutDialog(shortcuts, self._parent)
        dialog.show()
        return dialog

    def show_guide(self) -> GuideWindow:
        """Show the user guide."""
        guide = GuideWindow(user_guide(), self._parent)
        guide.show()
        return guide

    def show_about(self) -> QMessageBox:
        return help_texts.show_about(self._parent)

    def open_log_folder(self) -> None:
        """Open the log folder in the system's file manager."""
        folder = writable_folders()["log"]
        if not folder.is_dir() or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._messages.inform(f"The log folder is {folder}")

    def _find_devices(self) -> None:
        if self._machine is None:
            from app.jobs import models

            self._pool.submit(models.devices, None)
        else:
            self._show_machine(self._machine)

    def _show_machine(self, machine: Machine) -> None:
        self._machine = machine
        if self._settings is not None:
            chosen = dict(machine.devices).get(machine.choice, machine.choice)
            self._settings.offer_devices([("auto", f"Automatic: {chosen}"), *machine.devices])
        if self._models is not None:
            self._models.show_machine(machine)

    def _forget_settings(self) -> None:
        self._settings = None

    def _forget_models(self) -> None:
        self._models = None

    def _on_done(self, job: int, value: object) -> None:
        from app.jobs.models import KnownRun, Machine

        if isinstance(value, Machine):
            self._show_machine(value)
        elif self._models is not None and isinstance(value, KnownRun):
            self._models.add(value)
        elif self._models is not None and isinstance(value, list):
            self._models.show_runs(value)

    def _on_failed(self, job: int, error: Exception) -> None:
        if self._models is not None and isinstance(error, UserError):
            self._models.complain(Failure.of(error))
        else:
            self._model.bug_found.emit(error)

    def _on_model_tried(self, failure: Failure | None) -> None:
        settings, session = self._wanted, self._session
        settings.device = session.device
        if failure is None:
            settings.remember_model(session.run_dir)
        if self._models is not None:
            self._models.answer(failure)
