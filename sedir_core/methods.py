"""Every detector, declared once: names, requirements, cost, fidelity, and location of its code.

Plain data: `config` takes names and presets from here, `detectors.registry` and `training.train` find the code. A new
detector needs a row here, its own settings (if any) in `config`, a detector and a learner. No other file names it,
which a test checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Fidelity = Literal["exact", "adapted", "after", "ours"]
"""Fidelity: same as the published code; adapted to unaligned clouds; reimplemented from descriptions; our own."""
Presets = Mapping[str, Mapping[str, Any]]

# The smaller presets have SeDiR's sizes, so that both are compared on the same tokens.
_SEDIR: Presets = {"paper": {}, "desktop": {}, "tiny": {}}
# Differences of MC3D-AD [R]: one neighbourhood, complete scans only, a single learning-rate step.
_BASELINE: Presets = {
    "paper": {"grouping": {"group_size": 128}, "training": {"schedule": "step"}},
    "desktop": {"training": {"schedule": "step", "views": 0}},
    "tiny": {"training": {"schedule": "step"}},
}
# The peers use complete scans only. The preset `paper` uses Point-MAE's published features [R].
_BANK: Presets = {
    "paper": {},
    "desktop": {"training": {"views": 0}, "bank": {"coreset": 2_000, "candidates": 20_000}},
    "tiny": {"bank": {"coreset": 200, "candidates": 1_000}},
}
_PICTURES: Presets = {name: {**of, "bank": {**of.get("bank", {}), "projection": 198}} for name, of in _BANK.items()}
_PLACE: Presets = {
    "paper": {"place": {"entries": 80_000}},
    "desktop": {"training": {"views": 0}},
    "tiny": {"place": {"entries": 2_000}},
}
_POINTMAE_BANK: Presets = {
    "paper": {"encoder": {"depth": 12}, "grouping": {"n_groups": 16_384, "group_size": 128}},
    "desktop": {**_BANK["desktop"], "grouping": {"n_groups": 2_048}},
    "tiny": _BANK["tiny"],
}


def _trained(optimiser: Mapping[str, Any], paper: Any, desktop: Any, tiny: Any) -> Presets:
    """Presets of a method with its own training: its optimiser in each, full length in `paper`, shorter ones below."""
    short = {"desktop": ({"samplings": 1, "views": 0}, desktop), "tiny": ({"epochs": 2}, tiny)}
    every = {"paper": ({}, paper), **short}
    return {
        name: {**own, "training": {**optimiser, **lengths, **own.get("training", {})}}
        for name, (lengths, own) in every.items()
    }


# One network per category, 1,000 steps of four clouds (with four training parts, an epoch has one step per part).
_PO3AD = _trained(
    {"weight_decay": 0.0, "clip_norm": 0.0, "precision": "fp32"},
    paper={"training": {"epochs": 3_000, "learning_rate": 1e-3, "schedule": "late-cosine"}},
    desktop={
        "training": {"epochs": 250, "schedule": "late-cosine"},
        "po3ad": {"clouds": 4, "voxel": 0.04, "width": "16", "blocks": "one", "rotate": "none"},
    },
    tiny={"po3ad": {"points": 2_000, "clouds": 1, "voxel": 0.05, "width": "8", "blocks": "one", "rotate": "none"}},
)
_R3DAD = _trained(
    {"weight_decay": 0.0, "clip_norm": 10.0, "precision": "fp32"},
    paper={"training": {"epochs": 10_000, "learning_rate": 1e-3, "schedule": "constant"}},
    desktop={
        "training": {"epochs": 375, "schedule": "constant"},
        "r3dad": {"points": 1_024, "clouds": 16, "rotate": "none"},
    },
    tiny={"r3dad": {"points": 256, "clouds": 2, "draws": 1, "rotate": "none"}},
)
_IMRNET = _trained(
    {"weight_decay": 0.05, "clip_norm": 10.0, "precision": "fp32"},
    paper={"encoder": {"depth": 12}, "training": {"epochs": 1_000, "learning_rate": 1e-4}},
    desktop={"training": {"epochs": 250, "learning_rate": 5e-4}, "imrnet": {"depth": 4, "decoder_depth": 2}},
    tiny={"imrnet": {"depth": 2, "decoder_depth": 1, "points": 512, "patches": 16, "patch_size": 32}},
)


@dataclass(frozen=True)
class Method:
    """One detector.

    label: the paper's spelling, if it mentions the method. words: description for users. scan_s: core-seconds to
    memorise a good scan of 20,000 points; 0 if it trains a network. weights: required pretrained weights, "" for none.
    detector, learner: "module:name"; from_tokens: the learner takes tokens of normal samplings, otherwise aligned
    parts. section: the configuration section that only this method reads. variants: alternative label by the value of
    a setting of its section.
    """

    name: str
    label: str
    words: str
    year: int
    cost: str
    source: str
    fidelity: Fidelity
    differs: str
    detector: str
    learner: str
    needs_category: bool = True
    weights: str = ""
    from_tokens: bool = False
    scan_s: float = 0.0
    section: str = ""
    variants: Mapping[tuple[str, str], str] = field(default_factory=dict)
    presets: Presets = field(default_factory=lambda: _BANK)

    @property
    def learns(self) -> bool:
        """Whether it trains a network; otherwise it memorises good parts."""
        return self.scan_s == 0


def _bank(name: str, label: str, words: str, year: int, source: str, differs: str, **more: Any) -> Method:
    """A memory bank as in Real3D-AD's benchmark."""
    usual = {
        "cost": "seconds per part",
        "fidelity": "exact",
        "detector": "sedir_core.detectors.memory_bank:MemoryBankDetector",
        "learner": "sedir_core.training.learn_peers:learn_banks",
    }
    return Method(name, label, words, year, source=source, differs=differs, **{**usual, **more})


_ALIGNED = "our alignment instead of RANSAC"
_NO_FILE_ORDER = "points are ordered by coordinates, not by file order"

TABLE: tuple[Method, ...] = (
    Method(
        "sedir",
        "SeDiR",
        "SeDiR",
        2026,
        needs_category=False,
        weights="Point-MAE",
        cost="minutes for eight kinds of part",
        source="CVPR 2026",
        fidelity="adapted",
        differs="the preset `paper` with scoring `paper` is the published form; the rest is ours and named so",
        detector="sedir_core.detectors.sedir:SedirDetector",
        learner="sedir_core.training.learn_sedir:learn_sedir",
        from_tokens=True,
        presets=_SEDIR,
    ),
    Method(
        "mc3d-ad",
        "MC3D-AD",
        "MC3D-AD (baseline, as published)",
        2025,
        weights="Point-MAE",
        cost="minutes for eight kinds of part",
        source="IJCAI 2025, public code",
        fidelity="exact",
        differs=f"{_ALIGNED}; the mask's coin follows from the scan; the last epoch, never the best on the test set",
        detector="sedir_core.detectors.mc3dad:Mc3dadDetector",
        learner="sedir_core.training.learn_mc3dad:learn_mc3dad",
        from_tokens=True,
        presets=_BASELINE,
    ),
    Method(
        "mc3d-ad-spatial",
        "MC3D-AD, spatial",
        "MC3D-AD (independent of file order)",
        2025,
        weights="Point-MAE",
        cost="minutes for eight kinds of part",
        source="ours, after MC3D-AD",
        fidelity="ours",
        differs="the mean over both masks; scores are averaged over points that are near in space",
        detector="sedir_core.detectors.mc3dad:Mc3dadDetector",
        learner="sedir_core.training.learn_mc3dad:learn_mc3dad",
        from_tokens=True,
        presets=_BASELINE,
    ),
    Method(
        "template",
        "Golden template",
        "Golden template (registration and distance)",
        2013,
        cost="seconds per part",
        source="ours, after M3C2 (Lague et al. 2013)",
        fidelity="ours",
        differs="distances along the normal of the surface merged from the training parts, both ways",
        detector="sedir_core.detectors.template:TemplateDetector",
        learner="sedir_core.training.learn_peers:learn_template",
        scan_s=4,
    ),
    _bank(
        "btf-raw",
        "BTF(Raw)",
        "BTF, coordinates",
        2023,
        "CVPRW 2023, as Real3D-AD's benchmark runs it",
        _NO_FILE_ORDER,
        scan_s=3,
    ),
    _bank(
        "btf-fpfh",
        "BTF(FPFH)",
        "BTF, point feature histograms",
        2023,
        "CVPRW 2023, as Real3D-AD's benchmark runs it",
        _NO_FILE_ORDER,
        scan_s=3,
    ),
    _bank(
        "patchcore-fpfh",
        "PatchCore(FPFH)",
        "PatchCore, point feature histograms",
        2022,
        "CVPR 2022, as Real3D-AD's benchmark runs it",
        _ALIGNED,
        scan_s=6,
    ),
    _bank(
        "patchcore-pointmae",
        "PatchCore(PointMAE)",
        "PatchCore, Point-MAE",
        2022,
        "CVPR 2022, as Real3D-AD's benchmark runs it",
        _ALIGNED,
        weights="Point-MAE",
        scan_s=8,
        presets=_POINTMAE_BANK,
    ),
    _bank(
        "m3dm",
        "M3DM",
        "M3DM, memory bank of the point branch",
        2023,
        "CVPR 2023, public code",
        f"{_ALIGNED}; the memory bank alone, without the one-class machine that fuses two modalities",
        fidelity="adapted",
        weights="Point-MAE",
        scan_s=8,
        presets=_POINTMAE_BANK,
    ),
    _bank(
        "reg3d-ad",
        "Reg3D-AD",
        "Reg3D-AD",
        2023,
        "NeurIPS 2023, public code",
        f"{_ALIGNED}; both banks are scaled by held-out good scans, not by the test set",
        weights="Point-MAE",
        scan_s=10,
        presets=_POINTMAE_BANK,
    ),
    Method(
        "po3ad",
        "PO3AD",
        "PO3AD (offsets of pseudo-defects)",
        2025,
        cost="two to three hours for eight kinds of part",
        source="CVPR 2025, public code",
        fidelity="exact",
        differs="own sparse convolution; scans come aligned, in the category's frame (`po3ad.norm = published`: their "
        "own); normals of the cloud instead of a mesh's; the last step; the preset `desktop` is smaller and does not "
        "turn the parts",
        detector="sedir_core.detectors.po3ad:Po3adDetector",
        learner="sedir_core.training.learn_po3ad:learn_po3ad",
        section="po3ad",
        variants={("pseudo", "af"): "PO3AD after AF3AD"},
        presets=_PO3AD,
    ),
    Method(
        "r3d-ad",
        "R3D-AD",
        "R3D-AD (diffusion)",
        2024,
        cost="two to three hours for eight kinds of part",
        source="ECCV 2024, public code",
        fidelity="exact",
        differs="scans come aligned; the mean over four drawings whose noise follows from the scan; all points are "
        "scored; a fresh cloud each step; the last step, where the release keeps the best of 40 on the test set; the "
        "preset `desktop` is a small part of the published training and does not turn the parts",
        detector="sedir_core.detectors.r3dad:R3dadDetector",
        learner="sedir_core.training.learn_r3dad:learn_r3dad",
        section="r3dad",
        variants={("variant", "paper"): "R3D-AD (displacement)"},
        presets=_R3DAD,
    ),
    _bank(
        "simple3d",
        "Simple3D",
        "Simple3D (histograms of several sizes)",
        2026,
        "AAAI 2026, from its description",
        "sizes of neighbourhoods as described, the rest of the constants ours; not aligned",
        cost="half a minute per part",
        fidelity="after",
        scan_s=25,
    ),
    Method(
        "simple3d-place",
        "Simple3D, by place",
        "Simple3D's histograms at the same place",
        2026,
        cost="half a minute per part",
        source="ours, after Simple3D",
        fidelity="ours",
        differs="aligned, normals on the template's side, compared with what good parts show at the same place",
        detector="sedir_core.detectors.place_bank:PlaceDetector",
        learner="sedir_core.training.learn_place:learn_place",
        scan_s=30,
        section="place",
        presets=_PLACE,
    ),
    Method(
        "curvature-place",
        "Curvature, by place",
        "Curvature of several sizes at the same place",
        2025,
        cost="seconds per part",
        source="ours, after a finding of CASL",
        fidelity="ours",
        differs="curvature alone, as the simplest thing to beat; by place as `simple3d-place`",
        detector="sedir_core.detectors.place_bank:PlaceDetector",
        learner="sedir_core.training.learn_place:learn_place",
        scan_s=10,
        section="place",
        presets=_PLACE,
    ),
    _bank(
        "cpmf",
        "CPMF (EfficientNet-Lite0)",
        "CPMF (pictures from many sides)",
        2023,
        "arXiv 2303.13194, public code",
        "for whole clouds: aligned, orthographic pictures from all around, patches by farthest points; "
        "EfficientNet-Lite0 for ResNet-18, unless `cpmf.backbone = resnet18-file`",
        fidelity="adapted",
        weights="ImageNet",
        scan_s=15,
        section="cpmf",
        variants={("backbone", "resnet18-file"): "CPMF", ("backbone", "resnet18-random"): "CPMF (untrained ResNet-18)"},
        presets=_PICTURES,
    ),
    _bank(
        "ismp",
        "ISMP (EfficientNet-Lite0)",
        "ISMP (projections, histograms and Point-MAE)",
        2025,
        "AAAI 2025, its public re-creation (code1)",
        "EfficientNet-Lite0 for EfficientNet-B0; the point nearest to the plane shows in a projection, whatever the "
        "file's order; our alignment; banks are scaled by held-out good scans; the paper's feature filter is in no "
        "public code",
        fidelity="adapted",
        weights="ImageNet, Point-MAE",
        scan_s=15,
        section="ismp",
        presets=_POINTMAE_BANK,
    ),
    Method(
        "imrnet",
        "after IMRNet",
        "after IMRNet (hide and rebuild)",
        2024,
        weights="Point-MAE",
        cost="half an hour for eight kinds of part",
        source="CVPR 2024, from its paper: no code was published",
        fidelity="after",
        differs="structure of the paper, network of Point-MAE; most constants, the way patches are put back and both "
        "scales are ours; begins with the local encoder's weights, its decoder from nothing",
        detector="sedir_core.detectors.imrnet:ImrnetDetector",
        learner="sedir_core.training.learn_imrnet:learn_imrnet",
        section="imrnet",
        presets=_IMRNET,
    ),
    Method(
        "group3ad",
        "after Group3AD",
        "after Group3AD (groups in clusters)",
        2024,
        weights="Point-MAE",
        cost="a minute per part",
        source="ACM MM 2024, from its abstract: no code was published",
        fidelity="after",
        differs="its three ideas on our Reg3D-AD; all constants and both losses are ours; its projector learns in less "
        "than a minute and begins again where it is interrupted",
        detector="sedir_core.detectors.group3ad:Group3adDetector",
        learner="sedir_core.training.learn_group3ad:learn_group3ad",
        scan_s=30,
        section="group3ad",
        presets={
            **_POINTMAE_BANK,
            "tiny": {**_POINTMAE_BANK["tiny"], "group3ad": {"projector_epochs": 2}},
        },
    ),
)
BY_NAME: Mapping[str, Method] = {method.name: method for method in TABLE}
"""In display order."""
