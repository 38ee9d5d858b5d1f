"""Names of channels as runs store them: some had other names when the first runs were made.

Also the order in which limits, peaks and the weights of judges are stored, which is that of the stored names.
"""

from __future__ import annotations

STORED = {"gap_": "bare_", "outlier_": "stray_"}


def stored_name(name: str) -> str:
    """The stored name of a channel, and of the network's counterpart (`implicit_...`)."""
    return _replaced(name, STORED)


def current_name(stored: str) -> str:
    """The inverse of `stored_name`."""
    return _replaced(stored, {old: new for new, old in STORED.items()})


def _replaced(name: str, words: dict[str, str]) -> str:
    for before, after in words.items():
        name = name.replace(before, after)
    return name
