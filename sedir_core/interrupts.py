"""Ctrl-C and SIGTERM: the first asks a job to stop at the next good place, the second does not wait for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Ask:
    """The handler; whoever finds it installed is inside of a job that listens already."""

    def __init__(self, tell: Callable[[], object] | None) -> None:
        self.asked = threading.Event()
        self._tell = tell

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.asked.is_set():
            raise KeyboardInterrupt
        self.asked.set()
        if self._tell is not None:
            self._tell()


@contextmanager
def interruptible(tell: Callable[[], object] | None = None) -> Iterator[Callable[[], bool]]:
    """What becomes True at the first Ctrl-C or SIGTERM; the second raises KeyboardInterrupt.

    tell: called at the first. Inside another such block, which hears the signals, it is that block's answer. Where
    signals cannot be caught, off the main thread, it stays False.
    """
    outer = signal.getsignal(signal.SIGINT)
    if isinstance(outer, _Ask):
        yield outer.asked.is_set
        return
    ask = _Ask(tell)
    if threading.current_thread() is not threading.main_thread():
        yield ask.asked.is_set
        return
    previous = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        yield ask.asked.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
