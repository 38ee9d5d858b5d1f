"""How numbers stand on the screen: one way for all, whatever the desktop's locale.

A point before the decimals and a thin space between thousands: to eyes that are used to decimal commas `1,046 mm²` is
one square millimetre. Spin boxes follow through Qt's default locale. Files stay as the core writes them.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QLocale

GROUP = "\N{NARROW NO-BREAK SPACE}"
KEPT_TOGETHER = "\N{NO-BREAK SPACE}%"
_COMMA = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def use_one_locale() -> None:
    """For every widget that is made from now on."""
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
    """Words of the core with their numbers as they stand on the screen."""
    return _COMMA.sub(GROUP, text)
