"""Which failed trials are tried again; tests/cli/test_retry.py does it as a user."""

from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.journal import Environment, TrainingSegment
from hpsearch.orchestrator.changes.retries import retries
from hpsearch.provenance import environment
from hpsearch.provenance.sources import Sources
from hpsearch.study.definition import Study
from tests.cli.cli_runner import RANDOM, STUDY, X

LOSS = Objective("val_loss", "minimize")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    text = STUDY.format(trainer="retried:train", epochs=3, options="{}", space=X, search=RANDOM)
    (tmp_path / "study.toml").write_text(text)
    (tmp_path / "retried.py").write_text("from retried_kit import train\n")
    (tmp_path / "retried_kit.py").write_text("def train(params, run): ...\n")
    return Study.load(tmp_path / "study.toml")


def failed(number: int, round_: int = 1) -> Trial:
    """In its second epoch, on its third worker."""
    return Trial(
        number,
        {"x": 0.5},
        0,
        3,
        State.FAILED,
        round=round_,
        curve=(Report(1, {"val_loss": 1.0}),),
        reason="ValueError: wrong",
        cause=Cause.TRAINER_RAISED,
        cause_numbers={"epoch": 1},
        error="Traceback",
        exception="ValueError: wrong",
        attempts=3,
        ended=number + 1,
    )


def trained_with(number: int, sources: dict[str, str] | None) -> TrainingSegment:
    return TrainingSegment(number, 0, Environment({"environment": {"sources": sources}, "code": {}}), {})


def sources(study: Study, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """As a worker finds them."""
    monkeypatch.syspath_prepend(study.folder)
    return environment.sources(Sources.of("retried"))


def test_retried_trials(study: Study) -> None:
    """All of a trial that says how it failed is gone; what it has trained, and its place among the ended, stays."""
    before = failed(0)
    (trial,) = retries(study, History(LOSS, [before]), [], asked=True).trials
    kept = replace(before, state=State.WAITING, reason="", cause=None, cause_numbers={}, error="", exception="")
    assert trial == replace(kept, attempts=1)


def test_only_those_whose_sources_are_others_now(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    now = sources(study, monkeypatch)
    assert set(now) == {"retried", "retried_kit"}
    recorded = [{**now, "retried_kit": "0" * 64}, now, {"retried": now["retried"]}, None]
    history = History(LOSS, map(failed, range(5)))
    segments = [trained_with(number, one) for number, one in enumerate(recorded)]
    found = retries(study, history, segments, asked=False)
    assert [trial.number for trial in found.trials] == [0, 2], "of trials 3 and 4 nothing is on record"
    assert [(one.number, one.kind, one.step) for one in found.decisions] == [(0, "retry", 1), (2, "retry", 1)]
    why = "the trainer has changed since (retried_kit)"
    assert [one.reason for one in found.decisions] == [why, why]
    assert found.note == f"2 failed trials will be tried again (trials 0, 2): {why}"
    assert [trial.number for trial in retries(study, history, segments, asked=True).trials] == [0, 1, 2, 3, 4]


def test_the_last_training_of_a_trial_counts(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    now = sources(study, monkeypatch)
    segments = [trained_with(0, {"retried": "0" * 64}), trained_with(0, now)]
    assert retries(study, History(LOSS, [failed(0)]), segments, asked=False).trials == ()


@pytest.mark.parametrize(("cause", "attempts", "raised_to"), [("WORKER_LOST", 3, 3), ("STALLED", 1, 2)])
def test_those_that_lost_their_workers_where_more_retries_are_allowed_now(
    study: Study, cause: str, attempts: int, raised_to: int
) -> None:
    lost = replace(failed(0), cause=Cause[cause], attempts=attempts, exception="")
    study = study.model_copy(update={"limits": study.limits.model_copy(update={"retries": attempts - 1})})
    history = History(LOSS, [lost, failed(1)])
    assert retries(study, history, [], asked=False).trials == ()
    study = study.model_copy(update={"limits": study.limits.model_copy(update={"retries": raised_to})})
    (trial,) = retries(study, history, [], asked=False).trials
    assert (trial.number, trial.state, trial.attempts, trial.curve) == (0, State.WAITING, attempts + 1, lost.curve)


def test_not_those_of_rounds_that_are_over(study: Study) -> None:
    """A later round was planned without them, and is planned again from the history whenever the study goes on."""
    history = History(LOSS, [failed(0, 1), failed(1, 1), failed(2, 2)])
    assert [trial.number for trial in retries(study, history, [], asked=True).trials] == [2]


def test_nothing_to_try(study: Study) -> None:
    complete = replace(failed(0), state=State.COMPLETE)
    assert retries(study, History(LOSS, [complete]), [], asked=True).trials == ()
    assert retries(study, History(LOSS), [], asked=True).note == ""
