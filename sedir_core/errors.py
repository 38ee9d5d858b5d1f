"""Errors that a user can fix: each says where, what, and how to fix it.

Bugs are never wrapped in these; they keep their traceback and reach the crash dialog.
"""

from __future__ import annotations

from pathlib import Path

from sedir_core.names import printable


class UserError(Exception):
    """Base of every failure caused by the input or the environment.

    where: the file, folder or option; what: the reason in one clause; hint: what to do about it.
    `kind` (the class name in snake case) is what `inspect --json` prints.
    """

    def __init__(self, where: Path | str, what: str, hint: str = "") -> None:
        # Shown on terminals, in reports and tables: a file name must not inject lines or control characters.
        self.where, self.what, self.hint = printable(where), printable(what), printable(hint)
        super().__init__(f"{self.where}: {self.what}" + (f" ({self.hint})" if self.hint else ""))

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, str]]:
        return type(self), (self.where, self.what, self.hint)  # makes it picklable, for worker processes

    @property
    def kind(self) -> str:
        """The class in snake_case, for JSON."""
        name = type(self).__name__
        return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


class UnreadableScan(UserError):
    """The file is missing, broken, inconsistent about its size, or not a scan."""


class UnknownColumns(UnreadableScan):
    """A table whose x, y and z columns cannot be identified; the user must choose them."""

    KIND = "unknown_columns"


class NoCoordinates(UnreadableScan):
    """Numbers that are not points: a height image, a list of triangles, labels."""


class TooFewPoints(UserError):
    """Fewer distinct finite points than the method needs."""


class BadDataset(UserError):
    """The folder has no known layout, or a category lacks normal scans."""


class BadRun(UserError):
    """A run directory, bundle or checkpoint that is missing, damaged or of a newer version."""


class BadWeights(UserError):
    """A weights file with missing names, wrong shapes, or anything that is not plain tensors."""


class BadConfig(UserError):
    """A setting out of range, unknown, or contradicting another."""


class UnknownCategory(UserError):
    """A category the run was not trained on."""


class RunLocked(UserError):
    """Another process is training in this run directory."""


class DeviceUnavailable(UserError):
    """The requested device does not exist on this machine, or is out of memory."""


class TrainingDiverged(UserError):
    """The loss or its gradient became NaN or infinite."""


class BadHistory(UserError):
    """The history is damaged, of a newer version, not ours, or unreachable."""


class CannotWrite(UserError):
    """The target is read-only, full, or not a folder."""


class Cancelled(Exception):
    """The user asked to stop; nothing partial was recorded as complete."""
