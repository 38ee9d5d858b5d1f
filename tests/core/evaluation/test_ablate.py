"""The ablation as a whole, over a training that only writes files: what is done is never done again."""

from __future__ import annotations

from pathlib import Path

import pytest
from roundness import RoundnessDetector
from runs_on_disk import write_parts, write_run
from tiny_run import TinyRun

from sedir_core.config import override, preset
from sedir_core.datasets.index import open_dataset
from sedir_core.detectors.sedir import SedirDetector
from sedir_core.errors import BadConfig, BadRun, Cancelled
from sedir_core.evaluation.ablate import AblateRequest, ablate
from sedir_core.evaluation.ablation import chosen
from sedir_core.evaluation.table_text import Number
from sedir_core.evaluation.token_probe import probe_accuracies
from sedir_core.training.train import TrainRequest
from sedir_core.types import Stop, never_stop


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainRequest]:
    """Every training that was asked for; its run can be evaluated, by the roundness detector."""
    seen: list[TrainRequest] = []

    def train(request: TrainRequest, watch: object, stop: Stop = never_stop) -> Path:
        seen.append(request)
        data_hash = open_dataset(request.dataset, request.categories).content_hash
        weights = request.config.model_dump_json().encode()
        return write_run(request.out, weights=weights, config=request.config, data_hash=data_hash)

    monkeypatch.setattr("sedir_core.evaluation.ablate.train", train)
    monkeypatch.setattr("sedir_core.detectors.base.load_detector", lambda run, device="auto": RoundnessDetector())
    return seen


@pytest.fixture
def request_of(tmp_path: Path) -> AblateRequest:
    dataset = write_parts(tmp_path / "parts")
    return AblateRequest(dataset, None, preset("tiny"), chosen(["4", "6"]), (0, 1), tmp_path / "out", "cpu")


def test_every_row_is_trained_with_every_seed_and_shared_rows_once(request_of, trained) -> None:
    ablate(request_of)
    assert len(trained) == (4 + 3 - 1) * 2
    assert {one.config.training.seed for one in trained} == {0, 1}
    assert len({one.out for one in trained}) == len(trained)


def test_nothing_is_done_twice(request_of, trained) -> None:
    first = ablate(request_of)
    trained.clear()
    assert ablate(request_of) == first
    assert not trained


def test_a_table_is_the_paper_s_with_its_numbers_beside(request_of, trained) -> None:
    table = ablate(request_of)[1]
    assert table.title.startswith("Table 6.")
    assert table.head == ("method", "O-AUROC", "P-AUROC", "O-AUROC (paper)", "P-AUROC (paper)")
    assert [row[0] for row in table.rows] == ["Masking", "Gating", "Bias"]
    assert table.rows[0][1] == Number(100.0, 0.0, 2)
    assert table.rows[0][3:] == (Number(79.8), Number(79.6))
    assert "not measured here" in table.note


def test_a_stopped_ablation_goes_on(request_of, trained) -> None:
    with pytest.raises(Cancelled):
        ablate(request_of, stop=lambda: len(trained) >= 3)
    begun = len(trained)
    ablate(request_of)
    assert len(trained) == 12
    assert begun < 12


def test_a_training_that_was_cut_off_is_resumed(request_of, trained) -> None:
    ablate(request_of)
    (trained[0].out / "weights.safetensors").unlink()
    trained.clear()
    with pytest.raises(FileExistsError):  # the training that only writes files cannot resume
        ablate(request_of)
    assert [one.resume for one in trained] == [True]


def test_runs_on_other_scans_are_not_taken_for_these(request_of, trained, tmp_path) -> None:
    ablate(request_of)
    other = write_parts(tmp_path / "other", seed=1)
    wanted = AblateRequest(other, None, request_of.base, request_of.tables, (0,), request_of.out, "cpu")
    with pytest.raises(BadRun, match="other scans"):
        ablate(wanted)


def test_only_sedir_has_parts_to_ablate(request_of, trained) -> None:
    base = override(request_of.base, method="template")
    with pytest.raises(BadConfig, match="no parts to ablate"):
        ablate(AblateRequest(request_of.dataset, None, base, request_of.tables, (0,), request_of.out))


def test_a_frozen_model_is_probed_on_what_it_pools(detector: SedirDetector, tiny: TinyRun) -> None:
    found = probe_accuracies(detector, open_dataset(tiny.dataset))
    assert set(found) == {"mean", "max", "act"}
    assert all(0 <= share <= 1 for share in found.values())
    assert found["mean"] > 0.5  # three parts that look nothing like each other
