"""Kind and depth of defects, measured against the truth: shapes that the rules were not written for.

    python benchmarks/defect_kinds.py RUN MESH_DIR [--each 2] [--seed 7] [--diagonal D] [--json FILE]
    python benchmarks/defect_kinds.py --naming [MESH_DIR] [--only A,B] [--each 1] [--seed 7] [--json FILE]

The second needs no trained run: what departs from the surface that four good scans expect is described whatever the
limits say, since kind and depth follow from lengths alone. It takes seconds a scan. Without meshes the built-in parts
are measured.

In the first, RUN was trained on good scans of the same meshes (`sedir synth MESH_DIR DATA`, then `sedir train DATA`).
Of every mesh and every kind of damage that `sedir synth` does, so many new scans are made, and inspected with the
part told. A defect counts as found where one that is shown shares points with the truth; its kind is right where it
is one that the damage may be called (`NAMES`), its depth where it is within 15 % of the truth or within twice the
sensor's noise. What is not found is neither right nor wrong; it is said how many there are.
"""

from __future__ import annotations

import argparse
import json
import statistics
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sedir_core.datasets.defects import DEFECTS
from sedir_core.datasets.parts import PARTS
from sedir_core.datasets.solids import Solid
from sedir_core.datasets.specimen import NOISE, NoVisibleDefect, Specimen, make_specimen
from sedir_core.datasets.synthesis import load_meshes
from sedir_core.detectors.base import Detector, load_detector
from sedir_core.evidence.aligned_parts import align_parts
from sedir_core.evidence.measuring import in_scan
from sedir_core.evidence.measuring import measure as measure_lengths
from sedir_core.evidence.normal_surface import merge_parts
from sedir_core.geometry.frames import frame_of, gyration, place_on
from sedir_core.geometry.tree import PointTree
from sedir_core.io.atomic import write_text
from sedir_core.runs.models import find_model
from sedir_core.types import Defect, DefectKind, Detection, Scan

N_POINTS, N_GOOD = 20_000, 4
NAMES: Mapping[str, tuple[DefectKind, ...]] = {
    "bulge": ("bump", "extra material"),
    "sink": ("dent",),
    "hole": ("missing material",),
    "crack": ("gap or crack",),
    "broken": ("missing material",),
    "bend": ("displaced region",),
    "scratch": ("dent",),
}
"""A crack is told by its length, so its depth is not compared. What is bent moves both ways: nor is its sign."""
DEPTH_SHARE, NOISES = 0.15, 2.0


@dataclass(frozen=True)
class Outcome:
    """depth, truth: in the mesh's unit; noise: of the sensor, likewise. kind: empty where nothing was found."""

    name: str
    damage: str
    kind: str
    depth: float
    truth: float
    noise: float
    verdict: str

    @property
    def found(self) -> bool:
        return bool(self.kind)

    @property
    def kind_right(self) -> bool:
        return self.kind in NAMES[self.damage]

    @property
    def depth_right(self) -> bool:
        return self.off <= max(DEPTH_SHARE * abs(self.truth), NOISES * self.noise)

    @property
    def off(self) -> float:
        """By how much the depth is wrong."""
        depth, truth = (abs(self.depth), abs(self.truth)) if self.damage == "bend" else (self.depth, self.truth)
        return abs(depth - truth)


Found = tuple[Sequence[Defect], str]
"""Defects, and the verdict where there is one."""
Inspect = Callable[[Scan], Found]


def the_one(found: Sequence[Defect], truth: Specimen) -> Defect | None:
    """The defect that shares most points with the truth."""
    shared = [(int(truth.labels[defect.members].sum()), at) for at, defect in enumerate(found)]
    most, at = max(shared, default=(0, 0))
    return found[at] if most else None


def by_run(detector: Detector) -> Callable[[str, Solid], Inspect]:
    """As a run tells it."""

    def of(category: str, part: Solid) -> Inspect:
        def inspect(scan: Scan) -> Found:
            found: Detection = detector.detect(scan, category)
            return found.defects, found.verdict

        return inspect

    return of


def by_lengths(seed: int) -> Callable[[str, Solid], Inspect]:
    """As lengths alone tell it: all that departs from the surface of a few good scans, whatever its score."""

    def of(category: str, part: Solid) -> Inspect:
        rng = np.random.default_rng([seed, zlib.crc32(category.encode())])
        clouds = [make_specimen(part, None, N_POINTS, rng).points for _ in range(N_GOOD)]
        frame, size = frame_of(clouds[0]), gyration(clouds[0])
        parts = align_parts([frame.enter(cloud) for cloud in clouds], rng)[0]
        normal = merge_parts(parts)

        def inspect(scan: Scan) -> Found:
            placement = place_on(normal.surface, frame, size, scan.points, np.random.default_rng(0))[0]
            points = placement.enter(scan.points)
            moves = normal.moves(points, points)
            again = lambda few: normal.moves(points, points[few])  # noqa: E731
            measured = measure_lengths(PointTree(points), moves, normal.surface, again)
            everyone, itself = np.zeros(len(points), np.float32), np.arange(len(points), dtype=np.int32)
            return in_scan(measured, placement, scan, everyone, itself).regions, ""

        return inspect

    return of


def shapes(meshes: Path | None, only: str) -> dict[str, Solid]:
    """Of that folder, or the built-in parts; of these names, where any are given."""
    random = np.random.default_rng(0)
    every = {name: build(random) for name, build in PARTS.items()} if meshes is None else load_meshes(meshes)
    return {name: solid for name, solid in sorted(every.items()) if not only or name in only.split(",")}


def measure(
    ready: Callable[[str, Solid], Inspect], solids: Mapping[str, Solid], each: int, seed: int, diagonal: float | None
) -> Iterator[Outcome]:
    """One scan after the other, in a fixed order; those on which a kind of damage cannot be seen are left out."""
    for category, solid in solids.items():
        size = float(np.linalg.norm(np.ptp(solid.sample(N_POINTS, np.random.default_rng(0))[0], axis=0)))
        part = solid if diagonal is None else solid.moved(scale=diagonal / size)
        noise = NOISE * (diagonal or size)
        inspect = ready(category, part)
        for damage in DEFECTS:
            for count in range(each):
                name = f"{category}_{damage}{count}"
                rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
                try:
                    made = make_specimen(part, damage, N_POINTS, rng)
                except NoVisibleDefect:
                    continue
                found, verdict = inspect(Scan(made.points, name))
                one = the_one(found, made)
                kind, depth = ("", 0.0) if one is None else (one.kind or "none", one.depth)
                yield Outcome(name, damage, kind, depth, made.depth, noise, verdict)


def say(outcomes: list[Outcome]) -> None:
    """A row for each kind of damage, and one for all."""
    print("| damage | scans | NG | found | kind right | depth right | depth off, median | called |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for damage in (*DEFECTS, "all"):
        some = [one for one in outcomes if damage in (one.damage, "all")]
        found = [one for one in some if one.found]
        deep = [one for one in found if one.damage != "crack"]
        off = statistics.median([one.off / abs(one.truth) for one in deep]) if deep else float("nan")
        called = ", ".join(f"{kind} {n}" for kind, n in Counter(one.kind for one in found).most_common())
        n_ng = sum(one.verdict == "ng" for one in some)
        n_kind, n_depth = sum(one.kind_right for one in found), sum(one.depth_right for one in deep)
        print(
            f"| {damage} | {len(some)} | {n_ng} | {len(found)} | {n_kind} of {len(found)} | {n_depth} of {len(deep)} "
            f"| {f'{100 * off:.0f} %' if deep else '–'} | {called} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("where", nargs="*", help="the run and its meshes; with --naming meshes, or nothing")
    parser.add_argument("--naming", action="store_true", help="without a run")
    parser.add_argument("--only", default="", help="these shapes, separated by commas")
    parser.add_argument("--each", type=int, default=2, help="scans of each mesh and kind of damage")
    parser.add_argument("--seed", type=int, default=7, help="another than that of the training set")
    parser.add_argument("--diagonal", type=float, help="of every part, if the training set was scaled to one")
    parser.add_argument("--json", type=Path, help="write every outcome there")
    asked = parser.parse_args()
    if len(asked.where) not in ((0, 1) if asked.naming else (2,)):
        parser.error("give a run and its meshes, or --naming")
    meshes = Path(asked.where[-1]) if asked.where else None
    ready = by_lengths(asked.seed) if asked.naming else by_run(load_detector(find_model(asked.where[0]), "cpu"))
    outcomes = []
    for outcome in measure(ready, shapes(meshes, asked.only), asked.each, asked.seed, asked.diagonal):
        outcomes.append(outcome)
        right = f"{outcome.kind or 'not found'}, {outcome.depth:.3g} of {outcome.truth:.3g}"
        print(f"{outcome.name}: {outcome.verdict}, {right}", flush=True)
    say(outcomes)
    if asked.json is not None:
        write_text(asked.json, json.dumps([asdict(one) for one in outcomes], indent=1))


if __name__ == "__main__":
    main()
