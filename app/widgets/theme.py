"""One look in light and dark: Fusion with palettes of our own and a small style sheet.

Verdict colours differ in lightness as well as in hue and never stand alone: an icon and a word go with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from app.settings import ThemeChoice
from app.widgets.style_sheet import style_sheet


@dataclass(frozen=True)
class Theme:
    """Every colour of the window, as #rrggbb."""

    name: str
    window: str
    panel: str
    raised: str
    line: str
    ink: str
    quiet: str
    faint: str
    accent: str
    on_accent: str
    chosen: str
    ok: str
    ng: str
    uncertain: str
    view_bottom: str
    view_top: str
    view_ink: str
    view_accent: str


LIGHT = Theme(
    "light", window="#eceff3", panel="#ffffff", raised="#f4f6f9", line="#d5dbe3", ink="#1a2029", quiet="#566172",
    faint="#8b95a4", accent="#1f63d6", on_accent="#ffffff", chosen="#dce8fc", ok="#0b7a75", ng="#c2410c",
    uncertain="#8a6100", view_bottom="#2b313b", view_top="#475062", view_ink="#e8ecf2", view_accent="#7cc4ff",
)  # fmt: skip
DARK = Theme(
    "dark", window="#14171c", panel="#1c2027", raised="#252a33", line="#333a45", ink="#e7eaef", quiet="#a3adbb",
    faint="#717c8c", accent="#5c9dff", on_accent="#0b1220", chosen="#223655", ok="#3fc1b4", ng="#ff8a5c",
    uncertain="#e5b84b", view_bottom="#171a20", view_top="#2c323d", view_ink="#e8ecf2", view_accent="#7cc4ff",
)  # fmt: skip


def choose(choice: ThemeChoice) -> Theme:
    """The theme for that choice; `system` asks the desktop, and an undecided desktop means light."""
    if choice == "system":
        dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if choice == "dark" else LIGHT


def apply(app: QApplication, theme: Theme) -> None:
    """Dress the whole application."""
    app.setStyle(QStyleFactory.create("Fusion"))
    app.setPalette(_palette(theme))
    app.setStyleSheet(style_sheet(theme))


@cache
def icon(name: str, colour: str) -> QIcon:
    """A vector icon of Material Design, sharp at every scale. name: as in qtawesome without the prefix."""
    import qtawesome

    return qtawesome.icon(f"mdi6.{name}", color=colour, color_disabled=_faded(colour))


def icon_size(pixels: int) -> QSize:
    return QSize(pixels, pixels)


def verdict_look(theme: Theme, verdict: str | None, uncertain: bool) -> tuple[str, str, str]:
    """Word, icon name and colour of a verdict: "ok", "ng" or None."""
    if verdict is None:
        return "", "circle-outline", theme.faint
    if uncertain:
        return "Uncertain", "help-rhombus-outline", theme.uncertain
    return ("NG", "alert-octagon", theme.ng) if verdict == "ng" else ("OK", "check-circle", theme.ok)


def _faded(colour: str) -> QColor:
    faded = QColor(colour)
    faded.setAlphaF(0.35)
    return faded


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.window, role.WindowText: theme.ink, role.Base: theme.panel, role.AlternateBase: theme.raised,
        role.Text: theme.ink, role.Button: theme.raised, role.ButtonText: theme.ink, role.BrightText: theme.ng,
        role.Highlight: theme.accent, role.HighlightedText: theme.on_accent, role.Link: theme.accent,
        role.ToolTipBase: theme.raised, role.ToolTipText: theme.ink, role.PlaceholderText: theme.faint,
        role.Light: theme.raised, role.Midlight: theme.line, role.Mid: theme.line, role.Dark: theme.line,
        role.Shadow: theme.window, role.Accent: theme.accent,
    }  # fmt: skip
    palette = QPalette()
    for each, colour in colours.items():
        palette.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(theme.faint))
    return palette
