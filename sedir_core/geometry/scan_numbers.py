"""The tuned numbers of what a scan shows and what surrounds it; `evidence.numbers` lists them with the others.

Tuned on shapes and defects of our own making; each group names its section of `benchmarks/README.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sedir_core.geometry.numbers import number


@dataclass(frozen=True)
class SurfaceNumbers:
    """Normals, and walls so thin that both faces are near. "Scans of a turntable"."""

    opposite: float = number(
        -0.2, "product of two outward normals, as long as they are sure, below which they are of a wall's two faces"
    )
    least_alike: int = number(8, "neighbours that face like a point; with fewer nobody knows which way it faces")
    normal_neighbours: int = number(24, "neighbours that tell a normal and a curvature")


@dataclass(frozen=True)
class NeighbourNumbers:
    """Which points have neighbours; the others are flying pixels. "Density, what must have been seen, ..."."""

    beside: int = number(3, "other points that a point of a surface has within reach, even where a scan is thin")
    reach: float = number(8.0, "spacings within which a point of a surface has neighbours")


@dataclass(frozen=True)
class SeamNumbers:
    """Paths along which a gap goes on. "Narrow gaps along lines"."""

    headings: int = number(16, "headings of a step")
    neighbours: int = number(20, "neighbours among which a step's end is looked for")
    shortest: float = number(0.7, "spacings that a step takes at least")
    longest: float = number(2.0, "spacings that a step takes at most")
    same_side: float = number(0.3, "cosine between normals: a thin wall's other side is no step")
    steps: int = number(6, "steps to either side: some 17 spacings in all")


@dataclass(frozen=True)
class VisibilityNumbers:
    """What a distant camera sees. "Where a view was seen from"; hidden point removal: Katz et al. 2007."""

    pixel: float = number(
        5.0, "mean nearest neighbour distances, some two and a half spacings: hardly anything shows through"
    )
    grazing: float = number(0.05, "cosine between normal and line of sight below which a scanner sees nothing")
    steepest: float = number(3.0, "slope up to which points of one pixel may lie behind each other")
    camera: float = number(3.0, "extents: distance of the camera")
    hull_points: int = number(10_000, "points that make the hull")
    voters: int = number(9, "neighbours that vote")
    hollow: float = number(0.004, "extents: about a scanner's noise")
    flip: float = number(100.0, "times the camera's distance: the radius of the sphere about it")
    behind: float = number(0.25, "pixels behind the front of its pixel at which a point head-on is still seen")


@dataclass(frozen=True)
class ViewNumbers:
    """Pose and direction of a scan from one side. "Scans from one side", "Where a view was seen from"."""

    directions: int = number(96, "views rendered of a surface")
    probes: int = number(2_000, "points of the surface by which views are compared")
    buffered: int = number(20_000, "points of the surface that decide what a view shows")
    similar: int = number(24, "most similar views onto whose axes a scan is laid")
    tried: int = number(40, "starts kept after the first comparison")
    kept: int = number(16, "poses kept after the first steps")
    pairs: int = number(4_000, "point pairs of a view's descriptor")
    bins: int = number(40, "bins of their distances")
    widest: float = number(2.5, "radii: the longest pair distance that the histogram resolves")
    covered: float = number(
        1.25, "spacings of the scan within which a probe is covered; more would blur the outline of a view"
    )
    alike_overlap: float = number(0.03, "overlap below the best at which a view still helps to tell the direction")
    off: float = number(0.05, "radii: a point this far off says that the pose is wrong, rather than the part")
    astray: float = number(0.5, "cost of the share of points that far off")
    fully: tuple[float, ...] = number(
        (0.06, 0.3, 0.6, 1.0),
        "cosines between normal and line of sight above which scanners lose no points; the best is found out",
    )
    around: int = number(16, "neighbours of a probe that say how densely its place is covered")
    alike_side: float = number(0.7, "cosine between normals above which they are on the same side")
    refined: int = number(3_000, "probes by which a direction is refined")
    angles_degrees: tuple[float, ...] = number((24.0, 12.0, 6.0, 3.0), "degrees aside: directions tried, in turn")
    steps: int = number(2, "steps of each size at most")
    one_sided: float = number(0.92, "share of the points: where one camera sees this many, the scan may be a view")
    least_shown: float = number(0.02, "share of the surface: what shows less is its open back")
    sides: int = number(192, "directions in which one camera is looked for")
    sided_points: int = number(5_000, "points of a scan by which that camera is looked for")
    tilt_degrees: float = number(7.0, "degrees by which the line of sight may be wrong")
    shallow: float = number(0.001, "extents: what lies deeper in a crease may be lost by a scanner")
    rough: float = number(2.0, "times the surface's roughness: a shallower crease than that is no crease")
    settled: float = number(
        0.3, "cosine between normal and line of sight above which missing points are a defect, not a grazing view"
    )


@dataclass(frozen=True)
class RestingNumbers:
    """The side that a part rested on. "Where a scan lies that lies on another side"."""

    directions: int = number(96, "directions all around, about half of which look down")
    lowest: float = number(0.1, "sine of a scanner's least elevation")
    sides: int = number(6, "broadest hull faces considered as resting side")
    one_side: float = number(0.9986, "cosine between hull faces merged into one side: 3 degrees")
    slab: float = number(0.02, "part diagonals: thickness of the slab at a side's plane")
    faces: float = number(0.8, "cosine between a point's normal and the side's above which it faces the side")
    facing_share: float = number(
        0.2,
        "share of the slab's points that may face the side: 0.13 on our shapes' resting sides, 0.35 and more on others",
    )
    least_area: float = number(0.02, "share of the hull's area, of a resting side")
    steep: float = number(0.4, "sine of an elevation from which every scanner looks")
    plainly: float = number(0.5, "cosine between normal and line of sight from which a place is seen plainly")
    looks: int = number(5, "directions from which a place must be seen plainly, for no scanner to miss it")


@dataclass(frozen=True)
class OrientationNumbers:
    """Which side of a surface is out. "Where a scan lies that lies on another side"."""

    lines: int = number(24, "directions of the lines through a part")
    pixel: float = number(2.0, "spacings: width of a bundle of lines")
    apart: float = number(0.5, "spacings: least distance between two surfaces along a line")
    slant: float = number(0.35, "cosine: steeper surfaces are too scattered along a line")
    half_sure: float = number(
        0.3, "weight of the outermost surfaces on a line with an odd number of crossings: one was missed"
    )
    voters: int = number(12, "neighbours that vote")
    rounds: int = number(3, "rounds of voting")
    sheet: float = number(0.35, "spacings: how far from a point's plane a neighbour may lie to be on its sheet")
    unseen: float = number(
        0.05, "weight of the lines' vote for points not visible from above: the open underside misleads them"
    )


@dataclass(frozen=True)
class SurroundingsNumbers:
    """Tables and other parts in a scan: tuned on virtual scans (`benchmarks/make_scanner.py --condition`)."""

    planes: int = number(3, "planes at most: a turntable, the table, the floor")
    sample: int = number(12_000, "points among which a plane is looked for")
    seeds: int = number(240, "places at which planes are tried")
    neighbours: int = number(24, "points that tell the plane of such a place")
    noises: float = number(4.0, "times a plane's scatter within which points are on it")
    thinnest: float = number(0.002, "scan sizes: least thickness of a plane")
    thickest: float = number(0.01, "scan sizes: largest thickness of a plane")
    least_share: float = number(0.1, "least share of the points on a table")
    least_rest: int = number(200, "fewest sampled points of a part")
    middle: float = number(
        0.15,
        "share of a plane's points within half their scatter, at least; 0.38 if normal, few between a plate's faces",
    )
    wrong_side: float = number(0.01, "share of the other points allowed behind a table: reflections, flying pixels")
    directions: int = number(24, "directions in which a table is compared with the part on it")
    beyond: float = number(0.12, "part widths that a table reaches farther than the part")
    sides: float = number(
        0.6, "share of the directions in which it does; the scanner may have cut it off on the others"
    )
    outside: float = number(0.35, "least share of a table's points outside the part's outline")
    part_gap: float = number(0.015, "scan sizes: parts closer than this count as one")
    gap_spacings: float = number(8.0, "spacings: parts closer than this count as one, too")
    crowd: float = number(0.2, "least density of a surface, relative to the typical one")
    least_part: float = number(0.1, "least share of the largest part's points for a separate part")
    flat: float = number(0.05, "ratio of the smallest two variances of a place's points, up to which it is flat")
    parallel: float = number(0.98, "cosine between the normals of planes that count as one")
    candidates: int = number(12, "planes that are looked at more closely")
    least_next: float = number(0.1, "least share of the largest plane's points for another plane")


SURFACE = SurfaceNumbers()
NEIGHBOURS = NeighbourNumbers()
SEAMS = SeamNumbers()
VISIBILITY = VisibilityNumbers()
VIEWS = ViewNumbers()
RESTING = RestingNumbers()
ORIENTATION = OrientationNumbers()
SURROUNDINGS = SurroundingsNumbers()
