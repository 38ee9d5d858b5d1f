"""Ctrl-C and SIGTERM: the first asks a job to stop at the next safe point, the second stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C as we raise it.

    Python before 3.13 ends by the signal instead of with our exit status if a plain KeyboardInterrupt has ever passed
    through `exec` of a text (dataclasses and named tuples are made so), even though it was caught: run_eval_code_obj in
    Python/pythonrun.c compares the class itself.
    """


def raise_as_ours() -> None:
    """From now on Ctrl-C raises Interrupted, unless whoever started us has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted


class _StopRequest:
    """The signal handler; if it is already installed, an outer job handles the signals."""

    def __init__(self, tell: Callable[[], object] | None) -> None:
        self.asked = threading.Event()
        self._tell = tell

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.asked.is_set():
            raise Interrupted
        self.asked.set()
        if self._tell is not None:
            self._tell()


@contextmanager
def interruptible(tell: Callable[[], object] | None = None) -> Iterator[Callable[[], bool]]:
    """A function that returns True after the first Ctrl-C or SIGTERM; the second raises Interrupted.

    tell: called at the first. Nested blocks share the outer block's function. Off the main thread, where signals cannot
    be caught, it stays False.
    """
    outer = signal.getsignal(signal.SIGINT)
    if isinstance(outer, _StopRequest):
        yield outer.asked.is_set
        return
    ask = _StopRequest(tell)
    if threading.current_thread() is not threading.main_thread():
        yield ask.asked.is_set
        return
    previous = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        yield ask.asked.is_set
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Puts the handlers back that a library replaces within the block, also those set without Python."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # not set from Python
                signal.signal(number, handler)
