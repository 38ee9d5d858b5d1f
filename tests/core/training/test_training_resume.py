"""A resumed training is the uninterrupted one, to the bit, however it ended."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import trainee
from torch import Tensor
from trainee import N_SCANS, begin, objective, proceed, settings

from sedir_core.commands import console
from sedir_core.errors import BadRun, CannotWrite
from sedir_core.io.tensor_file import digest, read_tensors, write_tensors
from sedir_core.training.events import AnyEvent, DoneEvent, EpochEvent, SavedEvent, StepEvent, read_events
from sedir_core.training.run import Run

EPOCHS = 6
STOPPED_AT = 2 * N_SCANS + 3


class StopAt:
    """An objective that asks its run to stop in the forward pass of a given step."""

    def __init__(self, path: Path, step: int) -> None:
        self.path, self.left = path, step

    def __call__(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            (self.path / "STOP").touch()


def stopped(path: Path, step: int = STOPPED_AT) -> Path:
    """A run that was stopped after `step` steps."""
    network = objective()
    network.register_forward_pre_hook(StopAt(path, step))
    assert begin(path, settings(EPOCHS), objective=network).step == step
    return path


def state(path: Path) -> dict[str, Tensor]:
    return read_tensors(path / "state.safetensors")[0]


def weights(path: Path) -> str:
    return digest({name: tensor for name, tensor in state(path).items() if name.startswith("objective.")})


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "uninterrupted"
    assert begin(path, settings(EPOCHS), objective=objective()).status == "complete"
    return path


def test_training_changes_every_part_of_the_objective(uninterrupted: Path) -> None:
    after, before = state(uninterrupted), objective().state_dict()
    assert all(not torch.equal(after[f"objective.{name}"], tensor) for name, tensor in before.items())


def test_the_same_seed_trains_the_same_weights(tmp_path: Path, uninterrupted: Path) -> None:
    begin(tmp_path / "run", settings(EPOCHS), objective=objective())
    assert digest(state(tmp_path / "run")) == digest(state(uninterrupted))


def test_another_seed_trains_others(tmp_path: Path, uninterrupted: Path) -> None:
    cfg = settings(EPOCHS).model_copy(update={"seed": 1})
    begin(tmp_path / "run", cfg, objective=objective())
    assert weights(tmp_path / "run") != weights(uninterrupted)


@pytest.mark.parametrize("step", [1, N_SCANS - 1, N_SCANS, STOPPED_AT, EPOCHS * N_SCANS - 1])
def test_a_stopped_training_resumes_exactly(tmp_path: Path, uninterrupted: Path, step: int) -> None:
    path = stopped(tmp_path / "run", step)
    result = proceed(path, settings(EPOCHS), objective=trainee.ToyObjective())
    assert result.status == "complete"
    assert digest(state(path)) == digest(state(uninterrupted))


def test_losses_of_an_epoch_count_the_steps_before_the_stop(tmp_path: Path, uninterrupted: Path) -> None:
    path = stopped(tmp_path / "run")
    proceed(path, settings(EPOCHS), objective=objective())

    def means(run: Path) -> list[dict[str, float]]:
        return [event.losses for event in read_events(run / "events.jsonl") if isinstance(event, EpochEvent)]

    assert means(path) == means(uninterrupted)


PARTS = [
    "objective.network.",
    "objective.fifo",
    "optimizer.",
    "order.scans",
    "order.samplings",
    "random.order",
]


@pytest.mark.parametrize("part", PARTS)
def test_resuming_without_one_part_of_the_state_is_not_exact(tmp_path: Path, uninterrupted: Path, part: str) -> None:
    path, fresh = stopped(tmp_path / "run"), stopped(tmp_path / "fresh", step=1)
    tensors, meta = read_tensors(path / "state.safetensors")
    others = {name: tensor for name, tensor in tensors.items() if not name.startswith(part)}
    assert len(others) < len(tensors)
    fresh_part = {name: tensor for name, tensor in state(fresh).items() if name.startswith(part)}
    if part == "optimizer.":
        fresh_part = {}
    write_tensors(path / "state.safetensors", others | fresh_part, meta)
    proceed(path, settings(EPOCHS), objective=objective())
    assert weights(path) != weights(uninterrupted)


def test_resuming_without_the_step_is_not_exact(tmp_path: Path, uninterrupted: Path) -> None:
    path, fresh = stopped(tmp_path / "run"), stopped(tmp_path / "fresh", step=N_SCANS)
    _, meta = read_tensors(fresh / "state.safetensors")
    write_tensors(path / "state.safetensors", state(path), meta)
    proceed(path, settings(EPOCHS), objective=objective())
    assert weights(path) != weights(uninterrupted)


def test_resuming_with_the_rate_starting_over_is_not_exact(
    tmp_path: Path, uninterrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stopped(tmp_path / "run")
    from sedir_core.training import loop

    real = loop.learning_rate
    monkeypatch.setattr(loop, "learning_rate", lambda cfg, step, n_steps: real(cfg, step - STOPPED_AT, n_steps))
    proceed(path, settings(EPOCHS), objective=objective())
    assert weights(path) != weights(uninterrupted)


def test_a_finished_training_has_nothing_left_to_do(tmp_path: Path) -> None:
    path = tmp_path / "run"
    first = begin(path, settings(2), objective=objective())
    again = proceed(path, settings(2), objective=objective())
    assert (again.status, again.step, again.losses) == ("complete", first.step, first.losses)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"objective.network.0.bias": torch.zeros(99)}, "does not fit"),
        ({"order.scans": torch.arange(N_SCANS + 1)}, f"{N_SCANS + 1} scans then, {N_SCANS} now"),
        ({"optimizer.x.step": torch.zeros(1)}, "does not fit"),
        ({"random.order": torch.zeros(3, dtype=torch.uint8)}, "does not fit"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path, change: dict[str, Tensor], reason: str) -> None:
    path = stopped(tmp_path / "run")
    tensors, meta = read_tensors(path / "state.safetensors")
    write_tensors(path / "state.safetensors", tensors | change, meta)
    with pytest.raises(BadRun, match=reason):
        proceed(path, settings(EPOCHS), objective=objective())


def test_a_checkpoint_of_another_device_is_refused(tmp_path: Path) -> None:
    path = stopped(tmp_path / "run")
    tensors, meta = read_tensors(path / "state.safetensors")
    write_tensors(path / "state.safetensors", tensors, meta | {"device": "cuda"})
    with pytest.raises(BadRun, match="trained on cuda"):
        proceed(path, settings(EPOCHS), objective=objective())


def test_a_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    path = stopped(tmp_path / "run") / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BadRun, match="checkpoint is lost"):
        proceed(path.parent, settings(EPOCHS), objective=objective())


def test_ctrl_c_saves_and_the_training_resumes_exactly(tmp_path: Path, uninterrupted: Path) -> None:
    path, before = tmp_path / "run", signal.getsignal(signal.SIGINT)

    def press_ctrl_c(event: AnyEvent) -> None:
        if isinstance(event, StepEvent):
            signal.raise_signal(signal.SIGINT)

    result = begin(path, settings(EPOCHS), press_ctrl_c, objective=objective())
    assert (result.status, result.step) == ("interrupted", 1)
    assert signal.getsignal(signal.SIGINT) is before
    last = read_events(path / "events.jsonl")[-1]
    assert isinstance(last, DoneEvent)
    assert last.status == "interrupted"
    proceed(path, settings(EPOCHS), objective=objective())
    assert digest(state(path)) == digest(state(uninterrupted))


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as Python takes it; a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    def press_twice(event: AnyEvent) -> None:
        if isinstance(event, StepEvent):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        begin(tmp_path / "run", settings(EPOCHS), press_twice, objective=objective())


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_ends_a_command_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command listens, and the loop inside of it: one press is one press."""

    def press_twice(event: AnyEvent) -> None:
        if isinstance(event, StepEvent):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), console.interruptible():
        begin(tmp_path / "run", settings(EPOCHS), press_twice, objective=objective())
    assert capsys.readouterr().err.count("press again") == 1


def test_one_ctrl_c_in_a_command_saves_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def press(event: AnyEvent) -> None:
        if isinstance(event, StepEvent):
            signal.raise_signal(signal.SIGINT)

    with console.interruptible() as stop:
        result = begin(tmp_path / "run", settings(EPOCHS), press, objective=objective())
        assert stop()
    assert (result.status, result.step) == ("interrupted", 1)
    assert "press again" in capsys.readouterr().err


def test_a_failed_save_ends_the_training_and_loses_only_what_came_after_the_last(
    tmp_path: Path, uninterrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real, saves = tmp_path / "run", Run.save_state, []

    def fill_the_disk(run: Run, *content: object) -> None:
        saves.append(run)
        if len(saves) == 3:
            raise CannotWrite(run.path, "No space left on device")
        real(run, *content)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save_state", fill_the_disk)
        with pytest.raises(CannotWrite):
            begin(path, settings(EPOCHS, checkpoint_seconds=0.0), objective=objective())
    events = read_events(path / "events.jsonl")
    assert events[-1].event == "failed"
    assert [event.step for event in events if isinstance(event, SavedEvent)] == [1, 2]
    proceed(path, settings(EPOCHS), objective=objective())
    assert digest(state(path)) == digest(state(uninterrupted))


SERVER = multiprocessing.get_context("forkserver")
# torch._dynamo comes in with the first optimiser and takes seconds: let the server pay once.
SERVER.set_forkserver_preload(["sedir_core.training.loop", "torch._dynamo"])


def train_in_process(path: Path, kill_after_s: float | None = None) -> int | None:
    """The exit code of a real process that trains, killed so long after its first checkpoint."""
    process = SERVER.Process(target=trainee.train, args=(path, kill_after_s))
    process.start()
    process.join(120)
    return process.exitcode


def test_three_kills_at_random_times_change_nothing(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert train_in_process(whole) == 0
    moments = random.Random(time.time_ns())
    kills = [train_in_process(killed, kill_after_s=moments.uniform(0.0, 0.1)) for _ in range(3)]
    assert kills == [-signal.SIGKILL] * 3
    assert train_in_process(killed) == 0
    assert digest(state(killed)) == digest(state(whole))


def steps_in_process(path: Path, kill_at: int | None) -> int | None:
    """The exit code of a real process that trains, killed amid its n-th step."""
    process = SERVER.Process(target=trainee.train_steps, args=(path, kill_at))
    process.start()
    process.join(120)
    return process.exitcode


def test_kills_amid_random_steps_leave_the_same_bytes(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert steps_in_process(whole, None) == 0
    chance = random.Random(time.time_ns())
    kills = [steps_in_process(killed, chance.randrange(1, 30)) for _ in range(6)]
    assert kills == [-signal.SIGKILL] * 6
    assert steps_in_process(killed, None) == 0
    assert (killed / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()


def test_a_stop_after_the_epoch_ends_between_two_epochs_and_resumes_exactly(
    tmp_path: Path, uninterrupted: Path
) -> None:
    path = tmp_path / "run"

    def ask(event: AnyEvent) -> None:
        if isinstance(event, StepEvent) and event.step == 2:
            (path / "STOP-AFTER-EPOCH").touch()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sedir_core.training.loop._STEP_EVENT_SECONDS", 0.0)
        result = begin(path, settings(EPOCHS), ask, objective=objective())
    assert (result.status, result.step) == ("interrupted", N_SCANS)
    assert not (path / "STOP-AFTER-EPOCH").exists()
    proceed(path, settings(EPOCHS), objective=objective())
    assert digest(state(path)) == digest(state(uninterrupted))


def test_a_stop_after_the_epoch_asked_for_between_epochs_trains_one_more(tmp_path: Path) -> None:
    path = tmp_path / "run"
    stopped(path, N_SCANS)

    def ask(event: AnyEvent) -> None:
        (path / "STOP-AFTER-EPOCH").touch()

    result = proceed(path, settings(EPOCHS), ask, objective=objective())
    assert result.step == 2 * N_SCANS
