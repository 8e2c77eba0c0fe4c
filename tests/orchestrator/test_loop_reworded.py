"""The loop does not depend on its sentences: here every reason is reversed when it is set on a trial."""

from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.core.messages import Start
from hpsearch.core.trial import Cause, Trial
from hpsearch.orchestrator.loop import Loop
from tests.support.studies import COMPLETE, FAILED, PRUNED, WAITING, ListSampler, Search, UnreliablePool

pytest_plugins = ["tests.support.fixtures"]


@pytest.fixture(autouse=True)
def reworded(monkeypatch: pytest.MonkeyPatch, one_epoch_a_slice: None) -> None:
    put = Loop._put

    def put_reworded(loop: Loop, trial: Trial) -> Trial:
        is_new = loop.history[trial.number].reason != trial.reason if trial.number < len(loop.history) else True
        return put(loop, replace(trial, reason=trial.reason[::-1]) if is_new else trial)

    monkeypatch.setattr(Loop, "_put", put_reworded)


def test_a_diverged_trial_is_never_the_best(tmp_path: Path) -> None:
    study = Search(tmp_path, ListSampler([{"losses": "0.1 nan"}, {"losses": "3 2 1 1 1"}]), "scripted")
    history = study.run().history
    assert (history[0].state, history[0].reason) == (PRUNED, "2 hcope ta nan si ssol_lav :degrevid")
    assert history.best() is history[1]
    assert study.recorder.history(study.setup.trainer.objective).best() == history[1]


def test_out_of_memory_is_tried_once_more_alone(tmp_path: Path) -> None:
    study = Search(
        tmp_path,
        ListSampler([{"at": 2 if number == 1 else 0, "how": "memory"} for number in range(3)]),
        "faulty",
        workers=3,
    )
    pool = study.pool = UnreliablePool(study.pool, lambda _order, _before: "")
    history = study.run().history
    assert [trial.state for trial in history] == [COMPLETE, FAILED, COMPLETE]
    starts = [(order.number, order.after) for order in pool.executed if isinstance(order, Start)]
    assert starts == [(0, 0), (1, 0), (2, 0), (1, 1)]
    again = [place for place, order in enumerate(pool.executed) if isinstance(order, Start)][-1]
    assert {order.number for order in pool.executed[again:]} == {1}, "nothing runs beside it"


def test_and_by_another_process_too(tmp_path: Path) -> None:
    fates = ListSampler([{"at": 2 if number == 1 else 0, "how": "memory"} for number in range(3)])
    study = Search(tmp_path, fates, "faulty", workers=3)
    study.run(lambda loop: loop.stop("now") if study.recorder.reasons("wait") else None)
    assert (study.recorder.trials[1].state, study.recorder.trials[1].cause) == (WAITING, Cause.OUT_OF_MEMORY)
    pool = study.pool = UnreliablePool(study.reopened().pool, lambda _order, _before: "")
    assert [trial.state for trial in study.run().history] == [COMPLETE, FAILED, COMPLETE]
    assert [order.number for order in pool.executed if isinstance(order, Start)].count(1) == 1
