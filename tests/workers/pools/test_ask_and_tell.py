"""What pool_contract.py asks of every pool, as far as it holds where the caller's own code trains."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from hpsearch.core.messages import Advance, Event, Failure, Kill, Release, Reported, Start
from hpsearch.core.trial import Report
from hpsearch.workers.pools.ask_and_tell import AskAndTell, AskedTrial


@pytest.fixture
def described() -> list[str]:
    """An entry for each time that the environment was asked for."""
    return []


@pytest.fixture
def pool(tmp_path: Path, described: list[str]) -> AskAndTell:
    def environment() -> dict[str, str]:
        described.append("")
        return {"python": "3"}

    return AskAndTell(tmp_path, {"layers": 2}, environment, workers=2)


def start(number: int, after: int = 0) -> Start:
    return Start(number, {"lr": 0.1}, seed=7, until=3, epochs=5, after=after)


def given(pool: AskAndTell, order: Start) -> AskedTrial:
    ask = pool.ask()
    pool.execute(order)
    assert ask.trial is not None
    return ask.trial


def reported(pool: AskAndTell, trial: AskedTrial) -> Reported:
    pool.report(trial, Report(trial.epoch + 1, {"val_loss": 1.0}))
    (event,) = pool.events(0.0)
    assert isinstance(event, Reported)
    return event


def test_room_is_for_those_who_ask(pool: AskAndTell) -> None:
    assert (pool.room, pool.room_after(1)) == (0, 0), "who lets a trial go does not ask for another by that"
    asks = [pool.ask() for _ in range(3)]
    assert pool.room == 2, "workers"
    pool.execute(start(0))
    assert (pool.room, pool.room_after(1)) == (1, 2)
    pool.execute(start(1))
    assert [ask.trial and ask.trial.number for ask in asks] == [0, 1, None], "the one who has waited longest first"
    assert (pool.room, pool.room_after(1)) == (0, 1)
    pool.cancel(asks[2])
    assert pool.room_after(2) == 0
    pool.cancel(asks[0])


def test_as_many_as_ask_where_nothing_bounds_them(tmp_path: Path) -> None:
    pool = AskAndTell(tmp_path, {}, dict)
    for _ in range(20):
        pool.ask()
    assert pool.room == 20


def test_a_trial_is_what_its_start_says(pool: AskAndTell, tmp_path: Path) -> None:
    trial = given(pool, start(4, after=2))
    assert (trial.number, trial.params, trial.seed) == (4, {"lr": 0.1, "layers": 2}, 7)
    assert (trial.epochs, trial.epoch) == (range(3, 6), 2)
    assert not (tmp_path / "scratch").exists()
    assert trial.scratch_dir.is_dir()
    assert trial.scratch_dir == tmp_path / "scratch" / "00004"


def test_each_start_and_each_advance_gives_one_event(pool: AskAndTell) -> None:
    trial = given(pool, start(0))
    assert events_of(pool) == []
    for epoch in (1, 2):
        event = reported(pool, trial)
        assert ([report.step for report in event.reports], event.ended, event.failure) == ([epoch], False, None)
        assert event.seconds >= 0
        assert events_of(pool) == []
        pool.execute(Advance(0))
    pool.finish(trial)
    assert [(event.number, event.ended) for event in events_of(pool) if isinstance(event, Reported)] == [(0, True)]
    assert pool.is_running(trial), "until it is released"


def test_the_environment_comes_with_the_first_report_of_each_start(pool: AskAndTell, described: list[str]) -> None:
    trial = given(pool, start(0, after=2))
    first, second = reported(pool, trial), reported(pool, trial)
    assert first.provenance is not None
    assert (first.provenance.after, first.provenance.environment) == (2, {"python": "3"})
    assert second.provenance is None
    pool.execute(Release(0, over=False))
    assert reported(pool, given(pool, start(0, after=4))).provenance is not None
    assert len(described) == 1


@pytest.mark.parametrize("order", [Release(0, over=True), Kill(0)])
def test_a_trial_that_is_let_go_is_no_longer_its_callers(pool: AskAndTell, order: Release | Kill) -> None:
    trial = given(pool, start(0))
    pool.execute(order)
    assert (pool.is_running(trial), pool.owns(trial), pool.released) == (False, True, [trial])
    again = given(pool, start(0))
    assert (pool.is_running(trial), pool.is_running(again)) == (False, True)


def test_one_that_fails_is_let_go_at_once(pool: AskAndTell) -> None:
    trial = given(pool, start(0))
    pool.fail(trial, Failure("error", "no such optimizer"))
    (event,) = events_of(pool)
    assert isinstance(event, Reported)
    assert event.failure is not None
    assert not pool.is_running(trial)


def test_close_lets_go_of_every_trial(pool: AskAndTell) -> None:
    trials = [given(pool, start(number)) for number in range(2)]
    pool.report(trials[0], Report(1, {}))
    pool.close()
    assert (pool.released, events_of(pool)) == (trials, [])
    pool.close()


def events_of(pool: AskAndTell) -> Sequence[Event]:
    return list(pool.events(0.0))
