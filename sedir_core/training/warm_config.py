"""Settings of a warm start; no torch here, since the window shows them before it is loaded."""

from __future__ import annotations

from sedir_core.config import Config, override

SHARE = 4
"""Fraction of the epochs and decoder steps of a training from scratch that a warm start uses."""


def warm_config(config: Config, epochs: int | None = None, seed: int = 0) -> Config:
    """A model's settings with a quarter of the epochs and half the learning rate, since there is little to learn."""
    changes = {
        "epochs": epochs or max(1, -(-config.training.epochs // SHARE)),
        "learning_rate": config.training.learning_rate / 2,
        "seed": seed,
    }
    return override(config, training=changes)
