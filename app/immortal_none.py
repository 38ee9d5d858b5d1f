"""Keeps Python alive under PySide6 6.12 on Python 3.11, which would end with "deallocating None" or "True or False".

That build of PySide6 returns None from every void method, and True or False from every question, without taking a
reference, as it may from Python 3.12 on, where they are immortal (PEP 683). On 3.11 each call takes one reference
away, and a few thousand of them end the process. So each is given more references than any session can use up, which
is what immortality means.
"""

from __future__ import annotations

import ctypes
import sys

PLENTY = 1 << 48


def make_none_immortal() -> None:
    """Does nothing where Python does it itself."""
    if sys.version_info < (3, 12):
        for constant in (None, True, False):
            # The reference count is the first field of every object of CPython.
            ctypes.c_ssize_t.from_address(id(constant)).value += PLENTY
