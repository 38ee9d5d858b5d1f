"""Progress of a whole training and its remaining time, from events that each describe one stage."""

from __future__ import annotations

import math

from sedir_core.config import Config, preset
from sedir_core.training.events import AnyEvent, StageEvent, StepEvent

STEPS = "steps"
KINDS = {
    "recall": "align",
    "align": "align",
    "encode": "encode",
    "learn what to expect": "expect",
    "learn good surfaces": "surface",
    "learn to draw": "surface",
}
"""Kind of work by prefix of a stage; all other stages come after these, and calibrate."""
SHARES = {"align": 0.12, "encode": 0.05, "expect": 0.1, STEPS: 0.2, "surface": 0.1, "calibrate": 0.43}
"""Shares of the time, measured over 30 trainings with the preset `desktop`, in the order of the work."""
LEAST_KNOWN = 0.02  # share of the whole; less says nothing about the rest


class Whole:
    """Progress of a training with these settings. fraction: done, 0 to 1. left_s: seconds left; None while unknown.

    Stages that a method does not have no longer count once they have been skipped.
    """

    def __init__(self, config: Config) -> None:
        self._shares = _shares_of(config)
        self._order = list(self._shares)
        self._begin()

    def _begin(self) -> None:
        self.fraction = 0.0
        self.left_s: float | None = None
        self._last_s, self._took_s = math.inf, 0.0
        self._kind, self._of_kind = "", 0.0
        self._passed, self._timed = 0.0, 0.0  # of the shares

    def add(self, event: AnyEvent) -> None:
        """Update the progress from the next event of the run; only stages and steps count."""
        match event:
            case StageEvent():
                self._reach(_kind_of(event.stage), event.fraction, event.time)
            case StepEvent():
                self._reach(STEPS, event.step / max(event.n_steps, 1), event.time)

    def _reach(self, kind: str, of_kind: float, now_s: float) -> None:
        if self._kind and self._order.index(kind) < self._order.index(self._kind):
            self._begin()  # a resumed training
        self._took_s += max(now_s - self._last_s, 0.0)  # a clock may be set back
        self._last_s = now_s
        if kind != self._kind:
            if self._kind:
                self._timed += self._shares[self._kind] * (1 - self._of_kind)
                self._passed += self._shares[self._kind]
            self._kind, self._of_kind = kind, of_kind  # what a resumed training finds done took no time
        own, later = self._shares[kind], self._order[self._order.index(kind) + 1 :]
        self._timed += own * max(of_kind - self._of_kind, 0.0)
        self._of_kind = max(of_kind, self._of_kind)
        done = self._passed + own * self._of_kind
        left = own * (1 - self._of_kind) + sum(self._shares[name] for name in later)
        self.fraction = done / (done + left)
        known = self._timed > LEAST_KNOWN * (done + left)
        self.left_s = left * self._took_s / self._timed if known else None


def _kind_of(stage: str) -> str:
    return next((kind for begin, kind in KINDS.items() if stage.startswith(begin)), "calibrate")


def _shares_of(config: Config) -> dict[str, float]:
    """Relative time of each kind of work, scaled by how often these settings do it."""
    asked, usual = config.training, preset("desktop").training
    often = {
        "encode": (asked.samplings + asked.views) / (usual.samplings + usual.views),
        "expect": asked.expectation_steps / usual.expectation_steps,
        STEPS: asked.epochs / usual.epochs,
        "surface": asked.surface_steps / usual.surface_steps,
        "calibrate": asked.held_out / usual.held_out,
    }
    return {kind: share * often.get(kind, 1.0) for kind, share in SHARES.items()}
