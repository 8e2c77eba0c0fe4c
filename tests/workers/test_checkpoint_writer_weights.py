"""[checkpoints] weights_only: best.pt has the weights alone, and trials continue from the others as ever."""

from pathlib import Path

import pytest

from hpsearch.core.replicates import Replicates
from hpsearch.trainer import state
from hpsearch.trainer.adapters.side_by_side import parts
from hpsearch.workers.worker import Worker
from tests.support.studies import setup
from tests.support.workers import EPOCHS, checkpoint_files, start, store_of, train, train_and_release

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("quick_collections")

PARAMS = {"lr": 0.03}


def snapshot(work: Path, name: str) -> state.Snapshot:
    found = store_of(work).read(name)
    assert found is not None
    return found


def torch_toy(work: Path, weights_only: bool = True) -> Worker:
    return Worker(setup(work, "torch_toy:train", weights_only=weights_only))


@pytest.mark.usefixtures("slices")
def test_the_best_has_the_weights_and_the_newest_has_all(tmp_path: Path) -> None:
    train_and_release(torch_toy(tmp_path), start(params=PARAMS, until=4))
    best, newest = snapshot(tmp_path, "best.pt"), snapshot(tmp_path, "epoch-000004.pt")
    assert (set(best.objects), best.weights_only) == ({"model"}, True)
    assert set(newest.objects) == {"model", "optimizer", "schedule", "shuffle", "noise"}
    assert newest.random.keys() >= {"python", "numpy", "torch"}


@pytest.mark.usefixtures("slices")
def test_it_is_the_state_at_the_best_epoch(tmp_path: Path) -> None:
    """With the losses of one that rises again: the best is in the middle of a slice, or at its end."""
    for losses, best in (("5 1 4 3 2 3", 2), ("6 5 4 3 2 1", 6)):
        work = tmp_path / losses
        train(Worker(setup(work, "scripted", weights_only=True)), start(params={"losses": losses}))
        found = snapshot(work, "best.pt")
        assert (found.step, found.objects) == (best, {"weight": {"value": float(best)}})


def test_a_trial_is_continued_bit_for_bit(tmp_path: Path) -> None:
    whole = train(torch_toy(tmp_path / "whole", weights_only=False), start(params=PARAMS))
    first = train_and_release(torch_toy(tmp_path / "split"), start(params=PARAMS, until=3))
    assert "epoch-000003.pt" in checkpoint_files(tmp_path / "split")
    then = train(torch_toy(tmp_path / "split"), start(params=PARAMS, after=3))
    assert [one.metrics for one in (*first.reports, *then.reports)] == [one.metrics for one in whole.reports]
    assert len(whole.reports) == EPOCHS


def test_it_is_smaller(tmp_path: Path) -> None:
    for weights_only in (True, False):
        train(torch_toy(tmp_path / str(weights_only), weights_only), start(params=PARAMS))
    small, large = ((store_of(tmp_path / one).folder / "best.pt").stat().st_size for one in ("True", "False"))
    assert small < large / 2


def test_of_repeats_each_has_its_weights(tmp_path: Path) -> None:
    replicates = Replicates(0, 2)
    train(Worker(setup(tmp_path, "torch_toy:train", replicates=replicates, weights_only=True)), start(params=PARAMS))
    each = parts(snapshot(tmp_path, "best.pt"), replicates)
    assert [(set(one.objects), one.weights_only) for one in each] == [({"model"}, True)] * 2


def test_the_first_that_has_all_is_read_back_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(state, "check_can_be_read", read.append)
    worker = Worker(setup(tmp_path, "torch_toy:train", weights_only=True, one_epoch_slices=True))
    train(worker, start(params=PARAMS))
    assert [state.unpack(content).weights_only for content in read] == [False]
