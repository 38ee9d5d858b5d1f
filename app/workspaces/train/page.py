"""The Train workspace: trainings on the left, a new or the selected one on the right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.jobs import training
from app.jobs.evaluation import Evaluator
from app.jobs.pacing import Pacer
from app.jobs.training import Phase
from app.state.entries import Failure
from app.state.navigation import Navigation, ShowWorkspace, TrainFurther
from app.state.session import Session
from app.state.settings import Settings
from app.widgets.columns_dialog import CHOOSE
from app.widgets.error_details import plain_label
from app.widgets.job_status import JobStatus, Progress
from app.widgets.messages import MessageBar
from app.widgets.plain_text import plain_tip
from app.widgets.theme import Theme, icon
from app.workspaces.train.data_panel import DataPanel
from app.workspaces.train.import_dialog import ImportDialog
from app.workspaces.train.model import Follow, TrainModel
from app.workspaces.train.progress_panel import BROKEN, ICONS, ProgressPanel
from app.workspaces.train.questions import ask_columns, ask_whether_good, without_columns
from app.workspaces.train.queue_panel import QueuePanel
from app.workspaces.train.settings_panel import SettingsPanel
from app.workspaces.train.survey_model import SurveyModel
from sedir_core.config import Config, override
from sedir_core.datasets.survey import Survey
from sedir_core.errors import UserError
from sedir_core.names import printable
from sedir_core.places import user_runs, writable_folders
from sedir_core.rundir.files import read_run_config
from sedir_core.training.orders import TrainOrder
from sedir_core.training.pace import Pace, keep_pace
from sedir_core.training.warm_config import warm_config

DIR = Qt.ItemDataRole.UserRole
NEW_TITLE = "New training"


class TrainPage(QWidget):
    """See the module's docstring. `activate` is called whenever the page is shown."""

    def __init__(self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings, self._theme = session, settings, theme
        self._runs = user_runs()
        self._phases: dict[Path, Phase] = {}
        self._origin: Path | None = None  # the model that the next training continues from
        self.model = TrainModel(self)
        self.survey = SurveyModel(self)
        self.messages = MessageBar(theme)
        self.status = JobStatus(theme)
        self.new = QPushButton(NEW_TITLE)
        self.list = QListWidget(iconSize=QSize(18, 18), objectName="runs")
        self.list.setAccessibleName("Trainings")
        self.none_yet = plain_label("Your trainings will be listed here.", "faint")
        self.queue = QueuePanel(theme)
        self.data = DataPanel(theme)
        self.settings = SettingsPanel(self._runs, theme)
        self.progress = ProgressPanel(theme)
        self.evaluator = Evaluator(self)
        self.pacer = Pacer(self)
        self.stack = QStackedWidget()
        self._actions = [QAction(NEW_TITLE, self), QAction("Choose a data set…", self), QAction("Import scans…", self)]
        self._layout()
        self._connect()
        self.set_theme(theme)

    # The contract of a workspace

    def activate(self) -> None:
        """Refresh the list of runs and show a running training."""
        self.pacer.look_for_devices()
        self.model.look_at_queue()
        self._phases.clear()
        self._refresh()
        self._try(lambda run_dir: training.keep_queue_going(), self._runs)
        if self.model.follow is None:
            at_work = (Phase.RUNNING, Phase.STARTING)
            running = next((path for path, phase in self._phases.items() if phase in at_work), None)
            self.show_new() if running is None else self.show_run(running)

    def close_down(self) -> bool:
        """Trainings continue in their own processes; an evaluation ends with the window."""
        self.evaluator.cancel()
        self.model.close()
        return all([self.survey.close(), self.pacer.close()])

    def actions(self) -> list[QAction]:
        return list(self._actions)

    def tools(self) -> list[QAction]:
        return list(self._actions)

    def take(self, wanted: Navigation) -> None:
        if isinstance(wanted, TrainFurther):
            self.grow(wanted.run_dir)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for part in (self.messages, self.status, self.queue, self.data, self.settings, self.progress):
            part.set_theme(theme)
        self.new.setIcon(icon("plus", theme.quiet))
        for action, name in zip(self._actions, ("plus", "folder-open-outline", "import"), strict=True):
            action.setIcon(icon(name, theme.quiet))
        self._dress_list()

    # User actions

    def use_dataset(self, folder: Path) -> None:
        """Survey a folder and show its contents."""
        self.messages.hide()
        self.show_new()
        self.survey.look_at(folder)

    def import_parts(self) -> ImportDialog:
        """Create a data set from the user's own scans."""
        dialog = ImportDialog(writable_folders()["data"] / "datasets", self._theme, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.imported.connect(self.use_dataset)
        dialog.open()
        return dialog

    def show_new(self) -> None:
        self.list.clearSelection()
        self.list.setCurrentRow(-1)
        self.model.leave()
        self.stack.setCurrentIndex(0)

    def show_run(self, run_dir: Path, started: bool = False) -> None:
        """Show a training, running or ended."""
        self.stack.setCurrentWidget(self.progress)
        self.model.watch(run_dir, started)
        self.progress.show_curves(self.model.curves)
        self._choose_row(run_dir)

    def _choose_row(self, run_dir: Path) -> None:
        for row in range(self.list.count()):
            if self.list.item(row).data(DIR) == str(run_dir):
                self.list.setCurrentRow(row)

    def grow(self, run_dir: Path) -> None:
        """Let the next training add a data set's categories to this model."""
        try:
            config = warm_config(read_run_config(run_dir))
        except UserError as error:
            self.messages.warn(run_dir.name, Failure.of(error))
            return
        self._origin = run_dir
        self.show_new()
        self.settings.go_on_from(run_dir.name, config)
        self.messages.inform(f"Choose the folder of the additional parts for {run_dir.name}.")

    def begin_anew(self) -> None:
        """Let the next training start from scratch."""
        if self._origin is not None:
            self._origin = None
            self.settings.go_on_from("", None)

    def train(self) -> None:
        """Start the training set up in the two panels."""
        config, found = self.settings.config, self.data.found
        if config is None or found is None or not self.data.categories:
            return
        asked = [one for one in found.dataset.questions if one.category in self.data.categories]
        if asked and config.data.defective_names == "refuse":
            ask_whether_good(self.messages, asked, self._learn_anyway)
            return
        self._launch(config, found)

    def _learn_anyway(self) -> None:
        if self.settings.config is not None and self.data.found is not None:
            config = override(self.settings.config, data={"defective_names": "learn"})
            self._launch(config, self.data.found)

    def _launch(self, config: Config, found: Survey) -> None:
        order = TrainOrder(
            found.root,
            self.data.categories,
            config,
            self.settings.out,
            str(self.settings.device.currentData()),
            self._origin,
        )
        try:
            training.launch(order)
        except UserError as error:
            self.messages.warn("The training could not be started", Failure.of(error))
            return
        self.begin_anew()
        self.show_run(order.out, started=True)
        self._refresh()
        self._choose_row(order.out)
        self.settings.suggest_name(found.root.name)

    def measure(self) -> None:
        """Measure how long the training set up in the two panels takes."""
        if self.settings.config is not None:
            self.pacer.measure(self.settings.config, str(self.settings.device.currentData()))

    def stop(self) -> None:
        """Save and stop; a waiting training is removed from the queue."""
        if self.model.follow is None:
            return
        run_dir = self.model.follow.run_dir
        if self._try(training.ask_to_stop, run_dir) and not run_dir.exists():
            self.show_new()

    def stop_later(self, wanted: bool) -> None:
        """Stop after the current epoch, or withdraw that request."""
        if self.model.follow is not None:
            self._try(lambda run_dir: training.ask_to_stop_after_epoch(run_dir, wanted), self.model.follow.run_dir)

    def resume(self) -> None:
        """Resume the current run on its data set."""
        if self.model.follow is None:
            return
        run_dir = self.model.follow.run_dir
        if self._try(lambda run_dir: training.resume(run_dir, training.dataset_of(run_dir)), run_dir):
            self.show_run(run_dir, started=True)

    def evaluate(self) -> None:
        """Evaluate the current run on the test scans of its data set."""
        if self.model.follow is not None:
            self._try(
                lambda run_dir: self.evaluator.start(run_dir, training.dataset_of(run_dir)), self.model.follow.run_dir
            )

    def inspect(self) -> None:
        """Use the current run as the window's model."""
        if self.model.follow is not None:
            run_dir = self.model.follow.run_dir
            self._settings.run_dir = run_dir
            self._session.use_model(run_dir)
            self._session.navigate(ShowWorkspace("inspect"))

    def _try(self, act: Callable[[Path], object], run_dir: Path) -> bool:
        try:
            act(run_dir)
        except UserError as error:
            self.messages.warn(run_dir.name, Failure.of(error))
            return False
        return True

    # Wiring

    def _layout(self) -> None:
        side = QFrame(objectName="panel")
        inside = QVBoxLayout(side)
        inside.setContentsMargins(8, 8, 8, 8)
        inside.setSpacing(7)
        inside.addWidget(self.new)
        inside.addWidget(self.none_yet)
        inside.addWidget(self.list, 1)
        inside.addWidget(self.queue)
        setup = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        setup.addWidget(self.data)
        setup.addWidget(self.settings)
        setup.setSizes([640, 384])
        setup.setStretchFactor(0, 1)
        self.stack.addWidget(setup)
        self.stack.addWidget(self.progress)
        split = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        split.addWidget(side)
        split.addWidget(self.stack)
        split.setSizes([210, 900])
        split.setStretchFactor(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(7)
        column.addWidget(self.messages)
        column.addWidget(split, 1)
        column.addWidget(self.status)
        self.status.hide()

    def _connect(self) -> None:
        self.new.clicked.connect(self.show_new)
        self.settings.anew_wanted.connect(self.begin_anew)
        self._actions[0].triggered.connect(self.show_new)
        self._actions[1].triggered.connect(self.data.choose.click)
        self._actions[2].triggered.connect(self.data.bring.click)
        self.list.itemActivated.connect(self._on_picked)
        self.list.itemClicked.connect(self._on_picked)
        self.data.folder_wanted.connect(self.use_dataset)
        self.data.import_wanted.connect(self.import_parts)
        self.data.changed.connect(self._on_ticked)
        self.pacer.devices_found.connect(self.settings.show_devices)
        self.pacer.busy_changed.connect(self.settings.estimate.show_busy)
        self.pacer.failed.connect(self.settings.estimate.show_failed)
        self.pacer.measured.connect(self._on_measured)
        self.settings.estimate.measure_wanted.connect(self.measure)
        self.settings.train_wanted.connect(self.train)
        self.progress.stop_wanted.connect(self.stop)
        self.progress.stop_later_wanted.connect(self.stop_later)
        self.progress.resume_wanted.connect(self.resume)
        self.progress.inspect_wanted.connect(self.inspect)
        self.progress.evaluate_wanted.connect(self.evaluate)
        self.evaluator.busy_changed.connect(self._show_evaluating)
        self.evaluator.finished.connect(self._on_evaluated)
        self.status.cancel_wanted.connect(self.survey.cancel)
        self.status.cancel_wanted.connect(self.evaluator.cancel)
        self.survey.progressed.connect(self._show_progress)
        self.survey.listed.connect(self._on_listed)
        self.survey.checked.connect(self._on_checked)
        self.survey.failed.connect(lambda failure: self.messages.warn("This folder", failure))
        self.model.followed.connect(self._on_followed)
        self.model.queue_changed.connect(self._on_queue)
        self.queue.reordered.connect(lambda order: self._try(lambda _: training.reorder(order), self._runs))
        self.queue.removed.connect(self._leave_queue)
        self.queue.chosen.connect(self.show_run)
        self.model.curves_grew.connect(self.progress.show_curves)

    def _show_progress(self, progress: object) -> None:
        self.status.show_progress(progress)
        self.status.setVisible(progress is not None)

    def _show_evaluating(self, busy: bool) -> None:
        self.progress.evaluate.setEnabled(not busy)
        self._show_progress(Progress(0.0, "evaluating on the test scans, a few seconds each") if busy else None)

    def _on_evaluated(self, run_dir: Path, failure: str) -> None:
        if failure:
            self.messages.warn(run_dir.name, Failure(failure, "", failure))
        elif self.model.follow is not None and self.model.follow.run_dir == run_dir:
            self.progress.show_follow(self.model.follow)

    def _on_ticked(self) -> None:
        self.settings.set_categories(len(self.data.categories), self.data.n_scans)

    def _on_measured(self, config: Config, device: str, pace: Pace) -> None:
        keep_pace(config, device, pace)
        self._on_ticked()

    def _on_listed(self, found: Survey) -> None:
        self.data.show_survey(found)
        self.settings.suggest_name(found.root.name)

    def _on_checked(self, found: Survey) -> None:
        self.data.show_survey(found)
        if unclear := without_columns(found):
            ask = lambda: ask_columns(self.messages, unclear, found.root, self.use_dataset)  # noqa: E731
            self.messages.warn(unclear.name, Failure("its x, y and z cannot be identified", "", ""), CHOOSE, ask)

    def _on_followed(self, seen: Follow) -> None:
        self.progress.show_follow(seen)
        if self._phases.get(seen.run_dir) is not seen.phase:
            self._phases[seen.run_dir] = seen.phase
            self._refresh()
            self._choose_row(seen.run_dir)

    def _on_queue(self, waiting: list[Path]) -> None:
        self.queue.show_waiting(waiting)
        self.settings.set_waiting(waiting)
        shown = None if self.model.follow is None else self.model.follow.run_dir
        self._phases = {run: phase for run, phase in self._phases.items() if run == shown}  # check the others again
        self._refresh()
        if self.model.follow is not None:
            self._choose_row(self.model.follow.run_dir)

    def _leave_queue(self, run_dir: Path) -> None:
        self._try(training.leave_queue, run_dir)
        if self.model.follow is not None and self.model.follow.run_dir == run_dir and not run_dir.exists():
            self.show_new()

    def _on_picked(self, item: QListWidgetItem) -> None:
        self.show_run(Path(item.data(DIR)))

    def _refresh(self) -> None:
        """List the runs, including the current one even before it has a directory."""
        found = training.runs_in(self._runs)
        shown = self.model.follow.run_dir if self.model.follow is not None else None
        ordered = self.model.ordered
        if shown is not None and shown not in found and (shown not in ordered.waiting or shown in ordered.first):
            found.insert(0, shown)
        self._phases = {run: self._phases.get(run) or training.phase_now(run) for run in found}
        self.list.clear()
        for run in found:
            item = QListWidgetItem(run.name)
            item.setData(DIR, str(run))
            item.setToolTip(plain_tip(printable(run)))
            self.list.addItem(item)
        self.none_yet.setVisible(not found)
        self._dress_list()

    def _dress_list(self) -> None:
        for row in range(self.list.count()):
            item = self.list.item(row)
            phase = self._phases.get(Path(item.data(DIR)), Phase.INTERRUPTED)
            colour = {
                Phase.COMPLETE: self._theme.ok,
                Phase.RUNNING: self._theme.accent,
                **dict.fromkeys(BROKEN, self._theme.ng),
            }
            item.setIcon(icon(ICONS[phase], colour.get(phase, self._theme.quiet)))
