"""A trial that is paused and continued yields, on a CPU, the same numbers bit for bit as one that never stopped."""

import io
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hpsearch.core.trial import Objective, Report
from hpsearch.workers.worker import Worker
from tests.support.studies import ROOT, setup
from tests.support.workers import EPOCHS, checkpoint_files, start, store_of, train, train_and_release

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("quick_collections")

TORCH = {"lr": 0.01}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, ...]:
    """The curve of the small torch training when nothing interrupts it."""
    return train(Worker(setup(tmp_path_factory.mktemp("unbroken"), "torch_toy:train")), start(params=TORCH)).reports


class TestContinuation:
    @pytest.mark.usefixtures("slices")
    @pytest.mark.parametrize("k", range(1, EPOCHS))
    def test_after_every_epoch(self, tmp_path: Path, unbroken: tuple[Report, ...], k: int) -> None:
        torch_worker = Worker(setup(tmp_path, "torch_toy:train"))
        first = train_and_release(torch_worker, start(params=TORCH, until=k))
        train_and_release(torch_worker, start(1, {"lr": 0.1}, seed=9, until=2))
        then = train(torch_worker, start(params=TORCH, after=k))
        assert first.reports == unbroken[:k]
        assert then.reports == unbroken[k:]
        assert then.notes == ()

    def test_in_a_fresh_process(self, tmp_path: Path, unbroken: tuple[Report, ...]) -> None:
        torch_worker = Worker(setup(tmp_path, "torch_toy:train"))
        for k in range(1, EPOCHS):
            train_and_release(torch_worker, start(k, TORCH, until=k))
        numbers = [str(k) for k in range(1, EPOCHS)]
        printed = subprocess.run(
            [sys.executable, "-m", "tests.support.fresh_process", tmp_path, str(EPOCHS), *numbers],
            cwd=ROOT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        for k, line in enumerate(printed.splitlines(), start=1):
            assert json.loads(line) == [k, [[r.step, dict(r.metrics)] for r in unbroken[k:]], []]

    def test_paused_after_every_epoch_in_turn(self, tmp_path: Path, unbroken: tuple[Report, ...]) -> None:
        torch_worker = Worker(setup(tmp_path, "torch_toy:train"))
        curve: list[Report] = []
        for k in range(EPOCHS):
            curve += train_and_release(torch_worker, start(params=TORCH, until=k + 1, after=k)).reports
        assert tuple(curve) == unbroken

    def test_the_best_state_is_the_same_however_long_a_slice_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first epoch is the best: in a long slice its tensors are trained on before there is time to write."""
        best = []
        for seconds in (0.0, 1e9):
            monkeypatch.setattr("hpsearch.workers.worker.SLICE_SECONDS", seconds)
            made = setup(tmp_path / str(seconds), "torch_toy:train", objective=Objective("lr", "maximize"))
            train_and_release(Worker(made), start(params=TORCH, until=EPOCHS - 1))
            best.append(store_of(made.work).read("best.pt"))
        assert best[0] is not None
        assert best[1] is not None
        assert best[0].step == best[1].step == 1
        assert flat(best[0].objects) == flat(best[1].objects)
        assert flat(best[0].random) == flat(best[1].random)

    def test_what_was_trained_is_not_trained_again(self, tmp_path: Path) -> None:
        epoch_log = tmp_path / "epoch_log"
        toy = Worker(setup(tmp_path))
        train_and_release(toy, start(params={"epoch_log": str(epoch_log)}, until=4))
        train(toy, start(params={"epoch_log": str(epoch_log)}, after=4))
        assert epoch_log.read_text().split() == ["3", "1", "3", "2", "3", "3", "3", "4", "3", "5", "3", "6"]

    def test_a_trainer_that_tracks_nothing_is_trained_again_and_keeps_it_to_itself(self, tmp_path: Path) -> None:
        toy = Worker(setup(tmp_path, "untracked"))
        unbroken = train(toy, start(1)).reports
        first = train_and_release(toy, start(until=4))
        then = train(toy, start(after=4))
        assert first.reports + then.reports == unbroken
        assert [report.step for report in then.reports] == [5, 6]
        assert then.notes == ("epochs 1 to 4 are trained again: no checkpoint of them",)
        assert checkpoint_files(tmp_path) == []

    @pytest.mark.usefixtures("one_slice")
    def test_what_was_dropped_leaves_no_trace(self, tmp_path: Path) -> None:
        """A verdict at epoch 2 came when six were trained: it goes on from there as if it had stopped in time."""
        toy = Worker(setup(tmp_path))
        unbroken = train_and_release(toy, start(until=6, epochs=9)).reports
        until_4 = train_and_release(toy, start(until=4, after=2))
        assert until_4.reports == unbroken[2:4]
        then = train(toy, start(after=4))
        assert then.reports == unbroken[4:]
        assert then.notes == ()

    @pytest.mark.usefixtures("one_epoch_a_slice")
    def test_several_in_one_process_do_not_disturb_each_other(self, tmp_path: Path) -> None:
        alone = train(Worker(setup(tmp_path / "alone")), start()).reports
        first, second = (Worker(setup(tmp_path, shared=True)) for _ in range(2))
        curves = [[*first.start(start()).reports], [*second.start(start(1, seed=4)).reports]]
        for _ in range(1, EPOCHS):
            curves[0] += first.advance().reports
            curves[1] += second.advance().reports
        assert tuple(curves[0]) == alone
        assert curves[0] != curves[1]


class TestTrainersThatDoNotContinue:
    """They loop over a range of their own, or track objects when the first epoch has begun."""

    @pytest.mark.parametrize(
        ("trainer", "line"),
        [("own_range", "`for epoch in run.epochs():`"), ("tracked_late", "run.track(…) is called after")],
    )
    def test_it_is_said_at_the_first_checkpoint_and_the_trial_is_trained_again(
        self, tmp_path: Path, trainer: str, line: str
    ) -> None:
        whole = train(Worker(setup(tmp_path / "whole", trainer)), start()).reports
        toy = Worker(setup(tmp_path, trainer))
        first = train_and_release(toy, start(until=2))
        assert line in first.unsaved
        assert checkpoint_files(tmp_path) == ["best.pt"]
        then = train(toy, start(after=2))
        assert (*first.reports, *then.reports) == whole
        (note,) = then.notes
        assert re.findall(r"\d+", note)[:2] == ["1", "2"]

    @pytest.mark.parametrize("trainer", ["own_range", "tracked_late"])
    def test_a_checkpoint_of_an_earlier_trainer_or_version_is_left_out(self, tmp_path: Path, trainer: str) -> None:
        whole = train(Worker(setup(tmp_path / "whole", trainer)), start()).reports
        train_and_release(Worker(setup(tmp_path)), start(until=2))  # with a checkpoint of the same object
        assert "epoch-000002.pt" in checkpoint_files(tmp_path)
        then = train(Worker(setup(tmp_path, trainer)), start(after=2))
        assert then.reports == whole[2:]
        (note,) = then.notes
        assert re.findall(r"\d+", note.partition(":")[0]) == ["1", "2"]


class TestDamage:
    """Whatever happened to a checkpoint, the one before serves, then scratch; nothing in it is executed."""

    @pytest.fixture
    def whole(self, tmp_path: Path) -> tuple[Report, ...]:
        """The curve of a learner when nothing interrupts it."""
        return train(Worker(setup(tmp_path / "unbroken")), start()).reports

    @pytest.fixture
    def files(self, tmp_path: Path, one_epoch_a_slice: None) -> list[Path]:
        """The checkpoints of epochs 4 and 3."""
        train_and_release(Worker(setup(tmp_path)), start(until=4))
        return sorted(store_of(tmp_path).folder.glob("epoch-*.pt"), reverse=True)

    @pytest.mark.parametrize("how", ["truncated", "empty", "a flipped bit", "no hash", "gone", "a hash of nothing"])
    @pytest.mark.parametrize("damaged", [1, 2])
    def test_the_one_before_serves(
        self, tmp_path: Path, files: list[Path], whole: tuple[Report, ...], how: str, damaged: int
    ) -> None:
        for path in files[:damaged]:
            damage(path, how)
        then = train(Worker(setup(tmp_path)), start(after=4))
        assert then.reports == whole[4:]
        assert any(f"epochs {5 - damaged} to 4 are trained again" in note for note in then.notes) or damaged == 2
        if how != "gone":
            assert sum("is not used" in note for note in then.notes) == damaged

    def test_of_another_trial(self, tmp_path: Path, files: list[Path], whole: tuple[Report, ...]) -> None:
        train_and_release(Worker(setup(tmp_path)), start(1, seed=99, until=4))
        for path in files:
            for suffix in ("", ".sha256"):
                own = path.with_name(path.name + suffix)
                own.write_bytes((store_of(tmp_path, 1).folder / own.name).read_bytes())
        then = train(Worker(setup(tmp_path)), start(after=4))
        assert then.reports == whole[4:]
        assert "it belongs to u/1" in then.notes[0]

    @pytest.mark.parametrize("pickled", ["torch", "plain"])
    def test_nothing_in_it_is_executed(
        self, tmp_path: Path, files: list[Path], whole: tuple[Report, ...], pickled: str
    ) -> None:
        marker = tmp_path / "executed"
        for path in files:
            store_of(tmp_path).write(int(path.stem[6:]), malicious(marker, pickled))
        then = train(Worker(setup(tmp_path)), start(after=4))
        assert then.reports == whole[4:]
        assert "is not used" in then.notes[0]
        assert not marker.exists()


def flat(state: Any) -> Any:
    """A state that can be compared."""
    if isinstance(state, torch.Tensor):
        return state.tolist()
    if isinstance(state, dict):
        return {key: flat(value) for key, value in state.items()}
    return [flat(value) for value in state] if isinstance(state, list | tuple) else state


class Bomb:
    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def malicious(marker: Path, pickled: str) -> bytes:
    content = {"owner": "u/0", "step": 4, "best": 0.0, "objects": {"weight": Bomb(marker)}, "random": {}}
    if pickled == "plain":
        return pickle.dumps(content)
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def damage(path: Path, how: str) -> None:
    content, digest = path.read_bytes(), path.with_name(f"{path.name}.sha256")
    match how:
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "empty":
            path.write_bytes(b"")
        case "a flipped bit":
            path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        case "no hash":
            digest.unlink()
        case "gone":
            path.unlink()
        case "a hash of nothing":
            digest.write_text("")
