"""`sedir weights` refuses what is no checkpoint, and lists what can be named."""

from __future__ import annotations

from sedir_core.rundir.encoder_weights import Weights


def test_a_file_that_is_no_checkpoint_is_refused(sedir, tmp_path) -> None:
    file = tmp_path / "modelnet_8k.pth"
    file.write_bytes(b"not a zip")
    result = sedir("weights", "import", file)
    assert result.exit_code == 1
    assert "modelnet_8k.pth" in result.stderr


def test_the_list_says_name_and_origin(sedir, tmp_path, monkeypatch) -> None:
    entry = Weights("mine", tmp_path / "mine.safetensors", "made here")
    monkeypatch.setattr("sedir_core.rundir.encoder_weights.list_weights", lambda: [entry])
    (line,) = sedir("weights", "list").stdout.splitlines()
    assert "mine" in line
    assert "made here" in line


def test_a_subcommand_is_needed(sedir) -> None:
    assert sedir("weights").exit_code == 2


def test_a_seed_that_torch_cannot_take_is_a_usage_error(sedir) -> None:
    assert sedir("weights", "pretrain", "--seed", 10**30).exit_code == 2
