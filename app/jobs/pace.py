"""Throughput and remaining time of a batch, from the completion times of its scans."""

from __future__ import annotations

from collections import deque

REMEMBERED = 20
"""Window of recent scans used for the estimate, because sizes vary along a folder."""
LEAST = 2
"""Scans needed before an estimate: the first one includes loading the model."""


class Throughput:
    """Call `tick` for each finished scan with a monotonic time."""

    def __init__(self) -> None:
        self._moments_s: deque[float] = deque(maxlen=REMEMBERED + 1)

    def tick(self, now_s: float) -> None:
        self._moments_s.append(now_s)

    def reset(self) -> None:
        self._moments_s.clear()

    @property
    def each_s(self) -> float | None:
        """Seconds per scan; None while too few are done."""
        if len(self._moments_s) <= LEAST:
            return None
        return (self._moments_s[-1] - self._moments_s[0]) / (len(self._moments_s) - 1)

    def text(self, left: int) -> str:
        """`1.3 s each · 4 min left`, or "" while unknown. left: remaining scans."""
        each = self.each_s
        if each is None or left < 1:
            return ""
        rate = f"{each:.1f} s each" if each >= 0.1 else f"{1 / max(each, 1e-3):.0f} a second"
        return f"{rate} · {duration(each * left)} left"


def duration(seconds: float) -> str:
    """`8 s`, `3 min`, `2 h 5 min`: to a useful precision."""
    if seconds < 60:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
