"""Times a complete miniature training on this machine."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from sedir_core.config import Config, override
from sedir_core.datasets.parts import PARTS
from sedir_core.datasets.specimen import make_specimen
from sedir_core.evidence.fitted_parts import MOST_POINTS
from sedir_core.io.export import write_points_ply
from sedir_core.runtime import choose_device
from sedir_core.training.events import AnyEvent
from sedir_core.training.pace import Pace, pace_of
from sedir_core.training.train import TrainRequest, train
from sedir_core.types import Stop, never_stop

N_SCANS = 2
CATEGORY = "bracket"
FEW_POINTS = 50_000  # assumed if the settings keep all points and the scans are unknown
SMALL = {"epochs": 3, "samplings": 1, "held_out": 1, "patch_steps": 20}


def measure_pace(config: Config, device: str, stop: Stop = never_stop) -> Pace:
    """Train on two procedural parts with these sizes. Takes some seconds to minutes.

    Raises what `train` raises.
    """
    small = override(config, training={**SMALL, "views": min(config.training.views, 1)})
    grouping = config.grouping
    n_points = min(max(grouping.working_points or FEW_POINTS, grouping.compared_points), MOST_POINTS)
    where = str(choose_device(device)[0])
    events: list[AnyEvent] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # New parts every time, since cached features would cost nothing.
        random = np.random.default_rng(time.time_ns())
        for i in range(N_SCANS):
            points = make_specimen(PARTS[CATEGORY](random), None, n_points, random).points
            write_points_ply(folder / "parts" / CATEGORY / f"{i}.ply", points)
        request = TrainRequest(folder / "parts", None, small, folder / "run", device=where)
        train(request, events.append, stop)
    return pace_of(events, small, N_SCANS, 4 * config.grouping.n_groups * (3 * config.encoder.width + 5))
