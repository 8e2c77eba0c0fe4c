"""Trials without checkpoints: epochs that are trained again are counted, limited, reported and planned."""

from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.core.decisions import RESTARTS
from hpsearch.core.trial import Cause, State
from hpsearch.orchestrator.observers import Observer
from tests.support.studies import ListSampler, RoundsSampler, Search

pytest_plugins = ["tests.support.fixtures"]

TRACKED, UNTRACKED = "learner", "untracked"


class Unsaved(Observer):
    def __init__(self) -> None:
        self.said: list[str] = []

    def unsaved(self, why: str) -> None:
        self.said.append(why)


@pytest.mark.parametrize(("trainer", "again"), [(TRACKED, 0), (UNTRACKED, 2)])
def test_a_round_that_continues_them_trains_them_from_their_first_epoch(
    tmp_path: Path, trainer: str, again: int
) -> None:
    study = Search(tmp_path, RoundsSampler([{}, {}], first=2, then=5), trainer)
    loop = study.run()
    assert sorted(trial.retrained for trial in loop.history) == [0, again]
    assert loop.history.epochs == loop.totals.epochs == 2 + 5 + again
    assert loop.history.restarts == (again > 0)
    assert len(study.recorder.reasons(RESTARTS)) == (again > 0)


@pytest.mark.usefixtures("one_epoch_a_slice")
def test_what_an_interrupted_trial_trains_again_is_counted(tmp_path: Path) -> None:
    study = Search(tmp_path, ListSampler([{}]), UNTRACKED)
    stopped = study.run(lambda loop: loop.stop("stopped by SIGINT") if loop.history.epochs == 2 else None)
    before = stopped.history[0].epoch
    assert stopped.history[0].state is State.WAITING
    whole = study.reopened().run().history
    assert (whole[0].epoch, whole[0].retrained, whole.epochs) == (5, before, 5 + before)


def test_the_warning_is_shown_once_in_a_run(tmp_path: Path) -> None:
    study, observer = Search(tmp_path, ListSampler([{}, {}, {}]), UNTRACKED), Unsaved()
    study.run(observers=[observer])
    assert len(observer.said) == 1


@pytest.mark.parametrize("limit", range(4, 12))
@pytest.mark.parametrize("workers", [1, 2])
def test_a_limit_of_epochs_is_never_exceeded(tmp_path: Path, limit: int, workers: int) -> None:
    """Two trials of 2 epochs, one of them continued to 5: 9 epochs in all."""
    study = Search(tmp_path, RoundsSampler([{}, {}], first=2, then=5), UNTRACKED, workers=workers, study_epochs=limit)
    loop = study.run()
    assert loop.history.epochs == (min(limit, 9) if limit > 6 else 4)
    assert loop.end.is_limit == (limit <= 9)
    study.rules = replace(study.rules, study_epochs=None)
    assert max(trial.epoch for trial in study.reopened().run().history) == 5


@pytest.mark.usefixtures("one_epoch_a_slice")
def test_a_limit_too_small_for_a_waiting_trial_stops_the_study(tmp_path: Path) -> None:
    study = Search(tmp_path, ListSampler([{}]), UNTRACKED, study_epochs=5)
    study.run(lambda loop: loop.stop("stopped by SIGINT") if loop.history.epochs == 3 else None)
    loop = study.reopened().run()
    assert (loop.end.cause, loop.end.numbers) == (Cause.LIMIT, {"epochs": 5})
    assert loop.history[0].state is State.WAITING


def test_trainings_of_one_epoch_need_no_checkpoint(tmp_path: Path) -> None:
    study, observer = Search(tmp_path, ListSampler([{}]), UNTRACKED, epochs=1), Unsaved()
    study.run(observers=[observer])
    assert observer.said == study.recorder.reasons(RESTARTS) == []
