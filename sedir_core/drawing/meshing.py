"""Meshes scanned points for display: no holes where the scan is dense, no bridging where it is not.

Each point takes the fan of triangles that the Delaunay triangulation of its neighbours in the tangent plane gives it.
Under inversion in a circle around the point (x / |x|^2) the fan is the convex hull of the neighbours, computed by gift
wrapping for all points at once. Fans of noisy points contradict each other in places, so triangles are accepted in the
order of how many of their corners propose them, roundest first, while each edge has one triangle on either side. What
noise is left in the corners is smoothed away along the edges.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix

from sedir_core.drawing.outward import check, same_sheet
from sedir_core.types import BoolArray, DoubleArray, FloatArray, IntArray, Stop, never_stop

NEIGHBOURS = 16
SEARCHED = 24
"""Neighbours to choose from: some lie on the other side of a wall."""
MOST_CORNERS = 14  # triangles in one fan
SAME_SIDE = -0.2  # least cosine between normals that may share a triangle
FAIRINGS, FAIRING = 3, (0.5, -0.53)  # rounds, and the steps of one: towards the neighbours and back
FOLDED = 0.3  # least cosine between a triangle's normal and those of its corners
MOST_SLOPE = 1.5  # height over distance along the tangent plane
LARGEST_GAP, MOST_WAYS = 12, 16
"""Most edges around a gap that is closed; paths followed at once where gaps share a corner."""
LONGEST = 4.0  # share of the typical reach
REACH = 3.0  # longest edge and largest circumcircle, in local point spacings


def triangulate(
    points: FloatArray, normals: FloatArray, distances: DoubleArray, neighbours: IntArray, stop: Stop = never_stop
) -> IntArray:
    """(t, 3) int32 indices of the corners, counter-clockwise seen from outside.

    points: (n, 3), made smooth by `level`. normals: (n, 3), outward. distances, neighbours: (n, k), nearest first, each
    point its own first; some more than NEIGHBOURS. Raises Cancelled.
    """
    reach = REACH * np.median(distances[:, 1:7], axis=1).astype(np.float32)
    reach = np.minimum(reach, LONGEST * np.median(reach))  # outliers are far from everything
    sheet, neighbours = same_sheet(points, normals, neighbours)[:, 1:], neighbours[:, 1:]
    flat, fits = _flattened(points, normals, neighbours, reach)
    fits &= sheet
    nearest = np.argsort(~fits, axis=1, kind="stable")[:, :NEIGHBOURS]
    flat, fits = np.take_along_axis(flat, nearest[:, :, None], 1), np.take_along_axis(fits, nearest, 1)
    fans, radii = _fans(flat, fits, np.take_along_axis(neighbours, nearest, 1), reach, stop)
    check(stop)
    even = ~folded(points, normals, fans)
    return _agreed(fans[even], radii[even], len(points))


def folded(points: FloatArray, normals: FloatArray, triangles: IntArray) -> BoolArray:
    """(t,) which triangles stand across the surface that their corners' normals tell of."""
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    across, told = np.cross(b - a, c - a), normals[triangles].sum(axis=1)
    lengths = np.linalg.norm(across, axis=1) * np.linalg.norm(told, axis=1)
    return np.asarray(np.einsum("ij,ij->i", across, told) < FOLDED * lengths)


def smoothed(points: FloatArray, normals: FloatArray, triangles: IntArray) -> tuple[FloatArray, FloatArray]:
    """Points and normals (n, 3) without what is left of the noise; the shape does not shrink.

    Source: Taubin 1995, a signal processing approach to fair surface design.
    """
    n = len(points)
    pairs = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    rows, columns = np.concatenate([pairs, pairs[:, ::-1]]).T
    linked = coo_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(n, n)).tocsr()
    linked.data[:] = 1.0  # an edge of two triangles is one edge
    count = np.maximum(np.asarray(linked.sum(axis=1)), 1.0).astype(np.float32)
    alone = np.diff(linked.indptr)[:, None] == 0
    for _ in range(FAIRINGS):
        for share in FAIRING:
            points = np.where(alone, points, points + share * (linked @ points / count - points))
    rows, columns = linked.nonzero()
    for _ in range(FAIRINGS):
        alike = np.einsum("ij,ij->i", normals[rows], normals[columns])
        weighed = coo_matrix((np.sign(alike) * alike**2, (rows, columns)), shape=(n, n)).tocsr()
        normals = normals + weighed @ normals
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return points.astype(np.float32), normals.astype(np.float32)


def level(points: DoubleArray, normals: FloatArray, neighbours: IntArray) -> tuple[FloatArray, FloatArray]:
    """Points (n, 3) moved along their normals, twice: to the mean height of their neighbours, and by the noise alone.

    The first are smoother and decide which points are neighbours. On a curved surface, however, every point lies a
    little higher than its neighbours, which is not noise; the second keep that height.
    """
    weights = np.maximum(np.einsum("nkj,nj->nk", normals[neighbours], normals), 0.0) ** 2
    weights *= same_sheet(points, normals, neighbours)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    arms = (points[neighbours] - points[:, None]).astype(np.float32)
    mean = (weights * np.einsum("nkj,nj->nk", arms, normals)).sum(axis=1)
    noise = mean - (weights * mean[neighbours]).sum(axis=1)
    smooth, even = (np.asarray(points + step[:, None] * normals, np.float32) for step in (mean, noise))
    return smooth, even


def _flattened(
    points: FloatArray, normals: FloatArray, neighbours: IntArray, reach: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Neighbours in the tangent plane (n, k, 2), and which of them can be joined (n, k)."""
    aside = np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    u = np.cross(normals, aside).astype(np.float32)
    u /= np.maximum(np.linalg.norm(u, axis=1, keepdims=True), 1e-12)
    v = np.cross(normals, u)
    arms = points[neighbours] - points[:, None]
    flat = np.stack([np.einsum("nkj,nj->nk", arms, u), np.einsum("nkj,nj->nk", arms, v)], axis=2)
    along = np.linalg.norm(flat, axis=2)
    height = np.abs(np.einsum("nkj,nj->nk", arms, normals))
    same = np.einsum("nkj,nj->nk", normals[neighbours], normals) > SAME_SIDE
    near = along <= reach[:, None]
    return flat, same & near & (height <= MOST_SLOPE * along) & (along > 1e-5 * reach[:, None])


def _fans(
    flat: FloatArray, fits: BoolArray, neighbours: IntArray, reach: FloatArray, stop: Stop
) -> tuple[IntArray, FloatArray]:
    """(f, 3) triangles proposed by each point, itself the first corner, and their circumradii (f,)."""
    square = np.maximum((flat**2).sum(axis=2), 1e-30)
    mirrored = np.where(fits[:, :, None], flat / square[:, :, None], 0.0)
    rows = np.flatnonzero(fits.any(axis=1))
    start = np.argmax((mirrored[rows] ** 2).sum(axis=2), axis=1)  # the nearest neighbour is always on the hull
    here, found, radii = start, [], []
    for _ in range(MOST_CORNERS):
        check(stop)
        beyond = _next(mirrored[rows], fits[rows], here)
        a, b = flat[rows, here], flat[rows, beyond]
        area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        edge = np.linalg.norm(b - a, axis=1)
        radius = np.sqrt(square[rows, here] * square[rows, beyond]) * edge / np.maximum(2 * area, 1e-30)
        kept = (area > 0) & (beyond != here) & (edge <= reach[rows]) & (radius <= reach[rows])
        found.append(np.stack([rows, neighbours[rows, here], neighbours[rows, beyond]], axis=1)[kept])
        radii.append(radius[kept])
        going = beyond != start
        rows, start, here = rows[going], start[going], beyond[going]
        if not len(rows):
            break
    return np.concatenate(found), np.concatenate(radii)


def _next(mirrored: FloatArray, fits: BoolArray, here: IntArray) -> IntArray:
    """The next hull corner, counter-clockwise: no other neighbour lies to the right of the edge to it."""
    rows = np.arange(len(here))
    away = mirrored - mirrored[rows, here][:, None]
    away[rows, here] = 0.0
    best = np.where(fits, np.arange(fits.shape[1]) != here[:, None], False).argmax(axis=1)
    x, y = away[rows, best].T
    for candidate in range(fits.shape[1]):
        to_x, to_y = away[:, candidate].T
        cross = x * to_y - y * to_x
        right = fits[:, candidate] & (candidate != here) & (cross < 0)
        best = np.where(right, candidate, best)
        x, y = np.where(right, to_x, x), np.where(right, to_y, y)
    return np.asarray(best)


def _agreed(fans: IntArray, radii: FloatArray, n: int) -> IntArray:
    """A consistent set of triangles: most proposed and roundest first, no directed edge twice."""
    corners = np.sort(fans, axis=1)
    keys = (corners[:, 0] * n + corners[:, 1]) * n + corners[:, 2]
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    order = np.lexsort((radii[first], -counts))
    triangles = fans[first][order]
    used: set[int] = set()
    kept = []
    edges = triangles * n + np.roll(triangles, -1, axis=1)  # directed: from a corner to the next
    for at, (one, two, three) in enumerate(edges.tolist()):
        if one not in used and two not in used and three not in used:
            used.update((one, two, three))
            kept.append(at)
    gaps = _closed(used, n)
    return np.concatenate([triangles[kept], gaps]).astype(np.int32)


def _closed(used: set[int], n: int) -> IntArray:
    """(g, 3) triangles that close the small gaps left by contradictions; real gaps in a scan are larger.

    used: directed edges, from a to b as a * n + b. Around a gap the edges run the other way.
    """
    ahead: dict[int, list[int]] = {}
    edges = np.sort(np.fromiter(used, np.int64, len(used)))
    starts, ends = np.divmod(edges, n)
    alone = ~np.isin(ends * n + starts, edges)
    for a, b in zip(starts[alone].tolist(), ends[alone].tolist(), strict=True):
        ahead.setdefault(b, []).append(a)
    found: list[tuple[int, int, int]] = []
    for start in sorted(ahead):
        while (way := _around(ahead, start)) is not None:
            for here, beyond in zip(way, [*way[1:], way[0]], strict=True):
                ahead[here].remove(beyond)
            found += [(way[0], way[at], way[at + 1]) for at in range(1, len(way) - 1)]
    return np.array(found, np.int64).reshape(-1, 3)


def _around(ahead: dict[int, list[int]], start: int) -> list[int] | None:
    """The shortest closed path around a gap from a corner, in at most LARGEST_GAP edges."""
    ways = [[start]]
    for _ in range(LARGEST_GAP):
        longer = []
        for way in ways:
            for beyond in ahead.get(way[-1], ()):
                if beyond == start and len(way) > 2:
                    return way
                if beyond not in way:
                    longer.append([*way, beyond])
        ways = longer[:MOST_WAYS]
    return None
