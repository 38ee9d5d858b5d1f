"""Undoable edits of the session: reviews, comments, removals, limits, and the chosen category.

Limits and the category can be changed from several places, so they are picked up from the session's signals; reviews
and removals are made through this module. The history is append-only: undoing an override adds another override.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.state.entries import Entry, LimitKey, State
from app.state.session import Session
from sedir_core.types import Decision

MOST_STEPS = 200
MERGE_S = 0.6
"""Limit changes in quick succession are merged: a held key, the wheel, a double-click."""
LIMIT_ID = 1

Review = tuple[Decision | None, str]


class Edits(QObject):
    """Owns the undo stack; `stack` creates the Undo and Redo actions."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.stack = QUndoStack(self)
        self.stack.setUndoLimit(MOST_STEPS)
        self._limits, self._category = dict(session.limits), session.category
        self._replaying = False
        session.limit_changed.connect(self._on_limit_changed)
        session.category_changed.connect(self._on_category_changed)

    def review(self, entry_id: int, verdict: Decision | None) -> None:
        """Confirm, override, or return to the model's verdict, which also removes the comment."""
        entry = self._reviewable(entry_id)
        if entry is not None:
            comment = entry.review_comment if verdict is not None else ""
            word = f"Set {entry.stem} to {verdict.upper()}" if verdict else f"Back to the Model on {entry.stem}"
            self._push_review(entry, (verdict, comment), word)

    def comment(self, entry_id: int, text: str) -> None:
        """Set the comment on the verdict; an empty one removes it."""
        entry = self._reviewable(entry_id)
        if entry is not None:
            self._push_review(entry, (entry.review, text.strip()), f"Comment on {entry.stem}")

    def remove(self, ids: Iterable[int]) -> None:
        """Remove scans from the list; undoing restores them with their results."""
        going = set(ids)
        gone = [(row, entry) for row, entry in enumerate(self._session.entries) if entry.id in going]
        if gone:
            self.stack.push(_Removal(self._session, gone))

    def _reviewable(self, entry_id: int) -> Entry | None:
        entry = self._session.get(entry_id)
        return entry if entry is not None and entry.detection is not None and entry.state is State.DONE else None

    def _push_review(self, entry: Entry, after: Review, text: str) -> None:
        if after != (entry.review, entry.review_comment):
            self.stack.push(_Reviewing(self._session, entry, after, _escaped(text)))

    def _on_limit_changed(self, _: float) -> None:
        before, self._limits = self._limits, dict(self._session.limits)
        if before != self._limits and not self._replaying:
            self.stack.push(_LimitMove(self, before, self._limits))

    def _on_category_changed(self, category: str) -> None:
        before, self._category = self._category, category
        # No model means that it is being replaced, and with it the available categories.
        if self._session.model is not None and not self._replaying:
            self.stack.push(_CategoryChoice(self, before, category))

    def set_limits(self, limits: Mapping[LimitKey, float]) -> None:
        """Like `set_category`, pushes no new step: called by the steps themselves."""
        with self._replay():
            self._session.set_limits(limits)

    def set_category(self, category: str, run_dir: Path) -> bool:
        """False if another model, which may not know the category, is in use."""
        with self._replay():
            if self._session.run_dir == run_dir:
                self._session.set_category(category)
        return self._session.run_dir == run_dir

    @property
    def run_dir(self) -> Path:
        return self._session.run_dir

    @contextmanager
    def _replay(self) -> Iterator[None]:
        self._replaying = True
        try:
            yield
        finally:
            self._replaying = False


class _Reviewing(QUndoCommand):
    """Valid while the reviewed result exists."""

    def __init__(self, session: Session, entry: Entry, after: Review, text: str) -> None:
        super().__init__(text)
        self._session, self._id, self._raw = session, entry.id, entry.raw
        self._before: Review = (entry.review, entry.review_comment)
        self._after = after

    def undo(self) -> None:
        self._set(self._before)

    def redo(self) -> None:
        self._set(self._after)

    def _set(self, review: Review) -> None:
        entry = self._session.get(self._id)
        if entry is None or entry.raw is not self._raw:
            self.setObsolete(True)  # inspected again in the meantime
        else:
            self._session.review(self._id, *review)


class _Removal(QUndoCommand):
    """Keeps the entries, without what can be read from their files again."""

    def __init__(self, session: Session, gone: list[tuple[int, Entry]]) -> None:
        name = gone[0][1].name if len(gone) == 1 else f"{len(gone)} Scans"
        super().__init__(_escaped(f"Remove {name}"))
        self._session, self._current = session, session.current
        self._gone = [(row, _lighter(entry)) for row, entry in gone]

    def undo(self) -> None:
        self._session.restore(self._gone)
        if self._current in {entry.id for _, entry in self._gone}:
            self._session.show(self._current)

    def redo(self) -> None:
        self._session.remove([entry.id for _, entry in self._gone])


class _LimitMove(QUndoCommand):
    def __init__(self, edits: Edits, before: dict[LimitKey, float], after: dict[LimitKey, float]) -> None:
        super().__init__("Move the Limit" if after else "Calibrated Limits")
        self._edits, self._before, self._after = edits, before, after
        self._at_s = time.monotonic()

    def id(self) -> int:
        return LIMIT_ID

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802
        if not isinstance(other, _LimitMove) or other._at_s - self._at_s > MERGE_S:
            return False
        self._after, self._at_s = other._after, other._at_s
        self.setText(other.text())
        self.setObsolete(self._after == self._before)
        return True

    def undo(self) -> None:
        self._edits.set_limits(self._before)

    def redo(self) -> None:
        self._edits.set_limits(self._after)


class _CategoryChoice(QUndoCommand):
    """Valid while the model it was made for is in use."""

    def __init__(self, edits: Edits, before: str, after: str) -> None:
        super().__init__(f"Set the Part to {'Automatic' if after == 'auto' else after}")
        self._edits, self._before, self._after = edits, before, after
        self._run_dir = edits.run_dir

    def undo(self) -> None:
        self.setObsolete(not self._edits.set_category(self._before, self._run_dir))

    def redo(self) -> None:
        self.setObsolete(not self._edits.set_category(self._after, self._run_dir))


def _lighter(entry: Entry) -> Entry:
    state = State.WAITING if entry.state is State.RUNNING else entry.state
    # A past inspection is shown as it was, whatever its file contains today.
    return entry if entry.past is not None else replace(entry.without_points(), state=state)


def _escaped(text: str) -> str:
    """In a menu an ampersand would underline the next letter."""
    return text.replace("&", "&&")
