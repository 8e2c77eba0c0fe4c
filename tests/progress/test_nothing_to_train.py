"""The message for a run of a study that was over before."""

from collections import Counter
from pathlib import Path

import pytest

import hpsearch
from hpsearch.core.history import BestTrial, History
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.orchestrator.rules import End, Totals
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.progress import nothing_to_train
from hpsearch.tracking.base import Sync
from tests.support.study_text import LR, RANDOM, make_study


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def result(*changes: tuple[str, str], end: End | None = None) -> RunResult:
    study = make_study(*changes)
    trial = Trial(0, {}, 0, 9, State.COMPLETE, curve=(Report(9, {"val_loss": 0.25}),))
    history = History(study.objective, [trial])
    counts = Counter(one.state for one in history)
    best, totals = BestTrial.of(history), Totals(0.0, 0.0, 0.0, 0, 1)
    return RunResult(study, False, history, counts, best, totals, end or End(), Sync(0, 0), 0.0, 0.0, None, True)


def test_a_complete_study_has_its_best_trial_and_how_to_extend_it() -> None:
    assert nothing_to_train.text(result()).splitlines() == [
        "digits is complete: nothing was trained",
        "best: trial 0, val_loss 0.25 at epoch 9",
        "to extend it, raise search.trials and run it again",
    ]


@pytest.mark.parametrize(
    ("search", "key"),
    [
        ('"coarse-to-fine"\nrounds = [{ trials = 4, epochs = 1 }]', "search.rounds"),
        ('"recipe"\nrounds = [{ trials = 4, epochs = 1 }]', "search.rounds"),
        ('"recipe"\nbudget = { epochs = 600 }', "search.budget.epochs"),
        ('"list"\nsets = [{ params = { lr = 1e-3, opt = "sgd", units = 16 } }]', "search.sets"),
        ('"grid"', "--fork NEW_NAME"),
    ],
)
def test_each_method_has_its_own_key_to_extend(search: str, key: str) -> None:
    points = (LR, "{ low = 1e-5, high = 1.0, log = true, points = 3 }")
    (advice,) = nothing_to_train.how_to_extend(result((RANDOM, search), points))
    assert key in advice


def test_a_stopped_study_has_the_reason_and_no_extension() -> None:
    end = End(stopped="limits.epochs = 9 is used up", cause=Cause.LIMIT, numbers={"epochs": 9})
    first, _ = nothing_to_train.text(result(end=end)).splitlines()
    assert "limits.epochs = 9 is used up" in first


def test_a_second_run_in_python_shows_it(capfd: pytest.CaptureFixture[str]) -> None:
    process = '[resources]\naddress = "none"\n[tracking]\nmlflow = "none"\n'
    study = make_study(("trainers.digits:train", "tests.support.toys:learner"), ("", process))
    assert not hpsearch.run(study, progress=False).trained_nothing
    capfd.readouterr()
    again = hpsearch.run(study)
    assert again.trained_nothing
    assert capfd.readouterr().err.splitlines() == nothing_to_train.text(again).splitlines()
