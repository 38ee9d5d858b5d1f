"""The light and dark themes: Fusion with our own palettes and a style sheet.

Verdict colours differ in lightness as well as hue and are always accompanied by an icon and a word.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from app.state.settings import ThemeChoice
from app.widgets.style_sheet import style_sheet
from app.widgets.tokens import DARK, LIGHT, Theme
from sedir_core.types import VERDICT_WORDS, Verdict

CAPTION = 0.92
LEAST_TEXT_PT = 10.0
"""Minimum size of ordinary text, if the desktop's is smaller."""


def choose(choice: ThemeChoice, text_percent: int = 100) -> Theme:
    """The theme for that choice; `system` asks the desktop, with light as fallback."""
    dark = choice == "dark"
    if choice == "system":
        dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    usual = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).pointSizeF()
    return replace(DARK if dark else LIGHT, text_pt=max(usual, LEAST_TEXT_PT) * text_percent / 100)


def apply(app: QApplication, theme: Theme) -> None:
    """Apply the theme to the whole application, unless it is applied already: every widget is styled anew each time."""
    font = QFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont))
    font.setPointSizeF(theme.text_pt)
    palette, sheet = _palette(theme), style_sheet(theme)
    if (app.styleSheet(), app.palette(), app.font()) == (sheet, palette, font):
        return
    app.setStyle(QStyleFactory.create("Fusion"))
    app.setPalette(palette)
    app.setFont(font)
    app.setStyleSheet(sheet)


@cache
def icon(name: str, colour: str) -> QIcon:
    """A Material Design vector icon. name: as in qtawesome, without the prefix."""
    import qtawesome

    return QIcon(qtawesome.icon(f"mdi6.{name}", color=colour, color_disabled=_faded(colour)))


def primary_icon(name: str, theme: Theme) -> QIcon:
    """An icon for a primary button; it has another colour while the button is disabled, as the background has."""
    import qtawesome

    return QIcon(qtawesome.icon(f"mdi6.{name}", color=theme.on_accent, color_disabled=theme.faint))


def icon_size(pixels: int) -> QSize:
    return QSize(pixels, pixels)


def caption_font(font: QFont) -> QFont:
    """The same font at caption size, for text beside a plot."""
    small = QFont(font)
    small.setPointSizeF(CAPTION * font.pointSizeF())
    return small


def verdict_look(theme: Theme, verdict: Verdict | None) -> tuple[str, str, str]:
    """Word, icon name and colour of a verdict; empty word without a verdict."""
    if verdict is None:
        return "", "circle-outline", theme.faint
    icons = {
        "ok": ("check-circle", theme.ok),
        "ng": ("alert-octagon", theme.ng),
        "uncertain": ("help-rhombus-outline", theme.uncertain),
    }
    return VERDICT_WORDS[verdict], *icons[verdict]


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


__all__ = ["DARK", "LIGHT", "Theme", "apply", "caption_font", "choose", "icon", "icon_size", "verdict_look"]
