"""What the presets change of the settings' defaults, which are the paper's; methods add their own to these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SMALL_ENCODER = {"weights": "small", "width": 192, "hidden": 64, "heads": 6, "depth": 2}

PRESET_VALUES: Mapping[str, Mapping[str, Any]] = {
    "paper": {},
    "desktop": {
        "encoder": _SMALL_ENCODER,
        "grouping": {"n_groups": 512, "group_size": 64, "working_points": 20_000},
        "network": {
            "width": 128,
            "depth": 2,
            "heads": 4,
            "feedforward": 512,
            "jitter_scale": 10.0,
            "rebuilt_from": "identity",
        },
        # Far fewer steps than the paper's 48,000, so the small terms need larger weights to have any effect.
        "loss": {"supervised_contrastive": 0.02, "classification": 0.05},
        "training": {
            "epochs": 25,
            "samplings": 4,
            "views": 3,
            "held_out": 2,
            "expectation_steps": 1000,
            "learning_rate": 1e-3,
            "clip_norm": 1.0,
        },
    },
    "tiny": {
        "encoder": _SMALL_ENCODER,
        "grouping": {"n_groups": 128, "group_size": 32, "working_points": 4_000},
        "network": {"width": 32, "depth": 1, "heads": 4, "feedforward": 64, "rebuilt_from": "identity"},
        "loss": {"supervised_contrastive": 0.02, "classification": 0.05},
        "training": {
            "epochs": 4,
            "samplings": 1,
            "held_out": 2,
            "patch_steps": 30,
            "surface_steps": 200,
            "expectation_steps": 150,
            "judge_steps": 200,
            "learning_rate": 1e-3,
            "clip_norm": 1.0,
        },
    },
}
