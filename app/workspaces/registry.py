"""The workspaces besides Inspect; each is imported and built when first shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from app.state.navigation import ImportRuns, Navigation, PlaceScans, TrainFurther
from app.state.session import Session
from app.state.settings import Settings
from app.widgets.theme import Theme

if TYPE_CHECKING:
    from app.workspaces.history.page import HistoryPage
    from app.workspaces.ice.page import IcePage
    from app.workspaces.runs.page import RunsPage
    from app.workspaces.train.page import TrainPage


class WorkspacePage(Protocol):
    """Interface of a workspace page, which is also a QWidget."""

    def set_theme(self, theme: Theme) -> None: ...

    def activate(self) -> None:
        """Called before the page is shown."""
        ...

    def close_down(self) -> bool:
        """End its jobs; True if they ended in time."""
        ...

    def actions(self) -> list[QAction]:
        """Actions for its menu."""
        ...

    def tools(self) -> list[QAction]:
        """Actions for the tool bar, each with an icon."""
        ...

    def take(self, wanted: Navigation) -> None:
        """Handle a request from another workspace."""
        ...


@dataclass(frozen=True)
class Workspace:
    """key: for `show_workspace`; icon: as in qtawesome; factory: session, settings, theme, parent.

    takes: the request types it handles.
    """

    key: str
    title: str
    icon: str
    factory: Callable[[Session, Settings, Theme, QWidget], WorkspacePage]
    takes: tuple[type[Navigation], ...] = ()


def _ice(session: Session, settings: Settings, theme: Theme, parent: QWidget) -> IcePage:
    from app.workspaces.ice.page import IcePage

    return IcePage(session, settings, theme, parent)


def _train(session: Session, settings: Settings, theme: Theme, parent: QWidget) -> TrainPage:
    from app.workspaces.train.page import TrainPage

    return TrainPage(session, settings, theme, parent)


def _history(session: Session, settings: Settings, theme: Theme, parent: QWidget) -> HistoryPage:
    from app.workspaces.history.page import HistoryPage

    return HistoryPage(session, settings, theme, parent)


def _runs(session: Session, settings: Settings, theme: Theme, parent: QWidget) -> RunsPage:
    from app.workspaces.runs.page import RunsPage

    return RunsPage(session, settings, theme, parent)


HOME = "inspect"
WORKSPACES = (
    Workspace("train", "Train", "school-outline", _train, (TrainFurther,)),
    Workspace("compare", "Compare", "scatter-plot-outline", _ice, (PlaceScans,)),
    Workspace("history", "History", "history", _history),
    Workspace("runs", "Runs", "layers-triple-outline", _runs, (ImportRuns,)),
)
