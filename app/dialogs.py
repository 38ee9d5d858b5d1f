"""The dialogs of a window: opened once each, dressed in its theme, fed by a thread of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox

from app.jobs.pool import Pool
from app.session import Failure
from app.widgets.settings_dialog import SettingsDialog
from app.widgets.theme import Theme

if TYPE_CHECKING:
    from app.main_window import MainWindow


class Dialogs(QObject):
    """Opens them; the window's actions call the methods."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._settings: SettingsDialog | None = None
        self._pool = Pool("dialogs", self)
        self._looking: int | None = None
        self._devices: list[tuple[str, str]] = []
        self._pool.done.connect(self._on_done)
        self._pool.failed.connect(self._on_failed)
        window.model.model_tried.connect(self._on_model_tried)

    def set_theme(self, theme: Theme) -> None:
        if self._settings is not None:
            self._settings.set_theme(theme)

    def close(self) -> bool:
        """End the thread. False if it did not stop within a second."""
        return self._pool.close()

    def may_quit(self) -> bool:
        """Ask, where the user wants to be asked, before scans that are being inspected are left."""
        if not (self._window.settings.confirm_quit and self._window.model.busy):
            return True
        question = "Scans are still being inspected. Quit all the same?"
        return QMessageBox.question(self._window, "Quit", question) is QMessageBox.StandardButton.Yes

    def show_settings(self) -> SettingsDialog:
        """The settings; the same dialog comes to the front if it is open."""
        if self._settings is None:
            window = self._window
            self._settings = SettingsDialog(window.settings, window.theme, window)
            self._settings.model_wanted.connect(window.choose_model)
            self._settings.destroyed.connect(self._forget_settings)
            if self._devices:
                self._settings.offer_devices(self._devices)
            else:
                from app.jobs import (
                    models,
                )  # brings the configuration's schema, which the first paint need not wait for

                self._looking = self._pool.submit(models.devices, None)
        self._settings.show()
        self._settings.raise_()
        return self._settings

    def _forget_settings(self) -> None:
        self._settings = None

    def _on_done(self, job: int, value: object) -> None:
        from app.jobs.models import Machine

        if job == self._looking and isinstance(value, Machine):
            self._devices = [("auto", f"Automatic: {value.choice}"), *((one.name, one.words) for one in value.devices)]
            if self._settings is not None:
                self._settings.offer_devices(self._devices)

    def _on_failed(self, job: int, error: Exception) -> None:
        self._window.page.messages.warn("The devices of this machine could not be listed", Failure.of(error))

    def _on_model_tried(self, failure: Failure | None) -> None:
        settings, session = self._window.settings, self._window.session
        settings.device = session.device
        if failure is None:
            settings.remember_model(session.run_dir)
