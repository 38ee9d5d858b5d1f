"""A further category for a model that is there: what is taken over, what is checked, what is refused."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_run import CATEGORIES, HARDLY_FITTED, TinyRun, part, scan_of

from sedir_core.config import override
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import BadConfig, BadDataset, BadRun, Cancelled
from sedir_core.evidence.category_tensors import category_to_tensors
from sedir_core.evidence.channels import TOKEN
from sedir_core.evidence.combination import Evidence
from sedir_core.io.export import write_points_ply
from sedir_core.io.tensor_file import digest, read_tensors
from sedir_core.rundir.files import METRICS, ORIGIN, read_about, read_run_config
from sedir_core.runs.catalogue import read_detail
from sedir_core.training.events import AnyEvent, SavedEvent, StepEvent
from sedir_core.training.train import TrainRequest, train
from sedir_core.training.warm_check import Check, _UnderBoth
from sedir_core.training.warm_config import warm_config
from sedir_core.training.warm_start import _grown, read_origin, replayed_parts, require_same_sizes

NEW = "vase"


@pytest.fixture(scope="module")
def vases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two vases and, of the old categories, scans of the cup."""
    folder = tmp_path_factory.mktemp("more") / "parts"
    for category in (NEW, "cup"):
        for i in range(2):
            write_points_ply(folder / category / f"{i}.ply", part(category, i))
    return folder


def request(tiny: TinyRun, vases: Path, out: Path) -> TrainRequest:
    config = override(warm_config(read_run_config(tiny.path), epochs=3), training=HARDLY_FITTED)
    return TrainRequest(vases, None, config, out, device="cpu", warm_start=tiny.path)


@pytest.fixture(scope="module")
def grown(tiny: TinyRun, vases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(request(tiny, vases, tmp_path_factory.mktemp("grown") / "run"), lambda event: None)


@pytest.fixture(scope="module")
def after(grown: Path) -> SedirDetector:
    return SedirDetector.load(grown, "cpu")


def test_old_categories_come_first_and_the_origin_is_named(grown: Path) -> None:
    about = read_about(grown)
    assert about.categories == (*CATEGORIES, NEW)
    assert (about.parent, about.inherited) == ("run", CATEGORIES)
    assert not (grown / ORIGIN).exists()


def test_frames_and_surfaces_of_old_categories_are_taken_over(after: SedirDetector, detector: SedirDetector) -> None:
    for name in CATEGORIES:
        old, new = (category_to_tensors(one.known[name]) for one in (detector, after))
        limits = ("numbers", "judged.")  # are shared among the categories, so a new one moves them
        same = [key for key in old if "usual.token" not in key and not any(word in key for word in limits)]
        assert [key for key in same if not torch.equal(old[key], new[key])] == []


def test_the_new_category_is_known(after: SedirDetector) -> None:
    detection = after.detect(scan_of(part(NEW, 7)))
    assert detection.category == NEW
    assert np.isfinite(detection.threshold)


def test_the_fate_of_every_old_category_is_recorded(grown: Path) -> None:
    fates = json.loads((grown / METRICS).read_text())["old_categories"]
    assert list(fates) == list(CATEGORIES)
    assert {name: fate["source"] for name, fate in fates.items()} == {
        "bracket": "surface", "cup": "scans", "pipe_elbow": "surface",
    }  # fmt: skip
    for fate in fates.values():
        assert fate["n"] == 2
        assert all(value > 0 for pair in (fate["residual"], fate["score"], fate["limit"]) for value in pair)
    shown = read_detail(grown).old_categories
    assert list(shown) == list(fates)
    assert all(value == fates[name][key] for name, fate in shown.items() for key, value in fate.items())


def test_the_network_goes_on_from_the_old_weights(detector: SedirDetector) -> None:
    network = _grown(detector, detector.config, len(CATEGORIES) + 1).state_dict()
    for name, value in detector.nets.network.state_dict().items():
        assert torch.equal(network[name][: len(value)] if value.ndim else network[name], value)
    assert len(network["tokenizer.classifier.weight"]) == len(CATEGORIES) + 1


def test_resuming_is_exact_even_when_the_origin_is_gone(
    tiny: TinyRun, vases: Path, grown: Path, tmp_path: Path
) -> None:
    origin = Path(shutil.copytree(tiny.path, tmp_path / "run"))
    wanted, asked = replace(request(tiny, vases, tmp_path / "new"), warm_start=origin), []

    def stop_in_the_middle(event: AnyEvent) -> None:
        if isinstance(event, StepEvent) or (isinstance(event, SavedEvent) and event.step):
            asked.append(event)

    with pytest.raises(Cancelled):
        train(wanted, stop_in_the_middle, stop=lambda: bool(asked))
    assert (wanted.out / ORIGIN).exists()
    shutil.rmtree(origin)
    train(replace(wanted, resume=True, warm_start=None), lambda event: None)
    weights = [digest(read_tensors(run / "weights.safetensors")[0]) for run in (grown, wanted.out)]
    assert weights[0] == weights[1]
    assert read_about(wanted.out).inherited == CATEGORIES


def test_a_dataset_without_anything_new_is_refused(tiny: TinyRun, tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="is new to the model"):
        train(request(tiny, tiny.dataset, tmp_path / "run"), lambda event: None)
    assert not (tmp_path / "run").exists()


def test_settings_that_do_not_fit_the_weights_are_refused(tiny: TinyRun) -> None:
    origin = read_origin(tiny.path)
    require_same_sizes(override(origin.config, training={"epochs": 9}), origin)
    for changes in ({"network": {"width": 64}}, {"grouping": {"group_size": 16}}, {"training": {"views": 2}}):
        with pytest.raises(BadConfig, match="run"):
            require_same_sizes(override(origin.config, **changes), origin)


def test_only_a_finished_network_of_ours_goes_on(tiny: TinyRun, tmp_path: Path) -> None:
    run = Path(shutil.copytree(tiny.path, tmp_path / "run"))
    toml, about = (run / "config.toml").read_text(), (run / "about.json").read_text()
    (run / "about.json").write_text(re.sub(r'"settings": "\w+"', '"settings": ""', about))  # of a version before hashes
    (run / "config.toml").write_text(toml.replace('method = "sedir"', 'method = "mc3d-ad"'))
    with pytest.raises(BadRun, match="does not support warm starts"):
        read_origin(run)
    (run / "config.toml").write_text(toml)
    (run / "weights.safetensors").unlink()
    with pytest.raises(BadRun, match="not finished"):
        read_origin(run)


def test_a_surface_stands_in_for_scans(detector: SedirDetector) -> None:
    fitted = replayed_parts(detector.known["cup"], [], from_one_side=False)
    assert len(fitted.parts) == len(fitted.others) == 2
    assert fitted.amplitude > 0


@pytest.mark.parametrize(
    ("rise", "named", "reasons"),
    [
        (1.0, (True, True), ()),
        (1.03, (True, True), ()),
        (0.5, (True, True), ()),
        (1.5, (True, True), ("good parts come nearer to the limit",)),
        (1.0, (True, False), ("it is recognised less often",)),
    ],
)
def test_worse_is_what_exceeds_the_noise(
    detector: SedirDetector, rise: float, named: tuple[bool, bool], reasons: tuple[str, ...]
) -> None:
    old = detector.known["cup"]
    new = replace(old, whole=replace(old.whole, threshold=old.whole.threshold / rise))
    anchors, values = old.whole.statistics.anchors, old.whole.statistics.values
    judged = []
    for i in range(8):
        evidence = Evidence(anchors, {name: value * (1.5 + 0.01 * i) for name, value in values.items()})
        judged.append(_UnderBoth((evidence, evidence), (1.0, 1.0), named))
    fate = Check({"cup": judged}, {"cup": "scans"})._fate("cup", old, new, says_much=True)
    assert fate.reasons == reasons
    assert fate.worse == bool(reasons)


def test_the_token_standard_follows_the_new_network(detector: SedirDetector) -> None:
    old = detector.known["cup"].whole
    new = old.with_tokens_scaled(2.0)
    assert np.allclose(new.statistics.values[TOKEN], 2 * old.statistics.values[TOKEN])
    assert all(
        new.statistics.values[name] is old.statistics.values[name] for name in old.statistics.values if name != TOKEN
    )
