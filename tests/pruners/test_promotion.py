from collections.abc import Mapping
from dataclasses import replace

import pytest

from hpsearch.core.decisions import Continue, Pause, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, State, Trial
from hpsearch.pruners.halving import Halving
from hpsearch.pruners.hyperband import Hyperband
from hpsearch.pruners.promotion import promoted
from hpsearch.testing.pruner_contract import LOSS, MakePruner, PausingPrunerContract, trial

HALVING = Halving(1, 3, 27, promote=True)


class TestPromotingPruners(PausingPrunerContract):
    @pytest.fixture(params=["halving", "hyperband"])
    def make(self, request: pytest.FixtureRequest) -> MakePruner:
        kind = {"halving": Halving, "hyperband": Hyperband}[request.param]
        return lambda: kind(1, 3, 27, promote=True)


def paused(number: int, *losses: float, state: State = State.PAUSED) -> Trial:
    return replace(trial(number, *losses), until=27, state=state, cause=Cause.PRUNED)


def verdicts(*losses: float, history: History) -> list[Verdict]:
    found = []
    for number, loss in enumerate(losses):
        history.put(one := replace(trial(number, loss), until=27))
        found.append(HALVING.judge(one, history))
    return found


def test_a_trial_continues_at_once_only_if_it_is_among_the_best_third() -> None:
    found = verdicts(0.5, 0.6, 0.7, 0.4, 0.3, 0.6, history=History(LOSS))
    assert [type(one) for one in found] == [Pause, Pause, Pause, Continue, Continue, Pause]
    assert isinstance(found[5], Pause)
    assert (found[5].cause, found[5].numbers) == (Cause.PRUNED, {"rank": 4, "of": 6, "promoted": 2, "epoch": 1})


def test_of_equal_trials_no_more_than_a_third_continue() -> None:
    assert [type(one) for one in verdicts(*[0.5] * 9, history=History(LOSS))].count(Continue) == 0
    assert promoted(dict.fromkeys(range(9), 0.5), 3) == [0, 1, 2]


def test_without_checkpoints_trials_are_stopped() -> None:
    found = verdicts(0.5, 0.6, 0.7, history=History(LOSS, restarts=True))
    assert [type(one) for one in found] == [Continue, Stop, Stop]


def test_a_paused_trial_is_promoted_when_enough_others_are_worse() -> None:
    history = History(LOSS, [paused(0, 0.5), paused(1, 0.6)])
    assert HALVING.promotion(history) is None
    history.put(paused(2, 0.7))
    found = HALVING.promotion(history)
    assert found is not None
    assert found.number == 0
    history.put(paused(0, 0.5, 0.4, 0.4))
    assert HALVING.promotion(history) is None


@pytest.mark.parametrize("state", [State.RUNNING, State.WAITING, State.PRUNED, State.FAILED, State.INFEASIBLE])
def test_only_a_paused_trial_is_promoted(state: State) -> None:
    history = History(LOSS, [paused(0, 0.5, state=state), paused(1, 0.6), paused(2, 0.7)])
    assert HALVING.promotion(history) is None


def test_the_highest_rung_is_first() -> None:
    low = [paused(number, 0.5 + number / 10) for number in range(3)]
    high = [paused(3 + number, 0.9, 0.9, 0.3 + number / 10) for number in range(3)]
    assert promotion_of([*low, *high]) == 3


def test_diverged_trials_are_never_promoted_and_count_for_the_others() -> None:
    diverged = [paused(number, float("nan"), state=State.PRUNED) for number in range(5)]
    assert promotion_of([*diverged, paused(5, 0.5)]) == 5
    assert promotion_of(diverged) is None


def test_at_the_end_the_best_of_a_rung_continues_in_any_case() -> None:
    history = History(LOSS, [paused(0, 0.5), paused(1, 0.4)])
    found = HALVING.promotion(history, at_end=True)
    assert found is not None
    assert found.number == 1
    assert HALVING.promotion(history) is None


def test_hyperband_promotes_within_a_bracket() -> None:
    pruner = Hyperband(1, 3, 27, promote=True)
    brackets: Mapping[int, list[int]] = {
        one: [number for number in range(40) if pruner.bracket(number) == one] for one in (0, 1)
    }
    trials = [replace(trial(number), state=State.RUNNING) for number in range(40)]
    for number in brackets[0][:2]:
        trials[number] = paused(number, 0.1)
    for number in brackets[1][:3]:
        trials[number] = paused(number, 0.9, 0.9, 0.9 + number)
    found = pruner.promotion(History(LOSS, trials))
    assert found is not None
    assert found.number == brackets[1][0]


def promotion_of(trials: list[Trial]) -> int | None:
    found = HALVING.promotion(History(LOSS, trials))
    return None if found is None else found.number
