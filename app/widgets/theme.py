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
    app.setStyleSheet(_sheet(theme))


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


def _sheet(t: Theme) -> str:
    return f"""
    QMainWindow::separator {{ background: {t.window}; width: 7px; height: 7px; }}
    QMainWindow::separator:hover {{ background: {t.accent}; }}
    QSplitter::handle {{ background: {t.window}; }}
    QSplitter::handle:horizontal {{ width: 7px; }}
    QSplitter::handle:hover {{ background: {t.accent}; }}
    QMenuBar {{ background: {t.window}; padding: 2px 4px; }}
    QMenuBar::item {{ padding: 5px 10px; border-radius: 4px; background: transparent; }}
    QMenuBar::item:selected {{ background: {t.raised}; }}
    QMenu {{ background: {t.panel}; border: 1px solid {t.line}; padding: 5px; }}
    QMenu::item {{ padding: 6px 26px 6px 12px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {t.chosen}; color: {t.ink}; }}
    QMenu::item:disabled {{ color: {t.faint}; }}
    QMenu::separator {{ height: 1px; background: {t.line}; margin: 5px 8px; }}
    QToolBar {{ background: {t.window}; border: none; padding: 4px 8px; spacing: 6px; }}
    QToolBar::separator {{ background: {t.line}; width: 1px; margin: 5px 6px; }}
    QToolButton {{ padding: 5px 10px; border: 1px solid transparent; border-radius: 6px; }}
    QToolButton:hover {{ background: {t.raised}; border-color: {t.line}; }}
    QToolButton:pressed, QToolButton:checked {{ background: {t.chosen}; }}
    QPushButton#review {{ padding: 5px 8px; }}
    QFrame#rule {{ border: none; background: {t.line}; max-height: 1px; min-height: 1px; }}
    QToolButton#chip {{ padding: 2px 7px 2px 5px; border: 1px solid {t.line}; border-radius: 11px;
        background: {t.panel}; color: {t.quiet}; }}
    QToolButton#chip:hover {{ border-color: {t.accent}; }}
    QToolButton#chip:checked {{ background: {t.chosen}; border-color: {t.accent}; color: {t.ink}; }}
    QToolButton#bare {{ padding: 5px; }}
    QToolButton#bare::menu-indicator {{ image: none; }}
    QPushButton {{ background: {t.raised}; border: 1px solid {t.line}; border-radius: 6px; padding: 6px 14px; }}
    QPushButton:hover {{ border-color: {t.accent}; }}
    QPushButton:pressed {{ background: {t.chosen}; }}
    QPushButton:disabled {{ color: {t.faint}; }}
    QPushButton#primary {{ background: {t.accent}; color: {t.on_accent}; border-color: {t.accent}; font-weight: 600; }}
    QPushButton#primary:disabled {{ background: {t.raised}; color: {t.faint}; border-color: {t.line}; }}
    QPushButton#primary:hover {{ border-color: {t.ink}; }}
    QPushButton:focus, QToolButton:focus, QComboBox:focus {{ border-color: {t.accent}; }}
    QComboBox {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 6px; padding: 4px 10px; }}
    QComboBox::drop-down {{ border: none; width: 22px; }}
    QComboBox::down-arrow {{ width: 0px; height: 0px; border-left: 4px solid {t.panel}; margin-right: 8px;
        border-right: 4px solid {t.panel}; border-top: 5px solid {t.quiet}; }}
    QCheckBox::indicator:unchecked, QTreeView::indicator:unchecked {{ width: 12px; height: 12px;
        border: 1px solid {t.faint}; border-radius: 3px; background: {t.panel}; }}
    QAbstractSpinBox {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 6px;
        padding: 3px 4px 3px 8px; }}
    QAbstractSpinBox:focus {{ border-color: {t.accent}; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; background: transparent; width: 16px; }}
    QAbstractSpinBox::up-arrow {{ width: 0px; height: 0px; border-left: 3px solid {t.panel};
        border-right: 3px solid {t.panel}; border-bottom: 4px solid {t.quiet}; }}
    QAbstractSpinBox::down-arrow {{ width: 0px; height: 0px; border-left: 3px solid {t.panel};
        border-right: 3px solid {t.panel}; border-top: 4px solid {t.quiet}; }}
    QLineEdit, QPlainTextEdit {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 6px;
        padding: 5px 8px; }}
    QLineEdit:focus, QPlainTextEdit:focus {{ border-color: {t.accent}; }}
    QLabel#dockTitle {{ font-weight: 600; padding: 3px 4px 5px 4px; }}
    QFrame#panel, QFrame#pane, QListView, QTableView {{ background: {t.panel}; border: 1px solid {t.line};
        border-radius: 8px; }}
    QFrame#pane {{ border-radius: 4px; }}
    QListView, QTableView {{ outline: none; }}
    QTableView {{ selection-background-color: {t.chosen}; selection-color: {t.ink}; gridline-color: transparent; }}
    QTableView::item {{ padding: 0 5px; border-bottom: 1px solid {t.raised}; }}
    QHeaderView {{ background: {t.panel}; border: none; }}
    QHeaderView::section {{ background: {t.panel}; color: {t.quiet}; border: none; border-bottom: 1px solid {t.line};
        padding: 6px 5px; }}
    QToolButton#menuButton {{ padding-right: 20px; }}
    QToolButton#menuButton::menu-indicator {{ subcontrol-origin: padding; subcontrol-position: right center;
        right: 7px; }}
    QToolButton#choice {{ padding: 4px 2px; margin: 0; border: 1px solid {t.line}; }}
    QToolButton#choice:checked {{ border-color: {t.accent}; }}
    QStatusBar {{ background: {t.window}; color: {t.quiet}; }}
    QStatusBar::item {{ border: none; }}
    QProgressBar {{ background: {t.line}; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }}
    QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
    QSlider::groove:horizontal {{ background: {t.line}; height: 4px; border-radius: 2px; }}
    QSlider::handle:horizontal {{ background: {t.accent}; width: 14px; margin: -5px 0; border-radius: 7px; }}
    QLabel#quiet, QLabel#hint {{ color: {t.quiet}; }}
    QLabel#faint {{ color: {t.faint}; }}
    QLabel#wrong {{ color: {t.ng}; }}
    QListWidget#runs, QTableView#plain {{ border: none; }}
    QListWidget#runs::item {{ padding: 6px 4px; border-radius: 6px; }}
    QListWidget#runs::item:selected {{ background: {t.chosen}; color: {t.ink}; }}
    QTreeView {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 8px; outline: none; }}
    QTreeView::item {{ padding: 4px 2px; }}
    QTreeView::item:selected {{ background: {t.chosen}; color: {t.ink}; }}
    QScrollArea {{ background: transparent; border: none; }}
    QLabel#paneTitle, QLabel#sectionTitle {{ font-weight: 600; }}
    QLabel#paneWaiting {{ background: {t.view_bottom}; color: {t.view_ink}; qproperty-alignment: AlignCenter; }}
    QFrame#message {{ background: {t.raised}; border: 1px solid {t.line}; border-radius: 8px; }}
    QToolTip {{ background: {t.raised}; color: {t.ink}; border: 1px solid {t.line}; padding: 4px; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
    QScrollBar::handle {{ background: {t.line}; border-radius: 3px; min-height: 24px; min-width: 24px; }}
    QScrollBar::handle:hover {{ background: {t.faint}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    """
