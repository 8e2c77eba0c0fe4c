"""Which trial's model is used after a search."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from hpsearch.core.errors import BadInput, NotFound, NoTrialSucceeded
from hpsearch.core.goals import Goal
from hpsearch.core.trial import Objective, State
from hpsearch.evaluation import chosen_trial as module
from hpsearch.evaluation.chosen_trial import ChosenTrial, chosen_trial
from hpsearch.records.find import JournalStudy
from tests.tracking.study_recorder import StudyRecorder

STUDY = {"name": "digits", "metric": "val_accuracy", "goal": "maximize", "at": "best"}


@pytest.fixture
def searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyRecorder]:
    """Trials with 0.7, 0.9 and 0.8, and one without a value."""
    recorder = StudyRecorder(tmp_path, study=STUDY)
    for value in (0.7, 0.9, 0.8):
        recorder.train(value)
    recorder.propose(State.WAITING)
    monkeypatch.setattr(module, "evaluation_on_record", lambda *_: None)
    yield recorder
    recorder.close()


def chosen(recorder: StudyRecorder, asked: int | None = None, *preferences: str) -> ChosenTrial:
    with recorder.open() as journal:
        return chosen_trial(journal, JournalStudy(recorder.study), asked, preferences)


def evaluated(monkeypatch: pytest.MonkeyPatch, winner: int, **means: float) -> None:
    finalists = [SimpleNamespace(trial=int(name[1:]), mean=mean, values=[mean] * 5) for name, mean in means.items()]
    found = SimpleNamespace(evaluation=SimpleNamespace(winner=winner, finalists=finalists))
    monkeypatch.setattr(module, "evaluation_on_record", lambda *_: found)


def test_the_best_one(searched: StudyRecorder) -> None:
    found = chosen(searched)
    assert (found.details.trial.number, found.why) == (1, "the best trial of the study")


def test_the_winner_of_the_evaluation(searched: StudyRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh seeds say more than the one training of the search."""
    evaluated(monkeypatch, 2, t1=0.81, t2=0.84)
    found = chosen(searched)
    assert found.details.trial.number == 2
    assert found.why == (
        "the winner of `hpsearch evaluate`: mean val_accuracy 0.84 over 5 fresh seeds on validation data, trial 1 (the "
        "best in the search) 0.81"
    )


def test_not_the_winner_if_the_search_has_found_a_better_one_since(
    searched: StudyRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated(monkeypatch, 0, t0=0.7, t2=0.69)
    assert chosen(searched).details.trial.number == 1


def test_the_one_that_is_named(searched: StudyRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated(monkeypatch, 1, t1=0.8)
    assert chosen(searched, 0).details.trial.number == 0
    with pytest.raises(NoTrialSucceeded, match='trial 3 of study "digits" has no val_accuracy'):
        chosen(searched, 3)
    with pytest.raises(NotFound):
        chosen(searched, 4)
    with pytest.raises(BadInput, match="several goals"):
        chosen(searched, None, "val_loss <= 1")


def test_several_goals_need_a_number_or_a_condition(tmp_path: Path) -> None:
    goals = [{"metric": "val_accuracy", "goal": "maximize"}, {"metric": "val_loss", "goal": "minimize"}]
    objective = Objective("val_accuracy", "maximize", others=(Goal("val_loss", "minimize"),))
    recorder = StudyRecorder(tmp_path, objective=objective, study={**STUDY, "objectives": goals})
    for accuracy, loss in ((0.9, 0.5), (0.8, 0.1)):
        number = recorder.propose()
        recorder.report(number, {"val_accuracy": accuracy, "val_loss": loss})
        recorder.set_state(number, State.COMPLETE)
    with pytest.raises(BadInput, match="--trial N"):
        chosen(recorder)
    found = chosen(recorder, None, "val_loss <= 0.2")
    assert (found.details.trial.number, found.why) == (1, "the best val_accuracy with val_loss <= 0.2")
    recorder.close()
