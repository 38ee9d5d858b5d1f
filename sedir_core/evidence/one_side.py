"""Tells a scan that one camera took from a part that was cut off: their points alone look alike.

Where a camera's view ends, the surface turns away from it, or hides behind itself. A part that is cut off shows both
faces of its walls, of which no camera sees both, or it ends amid surface that a camera there would have seen. [O]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sedir_core.evidence.numbers import ONE_SIDE
from sedir_core.geometry.neighbours import clusters, typical_spacing
from sedir_core.geometry.registration import Surface
from sedir_core.geometry.scan_numbers import VIEWS
from sedir_core.geometry.tree import PointTree
from sedir_core.geometry.views import reach_of, settled_from
from sedir_core.geometry.visibility import neighbour_distance, visible_from
from sedir_core.types import DoubleArray


@dataclass(frozen=True)
class CameraView:
    """What contradicts that a scan was seen from its direction, as shares from 0 to 1.

    hidden: of the scan's points, those behind others, or behind the surface; 0 if the surface is too coarse to tell.
    lacking: of what is plainly seen from there, the largest region that the scan lacks.
    """

    hidden: float
    lacking: float

    @property
    def from_one_side(self) -> bool:
        """Whether one camera can have seen all of it."""
        return self.hidden < ONE_SIDE.most_hidden


def camera_view(points: DoubleArray, surface: Surface, direction: DoubleArray) -> CameraView:
    """points: (n, 3) of a scan laid on the surface. direction: (3,) from which it seems to have been seen."""
    step = max(1, len(surface.points) // VIEWS.buffered)
    places, across = surface.points[::step], surface.normals[::step]
    # The surface hides, too: a scan of few points would be seen through. The normals' signs are not used: the two faces
    # of a thin wall may both be taken for its outer one.
    normals = np.concatenate([surface.normals[surface.tree.nearest(points)[1]], across])
    nearest = ONE_SIDE.finer * neighbour_distance(places)
    seen = visible_from(np.concatenate([points, places]), direction, normals, nearest)[: len(points)]
    hidden = 1 - float(seen.mean()) if len(surface.points) >= ONE_SIDE.least_places else 0.0
    settled = settled_from(places, across, direction)
    reach = ONE_SIDE.reach * max(reach_of(points), reach_of(places))
    gone = places[settled & (PointTree(points).nearest(places)[0] > reach)]
    linked = ONE_SIDE.linked * typical_spacing(places)
    largest = int(np.bincount(clusters(gone, linked)).max()) if len(gone) else 0
    return CameraView(hidden, largest / max(int(settled.sum()), 1))
