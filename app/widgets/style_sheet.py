"""The window's style sheet, written in the colours of a theme."""

from __future__ import annotations

from app.widgets.tokens import Theme
from sedir_core.places import bundled_icons


def style_sheet(theme: Theme) -> str:
    """The application's style sheet."""
    return _frame(theme) + _controls(theme) + _content(theme) + _words(theme)


def _tick(t: Theme) -> str:
    return (bundled_icons() / f"tick-{t.name}.svg").as_posix()


def _frame(t: Theme) -> str:
    """Bars, menus and their buttons."""
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
    QPushButton#review {{ padding: 5px 6px; }}
    QPushButton#reviewIcon {{ padding: 5px 4px; }}
    QFrame#rule {{ border: none; background: {t.line}; max-height: 1px; min-height: 1px; }}
    QToolButton#chip {{ padding: 2px 7px 2px 5px; border: 1px solid {t.line}; border-radius: 11px;
        background: {t.panel}; color: {t.quiet}; }}
    QToolButton#chip:hover {{ border-color: {t.accent}; }}
    QToolButton#chip:checked {{ background: {t.chosen}; border-color: {t.accent}; color: {t.ink}; }}
    QToolButton#inBar {{ padding: 5px 6px; }}
    QToolButton#bare {{ padding: 5px; }}
    QToolButton#bare::menu-indicator {{ image: none; }}
    """


def _controls(t: Theme) -> str:
    """Buttons and fields."""
    return f"""
    QPushButton {{ background: {t.raised}; border: 1px solid {t.line}; border-radius: 6px; padding: 6px 14px; }}
    QPushButton:hover {{ border-color: {t.accent}; }}
    QPushButton:pressed {{ background: {t.chosen}; }}
    QPushButton:disabled {{ color: {t.faint}; }}
    QPushButton#primary {{ background: {t.accent}; color: {t.on_accent}; border-color: {t.accent}; font-weight: 600; }}
    QPushButton#primary:disabled {{ background: {t.raised}; color: {t.faint}; border-color: {t.line}; }}
    QPushButton#primary:hover {{ border-color: {t.ink}; }}
    QPushButton:focus, QToolButton:focus, QComboBox:focus {{ border-color: {t.accent}; }}
    QPushButton#primary:focus {{ border: 2px solid {t.ink}; padding: 5px 13px; }}
    QCheckBox:focus {{ color: {t.accent}; }}
    QSlider::handle:horizontal:focus {{ border: 2px solid {t.ink}; }}
    QComboBox {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 6px; padding: 4px 10px;
        combobox-popup: 0; }}
    QComboBox QAbstractItemView {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 0; padding: 3px;
        outline: none; }}
    QComboBox::drop-down {{ border: none; width: 22px; }}
    QComboBox::down-arrow {{ width: 0px; height: 0px; border-left: 4px solid {t.panel}; margin-right: 8px;
        border-right: 4px solid {t.panel}; border-top: 5px solid {t.quiet}; }}
    QCheckBox::indicator, QTreeView::indicator {{ width: 12px; height: 12px; border: 1px solid {t.faint};
        border-radius: 3px; background: {t.panel}; }}
    QCheckBox::indicator:checked, QTreeView::indicator:checked {{ border-color: {t.accent}; background: {t.accent};
        image: url("{_tick(t)}"); }}
    QRadioButton::indicator {{ width: 12px; height: 12px; border: 1px solid {t.faint}; border-radius: 7px;
        background: {t.panel}; }}
    QRadioButton::indicator:checked {{ width: 6px; height: 6px; border: 4px solid {t.accent};
        background: {t.on_accent}; }}
    QRadioButton::indicator:disabled {{ border-color: {t.line}; background: {t.raised}; }}
    QRadioButton:focus {{ color: {t.accent}; }}
    QRadioButton:disabled {{ color: {t.faint}; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QCheckBox::indicator:disabled, QTreeView::indicator:disabled {{ border-color: {t.line}; background: {t.raised}; }}
    QAbstractSpinBox {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 6px; padding: 3px 4px; }}
    QAbstractSpinBox:focus {{ border-color: {t.accent}; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; background: transparent; width: 16px; }}
    QAbstractSpinBox::up-arrow {{ width: 0px; height: 0px; border-left: 3px solid {t.panel};
        border-right: 3px solid {t.panel}; border-bottom: 4px solid {t.quiet}; }}
    QAbstractSpinBox::down-arrow {{ width: 0px; height: 0px; border-left: 3px solid {t.panel};
        border-right: 3px solid {t.panel}; border-top: 4px solid {t.quiet}; }}
    QLineEdit, QPlainTextEdit {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 6px;
        padding: 5px 8px; }}
    QLineEdit:focus, QPlainTextEdit:focus {{ border-color: {t.accent}; }}
    """


def _content(t: Theme) -> str:
    """Panels, lists, tables, labels."""
    return f"""
    QLabel#dockTitle {{ font-weight: 600; padding: 3px 4px 5px 4px; }}
    QFrame#panel, QFrame#pane, QListView, QTableView {{ background: {t.panel}; border: 1px solid {t.line};
        border-radius: 8px; }}
    QListView:focus, QTableView:focus, QTreeView:focus {{ border-color: {t.accent}; }}
    QFrame#pane {{ border-radius: 4px; }}
    QFrame#pane[focused="true"] {{ border-color: {t.accent}; }}
    QTabBar::tab:focus {{ color: {t.accent}; }}
    QListView, QTableView {{ outline: none; }}
    QListView::item {{ color: {t.ink}; padding: 4px 7px; border-radius: 4px; }}
    QListView::item:hover {{ background: {t.raised}; }}
    QListView::item:selected {{ background: {t.chosen}; color: {t.ink}; }}
    QTableView {{ selection-background-color: {t.chosen}; selection-color: {t.ink}; gridline-color: transparent; }}
    QTableView::item {{ padding: 0 5px; border-bottom: 1px solid {t.raised}; }}
    QHeaderView {{ background: transparent; border: none; }}
    QHeaderView::section {{ background: {t.panel}; color: {t.quiet}; border: none; border-bottom: 1px solid {t.line};
        padding: 6px 5px; }}
    QHeaderView::section:first {{ border-top-left-radius: 7px; }}
    QHeaderView::section:last {{ border-top-right-radius: 7px; }}
    QTableView QHeaderView::section {{ padding: 6px 8px; }}
    QToolButton#menuButton {{ padding: 5px 20px 5px 6px; }}
    QToolButton#menuButton::menu-indicator {{ subcontrol-origin: padding; subcontrol-position: right center;
        right: 7px; }}
    QToolButton#choice {{ padding: 4px 2px; margin: 0; border: 1px solid {t.line}; }}
    QToolButton#choice:checked {{ border-color: {t.accent}; }}
    QStatusBar {{ background: {t.window}; color: {t.quiet}; }}
    QStatusBar::item {{ border: none; }}
    QTabBar {{ qproperty-drawBase: 0; }}
    QTabBar::tab {{ background: transparent; color: {t.quiet}; padding: 6px 12px; border: none;
        border-bottom: 2px solid transparent; }}
    QTabBar::tab:hover {{ color: {t.ink}; }}
    QTabBar::tab:selected {{ color: {t.ink}; border-bottom-color: {t.accent}; }}
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
    QLabel#paneCaption {{ background: rgba(16, 19, 23, 150); color: {t.view_ink}; border-radius: 5px;
        padding: 3px 8px; font-weight: 600; }}
    QFrame#upright {{ border: none; background: {t.line}; max-width: 1px; min-width: 1px; margin: 5px 6px; }}
    QListView#plainList {{ background: transparent; border: 1px solid transparent; }}
    QListView#plainList:focus {{ border-color: {t.accent}; }}
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


def _words(t: Theme) -> str:
    """Text of non-standard size."""
    sizes = {"display": 1.6, "verdictWord": 2.3, "verdictScore": 1.45, "paneTitle": 1.05}
    large = "".join(f"QLabel#{name} {{ font-size: {size * t.text_pt:.1f}pt; }}\n" for name, size in sizes.items())
    return (
        large
        + f"""
    QLabel#display, QLabel#verdictWord, QLabel#verdictScore {{ font-weight: 700; }}
    QLabel#faint, QLabel#caption {{ font-size: {0.92 * t.text_pt:.1f}pt; }}
    """
    )
