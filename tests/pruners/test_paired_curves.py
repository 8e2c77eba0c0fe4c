"""The paired t-test on recorded curves with slow learners: it does not stop the winner."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from hpsearch import Fold
from hpsearch.core.decisions import Continue
from hpsearch.core.history import History
from hpsearch.core.replicates import Replicates
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Objective, Params, Report, State, Trial
from hpsearch.pruners.paired import Paired
from hpsearch.study.definition import Study
from hpsearch.trainer import arguments, contract
from hpsearch.trainer.adapters.side_by_side import combined
from hpsearch.trainer.training_run import Run

RMSE = Objective("val_rmse", "minimize")
STUDY = Path(__file__).parents[2] / "studies" / "diabetes-bayesian.toml"
FOLDS = Replicates(folds=5)
TRIALS, EPOCHS, ORDERS = 12, 30, 60


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Two torch threads on a core that is shared are tens of times slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def curves(one_thread: None) -> list[list[Report]]:
    """Of diabetes, at random points of the space of its study: the mean of its folds, with common seeds."""
    study = Study.load(STUDY, environment={})
    train = contract.find(study.trainer.use, None)

    def trained(params: Params, fold: Fold) -> list[Report]:
        settings = arguments.params_argument(train, {**study.trainer.options, **params})
        return list(train(settings, Run.local(EPOCHS, seed=fold.number, device="cpu", fold=fold)))

    space = study.space
    points = [space.from_unit(stream(11, number).random(space.dimensions).tolist()) for number in range(TRIALS)]
    trials = [[trained(params, fold) for fold in Fold.each(FOLDS.folds)] for params in points]
    return [
        [Report(i + 1, combined([one[i].metrics for one in folds], FOLDS, "val_rmse")) for i in range(EPOCHS)]
        for folds in trials
    ]


def searched(curves: list[list[Report]]) -> list[Trial]:
    """One trial after the other, each until its end or until it is stopped."""
    history, pruner = History(RMSE), Paired(FOLDS, EPOCHS)
    for number, curve in enumerate(curves):
        for epoch in range(1, EPOCHS + 1):
            trial = Trial(number, {}, 0, EPOCHS, State.RUNNING, curve=tuple(curve[:epoch]))
            history.put(trial)
            if not isinstance(pruner.judge(trial, history), Continue):
                break
    return list(history)


@pytest.mark.slow
def test_it_saves_epochs_and_rarely_stops_the_winner(curves: list[list[Report]]) -> None:
    """A test of each epoch alone, three in a row, dropped the winner here in most orders: it learns slowly."""
    generator = np.random.default_rng(0)
    dropped = trained = 0
    for _ in range(ORDERS):
        order = generator.permutation(len(curves))
        trials = searched([curves[i] for i in order])
        whole = [Trial(i, {}, 0, EPOCHS, State.COMPLETE, curve=tuple(curves[k])) for i, k in enumerate(order)]
        winner = min(whole, key=RMSE.loss)
        dropped += len(trials[winner.number].curve) < EPOCHS
        trained += sum(len(trial.curve) for trial in trials)
    assert dropped <= ORDERS / 20
    assert trained < 0.9 * ORDERS * len(curves) * EPOCHS
