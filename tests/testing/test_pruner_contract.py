"""A pruner from outside is held to the contract with one fixture."""

import sys
from pathlib import Path

import pytest

from hpsearch.core.decisions import Continue, Stop
from hpsearch.testing import ComparingPrunerContract, MakePruner, PrunerContract
from hpsearch.testing.pruner_contract import history_of

sys.path.append(str(Path(__file__).parents[2] / "docs" / "examples"))
from outside import Percentile


class TestPercentile(PrunerContract, ComparingPrunerContract):
    @pytest.fixture
    def make(self) -> MakePruner:
        return lambda: Percentile(keep=40, startup_trials=3)


def test_percentile_keeps_the_best_share() -> None:
    history = history_of(*[[0.1 * number] for number in range(10)])
    verdicts = [type(Percentile(keep=30).judge(trial, history)) for trial in history]
    assert verdicts == [Continue] * 3 + [Stop] * 7


@pytest.mark.parametrize("contract", [PrunerContract, ComparingPrunerContract])
def test_a_contract_without_a_fixture_says_what_to_give(contract: type) -> None:
    with pytest.raises(NotImplementedError, match="function that makes"):
        contract.make.__wrapped__(contract())  # type: ignore[attr-defined]
