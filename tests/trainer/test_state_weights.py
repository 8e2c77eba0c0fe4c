"""A checkpoint with the weights alone: what it leaves out, and who may read it."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from hpsearch.core.errors import TrainerError
from hpsearch.trainer import state
from hpsearch.trainer.training_run import Run
from tests.support.toys import Weight

MODEL = nn.Linear(3, 1)
ADAM = torch.optim.Adam(MODEL.parameters())


def restored(objects: dict[str, Any]) -> Run:
    """A run that is given such a checkpoint of these objects."""
    snapshot = state.unpack(state.pack(state.take_weights("u/0", 2, 0.5, objects)))
    return Run(0, 5, restored=snapshot)


class TestWhatIsLeftOut:
    @pytest.mark.parametrize(
        "thing",
        [
            ADAM,
            torch.optim.lr_scheduler.StepLR(ADAM, 1),
            torch.optim.lr_scheduler.ReduceLROnPlateau(ADAM),
            torch.amp.GradScaler("cpu"),
            torch.Generator(),
            np.random.default_rng(0),
        ],
        ids=lambda thing: type(thing).__name__,
    )
    def test_what_only_training_needs(self, thing: Any) -> None:
        assert state.weights_of({"model": MODEL, "thing": thing}).keys() == {"model"}

    @pytest.mark.parametrize("thing", [Weight(), torch.optim.swa_utils.AveragedModel(MODEL)], ids=["own", "average"])
    def test_what_predictions_may_need_stays(self, thing: Any) -> None:
        assert state.weights_of({"model": MODEL, "thing": thing}).keys() == {"model", "thing"}

    def test_random_states(self) -> None:
        assert state.take_snapshot("u/0", 2, 0.5, {}).weights_only is False
        snapshot = state.take_weights("u/0", 2, 0.5, {"model": MODEL})
        assert (snapshot.weights_only, snapshot.random) == (True, {})


class TestRead:
    def test_weights_are_restored_beside_an_optimizer_that_is_not(self) -> None:
        run, other = restored({"model": MODEL, "optimizer": ADAM}), nn.Linear(3, 1)
        optimizer = torch.optim.Adam(other.parameters())
        run.track(model=other, optimizer=optimizer)
        assert torch.equal(other.weight, MODEL.weight)
        assert optimizer.state == {}

    def test_an_object_that_predictions_may_need_and_is_not_in_it_is_an_error(self) -> None:
        with pytest.raises(TrainerError, match="scale"):
            restored({"model": MODEL}).track(model=nn.Linear(3, 1), scale=Weight())

    def test_of_a_whole_checkpoint_an_optimizer_must_be_in_it(self) -> None:
        snapshot = state.unpack(state.pack(state.take_snapshot("u/0", 2, 0.5, {"model": MODEL})))
        with pytest.raises(TrainerError, match="optimizer"):
            Run(0, 5, restored=snapshot).track(model=nn.Linear(3, 1), optimizer=ADAM)

    def test_no_training_continues_from_it(self) -> None:
        run = restored({"model": MODEL})
        run.track(model=nn.Linear(3, 1))
        with pytest.raises(state.NotResumable):
            next(iter(run.epochs()))
