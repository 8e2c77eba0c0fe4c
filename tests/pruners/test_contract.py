"""Every pruner keeps the contract; early stopping too."""

from dataclasses import replace

import pytest

from hpsearch.core.decisions import Continue, Pause, Verdict
from hpsearch.core.history import History
from hpsearch.core.replicates import Replicates
from hpsearch.core.trial import Cause, Trial
from hpsearch.pruners.base import NeverPrune, Several
from hpsearch.pruners.halving import Halving
from hpsearch.pruners.hyperband import Hyperband
from hpsearch.pruners.median import Median
from hpsearch.pruners.paired import Paired
from hpsearch.pruners.patience import EarlyStopping, Patience
from hpsearch.pruners.threshold import Threshold
from hpsearch.testing.pruner_contract import (
    EPOCHS,
    LOSS,
    ComparingPrunerContract,
    MakePruner,
    PausingPrunerContract,
    PrunerContract,
    sparse_trial,
)

COMPARING: dict[str, MakePruner] = {
    "never": NeverPrune,
    "median": lambda: Median(startup_trials=2, warmup_epochs=1, interval=2),
    "median, at once": lambda: Median(startup_trials=0),
    "halving": lambda: Halving(1, 3, EPOCHS),
    "hyperband": lambda: Hyperband(1, 3, EPOCHS),
    "paired": lambda: Paired(Replicates(repeats=3), EPOCHS),
    "several": lambda: Several((Median(startup_trials=2), Halving(1, 3, EPOCHS))),
}
ALL: dict[str, MakePruner] = {
    **COMPARING,
    "patience": lambda: Patience(2),
    "threshold": lambda: Threshold(lower=-0.5, upper=0.5),
    "early stopping": lambda: EarlyStopping(2),
}


class Rungs:
    """Pauses at every third epoch, so that others may be trained first."""

    def judge(self, trial: Trial, history: History) -> Verdict:
        if trial.epoch and trial.epoch % 3 == 0 and trial.epoch < trial.until:
            return Pause(f"rung of epoch {trial.epoch}", Cause.DONE, {"epoch": trial.epoch})
        return Continue()


class TestPausingPruners(PausingPrunerContract):
    @pytest.fixture
    def make(self) -> MakePruner:
        return Rungs


def test_only_a_pausing_pruner_may_pause() -> None:
    with pytest.raises(AssertionError):
        PrunerContract().test_nan_infinity_and_short_curves_are_no_error(Rungs)


class TestPruners(PrunerContract):
    @pytest.fixture(params=ALL)
    def make(self, request: pytest.FixtureRequest) -> MakePruner:
        return ALL[request.param]


class TestComparingPruners(ComparingPrunerContract):
    @pytest.fixture(params=COMPARING)
    def make(self, request: pytest.FixtureRequest) -> MakePruner:
        return COMPARING[request.param]


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_report_without_the_metric_is_not_judged(name: str) -> None:
    history = History(LOSS, [replace(sparse_trial(number), until=EPOCHS + 1) for number in range(6)])
    for one in history:
        for end in (end for end, report in enumerate(one.curve, start=1) if not LOSS.is_in(report)):
            assert ALL[name]().judge(replace(one, curve=one.curve[:end]), history) == Continue()
