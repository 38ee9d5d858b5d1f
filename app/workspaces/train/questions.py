"""Questions before a training: which columns are x, y, z, and whether scans named as defective are good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from app.state.entries import Failure
from app.widgets.columns_dialog import ColumnsDialog
from app.widgets.messages import MessageBar
from sedir_core.datasets.index import Finding
from sedir_core.datasets.survey import Survey
from sedir_core.errors import UnknownColumns, UserError
from sedir_core.io.table_peek import peek_table

MOST_DOUBTS = 8  # number of files listed in the question about defective scans


def ask_whether_good(bar: MessageBar, doubts: Sequence[Finding], learn: Callable[[], object]) -> None:
    """Scans with names of defects are learned only after confirmation."""
    text = "Scans with such names are usually defective, and the model would learn their defects as normal."
    box = QMessageBox(QMessageBox.Icon.Warning, "Learn these as good?", text, parent=bar.window())
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText("\n".join(map(str, doubts[:MOST_DOUBTS])))
    box.addButton("They are good: learn them", QMessageBox.ButtonRole.AcceptRole).clicked.connect(learn)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()


def without_columns(found: Survey) -> Path | None:
    """The first table whose columns have not been identified yet."""
    unclear = (one.path for one in found.findings if one.kind == UnknownColumns.KIND)
    return next((path for path in unclear if path is not None), None)


def ask_columns(bar: MessageBar, path: Path, root: Path, answered: Callable[[Path], object]) -> None:
    """Ask which columns are x, y and z, for the whole data set. answered: called with its folder."""
    try:
        dialog = ColumnsDialog(path, peek_table(path), bar.window(), root)
    except UserError as error:
        bar.warn(path.name, Failure.of(error))
        return
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.answered.connect(answered)
    dialog.open()
