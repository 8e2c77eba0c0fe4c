"""Every pruner keeps the contract; early stopping too."""

import pytest

from hpsearch.core.replicates import Replicates
from hpsearch.pruners.early_stopping import EarlyStopping
from hpsearch.pruners.halving import Halving
from hpsearch.pruners.hyperband import Hyperband
from hpsearch.pruners.median import Median
from hpsearch.pruners.never import NeverPrune
from hpsearch.pruners.paired import Paired
from hpsearch.pruners.patience import Patience
from hpsearch.pruners.several import Several
from hpsearch.pruners.threshold import Threshold
from tests.contracts.pruner_contract import EPOCHS, ComparingPrunerContract, MakePruner, PrunerContract

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


class TestPruners(PrunerContract):
    @pytest.fixture(params=ALL)
    def make(self, request: pytest.FixtureRequest) -> MakePruner:
        return ALL[request.param]


class TestComparingPruners(ComparingPrunerContract):
    @pytest.fixture(params=COMPARING)
    def make(self, request: pytest.FixtureRequest) -> MakePruner:
        return COMPARING[request.param]
