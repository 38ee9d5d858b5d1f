"""Realistic procedural parts, used for the bundled model and the demo.

Designed in millimetres, returned with a unit diagonal. Dimensions vary only within manufacturing tolerance; bottle and
vase, and bowl and cup, are similar on purpose, so that the category matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from sedir_core.datasets.outlines import (
    Outline,
    circle,
    gear_outline,
    rectangle,
    regular_polygon,
    rounded,
    smooth,
    walled,
)
from sedir_core.datasets.primitives import Extrusion, Revolution, box, cone, cylinder, sphere, torus
from sedir_core.datasets.solids import Difference, Solid, Union, rotation, unit
from sedir_core.datasets.sweeps import Sweep, arc_path
from sedir_core.types import DoubleArray

Builder = Callable[[np.random.Generator], Solid]

TOLERANCE = 0.004  # relative, uniform


def bottle(
    rng: np.random.Generator, height: float = 240, radius: float = 37, mouth: float = 14, shoulder_at: float = 0.52
) -> Solid:
    """Round shoulder, long neck with a ring below the mouth, dished foot."""
    h, r, neck = _made(rng, height, radius, mouth)
    rest = 0.82 - shoulder_at
    shoulder = [
        (r, shoulder_at * h),
        (0.82 * r, (shoulder_at + 0.4 * rest) * h),
        (0.5 * r, (shoulder_at + 0.7 * rest) * h),
        (neck, 0.82 * h),
    ]
    body = smooth([(r, 12), (r, 0.3 * h), *shoulder], 48)
    ring = [(neck, 0.93 * h), (neck + 3, 0.935 * h), (neck + 3, 0.955 * h), (neck, 0.96 * h), (neck, h)]
    foot = [(0.0, 7.0), (0.5 * r, 4), (0.75 * r, 0), (0.9 * r, 0.6), (r - 1, 5)]
    return unit(Revolution(walled(np.concatenate([foot, body, ring]), 2.2)))


def vase(
    rng: np.random.Generator, height: float = 232, radius: float = 42, waist: float = 17, flare: float = 1.75
) -> Solid:
    """A bottle's body with a shorter, flared neck and no ring."""
    h, r, neck = _made(rng, height, radius, waist)
    knots = [
        (0.72 * r, 0),
        (r, 0.26 * h),
        (0.97 * r, 0.44 * h),
        (0.5 * r, 0.7 * h),
        (neck, 0.84 * h),
        (flare * neck, h),
    ]
    curve = np.concatenate([[(0.0, 3.0), (0.55 * r, 3.0), (0.6 * r, 0.0)], smooth(knots, 56)])
    return unit(Revolution(walled(curve, 3.0)))


def bowl(rng: np.random.Generator, radius: float = 72, height: float = 62, belly: float = 0.72) -> Solid:
    """Half round, on a foot ring."""
    r, h = _made(rng, radius, height)
    side = smooth([(0.41 * r, 8), (belly * r, 0.32 * h), (0.93 * r, 0.66 * h), (r, h)], 40)
    inside = np.concatenate([walled(side, 3.5)[40:-1], [(0.0, 8.0)]])
    foot = [(0.0, 4.0), (0.33 * r, 4), (0.35 * r, 0), (0.41 * r, 0)]
    return unit(Revolution(np.concatenate([foot, side, inside])))


def cup(rng: np.random.Generator, radius: float = 42, height: float = 70, ear_size: float = 1.0) -> Solid:
    """A small deep bowl with an ear."""
    r, h = _made(rng, radius, height)
    side = smooth([(0.6 * r, 5), (0.84 * r, 0.2 * h), (0.97 * r, 0.55 * h), (r, h)], 40)
    outer = np.concatenate([[(0.0, 3.0), (0.5 * r, 3), (0.52 * r, 0), (0.6 * r, 0)], side])
    hollow = np.concatenate([[(0.0, 7.0), (0.5 * r, 7)], side[6:] - (3.2, 0), [(r - 3.2, 2 * h), (0.0, 2 * h)]])
    ear = np.array([(0.9, 0.84), (1.42, 0.86), (1.72, 0.6), (1.45, 0.32), (0.8, 0.24)])
    ear[1:4, 0] = 1 + ear_size * (ear[1:4, 0] - 1)
    ear *= (r, h)
    path = np.insert(smooth(ear, 40), 1, 0.0, axis=1)
    grip = Sweep(rounded(rectangle(11, 6.5), 3.0), path, np.linspace(1.0, 0.85, 40))
    return unit(Difference(Revolution(outer) | grip, Revolution(hollow)))


def flange(rng: np.random.Generator, radius: float = 82, pipe: float = 27, bolts: int = 8, neck: float = 46) -> Solid:
    """Welding neck flange with bolt holes and a raised face."""
    r, bore = _made(rng, radius, pipe)
    profile = [(bore, -2), (49, -2), (49, 0), (r, 0), (r, 18), (46, 18), (bore + 9, 30), (bore + 5, neck), (bore, neck)]
    body = Revolution(rounded(profile, [1, 1, 0, 1.5, 1.5, 6, 8, 1, 1]))
    holes = [cylinder(7.5, 60).moved(_polar(65, 360 / bolts * (i + 0.5), 10)) for i in range(bolts)]
    return unit(Difference(body, *holes))


def bracket(rng: np.random.Generator) -> Solid:
    """Angle bracket: two legs with holes and a slot, two gussets."""
    width, long, high, t = _made(rng, 60, 90, 70, 7)
    slot = rounded(rectangle(22, 9, (0.68 * long, 0)), 4.4)
    plate = rounded(rectangle(long, width, (long / 2, 0)), [0.5, 10, 10, 0.5])
    foot = Extrusion(Outline.of(plate, slot, circle(4.5, 32, (0.36 * long, 0))), t).moved((0, 0, t / 2))
    wall_plate = rounded(rectangle(high, width, (high / 2, 0)), [0.5, 10, 10, 0.5])
    bores = [circle(5, 32, (0.7 * high, side)) for side in (-0.25 * width, 0.25 * width)]
    wall = Extrusion(Outline.of(wall_plate, *bores), t).moved((t / 2, 0, 0), rotation(-90, 1))
    web = Outline.of(rounded([(t - 1, t - 1), (0.52 * long, t - 1), (t - 1, 0.6 * high)], [0, 2, 2]))
    upright = rotation(90, 0)
    gussets = [Extrusion(web, 5).moved((0, side, 0), upright) for side in (-width / 2 + 4, width / 2 - 4)]
    return unit(Union(foot, wall, *gussets))


def gear(rng: np.random.Generator) -> Solid:
    """Spur gear: a web with five holes, hub, bore with keyway."""
    module, wide, hub = _made(rng, 4.0, 20, 17)
    rim = Extrusion(Outline.of(gear_outline(24, module), circle(37, 64)), wide)
    web = Revolution(rounded([(11, -5), (38, -5), (38, 5), (11, 5)], 0))
    holes = [cylinder(6.5, 30).moved(_polar(27, 72 * i)) for i in range(5)]
    collar = Revolution(rounded([(0, -13), (hub, -13), (hub, 13), (0, 13)], [0, 1.5, 1.5, 0]))
    keyway = box(6, 6, 60).moved((10, 0, 0))
    return unit(Difference(Union(Difference(web, *holes), rim, collar), cylinder(9.5, 60), keyway))


def hex_bolt(rng: np.random.Generator) -> Solid:
    """M12 bolt: chamfered hexagon, washer face, shank, thread drawn as rings."""
    flats, length = _made(rng, 19, 60)
    cap = Revolution(np.array([(0, 0), (8.6, 0), (12.6, 2.2), (12.6, 20), (0, 20)], dtype=np.float64))
    head = Extrusion(regular_polygon(6, flats), 7.6).moved((0, 0, 4.4)) & cap.moved((0, 0, 0.6))
    thread = [(6.0 - 0.95 * (i % 2), 34 + 0.95 * i) for i in range(int((length - 27) / 0.95))]
    shank = [(0.0, 7.0), (8.6, 7.0), (8.6, 8.8), (6.0, 8.8), (6.0, 33), *thread, (4.6, 8 + length), (0.0, 8 + length)]
    return unit(head | Revolution(np.array(shank, dtype=np.float64)))


def pipe_elbow(rng: np.random.Generator) -> Solid:
    """Quarter bend between two bolted flanges."""
    bend, r, wall = _made(rng, 60, 24, 4)
    curve = arc_path(bend, 90)
    straight = np.array([0, 0, 1.0])
    path = np.concatenate([[curve[0] - 14 * straight], curve, [curve[-1] + (14, 0, 0)]])
    inner = np.concatenate([[curve[0] - 40 * straight], curve, [curve[-1] + (40, 0, 0)]])
    holes = [circle(4.2, 24, tuple(_polar(33, 90 * i + 45)[:2])) for i in range(4)]
    plate = Extrusion(Outline.of(circle(42, 64), *holes), 9)
    far = plate.moved(path[-1] - (4, 0, 0), rotation(90, 1))
    outside = Union(Sweep(circle(r), path), plate.moved(path[0] + (0, 0, 4)), far)
    return unit(Difference(outside, Sweep(circle(r - wall), inner)))


def pulley(rng: np.random.Generator) -> Solid:
    """Two-groove belt pulley with four spoke windows and a long hub."""
    r, wide, bore = _made(rng, 60, 34, 10)
    half = wide / 2
    groove = [(r, half - 14), (r - 13, half - 11), (r - 13, half - 7), (r, half - 4)]
    below = [(x, -z) for x, z in reversed(groove)]
    rim = Revolution(np.array([(37, -half), (r, -half), *below, *groove, (r, half), (37, half)]))
    disc = cylinder(38.5, 9)
    hub = Revolution(rounded([(0, -half - 3), (19, -half - 3), (19, half + 8), (0, half + 8)], [0, 2, 2, 0]))
    window = Extrusion(rounded([(21.5, -9), (34, -14), (34, 14), (21.5, 9)], 4), 20)
    windows = [window.moved(rotation=rotation(90 * i)) for i in range(4)]
    return unit(Difference(Union(Difference(disc, *windows), rim, hub), cylinder(bore, 90)))


def wing_nut(rng: np.random.Generator) -> Solid:
    """A tapered hub with two round wings."""
    top, span = _made(rng, 10, 33)
    hub = Revolution(rounded([(0, 0), (13, 0), (top, 17), (0, 17)], [0, 1.5, 1.5, 0]))
    ear = rounded([(7, 3), (20, 9), (span, 20), (span - 1, 33), (span - 12, 32), (8, 15)], [0, 10, 9, 8, 8, 0])
    wing = Extrusion(ear, 6).moved(rotation=rotation(90, 0))
    both = Union(wing, wing.moved(rotation=rotation(180)))
    return unit(Difference(Union(hub, both), cylinder(5.5, 80), cone(5.5, 8, 3).moved((0, 0, 16.5))))


def bearing(rng: np.random.Generator) -> Solid:
    """Open ball bearing: two grooved rings, a cage ring and nine balls."""
    outer, inner, ball = _made(rng, 40, 17.5, 6.0)
    middle, half = 28.5, 9.0
    track = torus(middle, ball + 0.3)
    rings = [
        Revolution(rounded([(inner, -half), (24.5, -half), (24.5, half), (inner, half)], 1.2)),
        Revolution(rounded([(32.5, -half), (outer, -half), (outer, half), (32.5, half)], 1.2)),
    ]
    balls = [sphere(ball).moved(_polar(middle, 40 * i)) for i in range(9)]
    cage = Revolution(rounded(rectangle(3, 7, (middle, 0)), 0.5))
    return unit(Union(Difference(rings[0], track), Difference(rings[1], track), cage, *balls))


PARTS: Mapping[str, Builder] = {
    build.__name__: build
    for build in (bearing, bottle, bowl, bracket, cup, flange, gear, hex_bolt, pipe_elbow, pulley, vase, wing_nut)
}


def _made(rng: np.random.Generator, *nominal: float) -> tuple[float, ...]:
    return tuple(float(size * (1 + rng.uniform(-TOLERANCE, TOLERANCE))) for size in nominal)


def _polar(radius: float, degrees: float, z: float = 0.0) -> DoubleArray:
    angle = np.radians(degrees)
    return np.array([radius * np.cos(angle), radius * np.sin(angle), z])
