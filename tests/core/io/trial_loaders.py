"""Loaders that do what libraries do, at worst. Apart from the tests, so that the child that calls one loads little."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from sedir_core.io.child import Loaded, Refusal

POINTS = np.arange(900.0).reshape(300, 3)


def load_crash(path: Path) -> Loaded:
    import ctypes

    ctypes.string_at(0)
    raise AssertionError


def load_greedy(path: Path) -> Loaded:
    return Loaded(np.ones((10**9, 3)))


def load_endless(path: Path) -> Loaded:
    while True:
        time.sleep(0.01)


def load_noise(path: Path) -> Loaded:
    print("a library that talks", flush=True)
    return Loaded(POINTS)


def load_wrong_faces(path: Path) -> Loaded:
    return Loaded(POINTS, np.array([[0, 1, 300]]))


def load_refusing(path: Path) -> Loaded:
    raise Refusal("is upside down", "turn it")
