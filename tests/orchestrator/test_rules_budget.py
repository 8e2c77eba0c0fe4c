from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Report, Trial
from hpsearch.orchestrator.rules import EpochBudget
from tests.support.studies import COMPLETE, LOSS, WAITING, ListSampler, Search

pytest_plugins = ["tests.support.fixtures"]


def trial(number: int, epoch: int, until: int = 30) -> Trial:
    return Trial(number, {}, 0, until, curve=tuple(Report(step, {"val_loss": 1.0}) for step in range(1, epoch + 1)))


def test_without_a_limit_everything_is_granted() -> None:
    budget, history = EpochBudget(None), History(LOSS, [trial(0, 5)])
    assert budget.has_more(history)
    assert budget.grant(history[0], history, workers=9) == 30


def test_what_is_left_is_shared_by_the_workers_that_are_free() -> None:
    history = History(LOSS, [trial(0, 4), trial(1, 0), trial(2, 0)])
    budget = EpochBudget(17)
    assert budget.grant(history[0], history, workers=3) == 4 + 4
    assert budget.grant(history[1], history, workers=2) == 4
    assert budget.grant(history[2], history, workers=1) == 5
    assert not budget.has_more(history)


def test_released_epochs_are_available_to_others() -> None:
    history = History(LOSS, [trial(0, 0), trial(1, 0)])
    budget = EpochBudget(10)
    budget.grant(history[0], history, workers=1)
    assert not budget.has_more(history)
    history.put(trial(0, 3))
    budget.release_epochs(0)
    assert budget.grant(history[1], history, workers=1) == 7


@pytest.mark.parametrize("limit", [1, 7, 8, 23])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_search_trains_exactly_so_many_epochs_and_a_raised_limit_goes_on(
    tmp_path: Path, workers: int, limit: int
) -> None:
    study = Search(tmp_path, ListSampler([{}] * 9), workers=workers, study_epochs=limit)
    loop = study.run()
    assert loop.history.epochs == limit
    assert (loop.end.cause, loop.end.numbers) == (Cause.LIMIT, {"epochs": limit})
    assert {one.state for one in loop.history} <= {COMPLETE, WAITING}
    study.rules = replace(study.rules, study_epochs=None)
    whole = study.reopened().run()
    assert [one.state for one in whole.history] == [COMPLETE] * 9
    assert [one.epoch for one in whole.history] == [5] * 9
