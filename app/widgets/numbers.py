"""Number formatting on screen, independent of the desktop's locale.

A decimal point and a thin space between thousands: readers used to decimal commas take `1,046 mm²` for one square
millimetre. Spin boxes follow through Qt's default locale. Files stay as the core writes them.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QLocale

GROUP = "\N{NARROW NO-BREAK SPACE}"
KEPT_TOGETHER = "\N{NO-BREAK SPACE}%"
_COMMA = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def use_one_locale() -> None:
    """Applies to every widget created from now on."""
    locale = QLocale(QLocale.Language.English, QLocale.Country.UnitedStates)
    locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator | QLocale.NumberOption.RejectGroupSeparator)
    QLocale.setDefault(locale)


def grouped(count: int) -> str:
    """`1 046 812`."""
    return format(count, ",").replace(",", GROUP)


def whole_lines(text: str) -> str:
    """For labels of several lines: none ends between a number and its per cent."""
    return text.replace(" %", KEPT_TOGETHER)


def on_screen(text: str) -> str:
    """Text from the core with its numbers in screen format."""
    return _COMMA.sub(GROUP, text)
