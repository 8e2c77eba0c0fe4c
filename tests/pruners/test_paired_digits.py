"""The paired test on real curves: what it stops would not have won."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from hpsearch import trainer
from hpsearch.adaptors.side_by_side import combined
from hpsearch.copies import Copies
from hpsearch.history import History
from hpsearch.pruners.paired import Paired
from hpsearch.run import Run
from hpsearch.trial import GoOn, Objective, Report, State, Trial

ACCURACY = Objective("val_accuracy", "maximize")
RATES = np.geomspace(1e-4, 0.3, 12)
EPOCHS, ORDERS = 10, 60
REPEATS = Copies(repeats=3)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Two torch threads on a core that is shared are tens of times slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def curves(one_thread: None) -> list[list[Report]]:
    """Of an MLP with each of the learning rates: the mean of its repeats, with common seeds."""
    train = trainer.find("trainers.digits:train", None)

    def repeat(rate: float, seed: int) -> list[Report]:
        params = trainer.argument(train, {"lr": float(rate), "hidden": 32, "batch_size": 64})
        return list(train(params, Run.local(EPOCHS, seed=seed, device="cpu")))

    trials = [[repeat(rate, seed) for seed in range(len(REPEATS))] for rate in RATES]
    return [
        [Report(i + 1, combined([one[i].metrics for one in repeats], REPEATS, "val_accuracy")) for i in range(EPOCHS)]
        for repeats in trials
    ]


def searched(curves: list[list[Report]]) -> list[Trial]:
    """One trial after the other, each until its end or until it is stopped."""
    history, pruner = History(ACCURACY), Paired(REPEATS)
    for number, curve in enumerate(curves):
        for epoch in range(1, EPOCHS + 1):
            trial = Trial(number, {}, 0, EPOCHS, State.RUNNING, curve=tuple(curve[:epoch]))
            history.put(trial)
            if not isinstance(pruner.judge(trial, history), GoOn):
                break
    return list(history)


@pytest.mark.slow
def test_it_saves_a_third_and_hardly_ever_drops_what_would_have_won(curves: list[list[Report]]) -> None:
    """If it dropped the winner in 2% of all orders, 6 or more of 60 would have a probability of 0.1% (binomial)."""
    generator = np.random.default_rng(0)
    dropped = trained = 0
    for _ in range(ORDERS):
        order = generator.permutation(len(curves))
        trials = searched([curves[i] for i in order])
        whole = [Trial(i, {}, 0, EPOCHS, State.COMPLETE, curve=tuple(curves[k])) for i, k in enumerate(order)]
        winner = min(whole, key=ACCURACY.loss)
        dropped += len(trials[winner.number].curve) < EPOCHS
        trained += sum(len(trial.curve) for trial in trials)
    assert dropped < 6
    assert trained < 2 / 3 * ORDERS * len(curves) * EPOCHS
