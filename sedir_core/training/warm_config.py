"""Settings of a training that goes on from a model; no torch here, the window shows them before it is loaded."""

from __future__ import annotations

from sedir_core.config import Config, override

SHARE = 4
"""A warm start takes this part of the epochs that a training from nothing does, and of the steps for surfaces."""


def warm_config(config: Config, epochs: int | None = None, seed: int = 0) -> Config:
    """A model's settings with a quarter of its epochs and half its rate: it has little to learn."""
    changes = {
        "epochs": epochs or max(1, -(-config.training.epochs // SHARE)),
        "learning_rate": config.training.learning_rate / 2,
        "seed": seed,
    }
    return override(config, training=changes)
