"""A recorded study and a trial in words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.cli.text import show
from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Report, State, Trial
from hpsearch.journal import Environment, TrainingSegment
from hpsearch.records.study_status import StudyDetails, TrialDetails
from hpsearch.workers.trial_files import TrialFiles
from tests.cli.text.test_status import DONE
from tests.reproduce.test_reproduction import STUDY

NO_FILES = TrialFiles(None, None)
DECISIONS = (
    Decision("propose", "random draw 3 of 4", number=2, at=0),
    Decision("complete", "trained all 2 epochs", number=2, step=2, at=0),
)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trial(number: int, *values: float, size: int = 64, **fields: Any) -> Trial:
    curve = tuple(Report(step, {"val_loss": value}) for step, value in enumerate(values, 1))
    own = {"state": State.COMPLETE, "reason": "trained all 2 epochs", "origin": "random draw 3 of 4", "busy": 1.25}
    return Trial(number, {"x": number / 4, "size": size}, 7, 2, curve=curve, **{**own, **fields})


def screen(one: Trial, files: TrialFiles = NO_FILES, more: str = "show it", **details: Any) -> list[str]:
    whole = TrialDetails(STUDY, one, decisions=(), segments=(), preflight=None, lr_range=None)
    return show.trial(replace(whole, **details), files, more).splitlines()


def study_screen(trials: Sequence[Trial], rounds: Mapping[str, Any] | None = None, every: bool = False) -> list[str]:
    """What stands below the state of the study."""
    details = StudyDetails(DONE, STUDY.objective, rounds, (), trials, STUDY.space)
    return show.study(details, 0, every).splitlines()[3:]


def segment(after: int, python: str) -> TrainingSegment:
    about = {"python": python, "packages": {"torch": "2.9"}, "device": "cpu", "threads": 1, "gpu": None}
    code = {"repositories": [{"problem": "not a git repository"}]}
    environment = Environment({"environment": {**about, "cpu": {"model": "a CPU"}}, "code": code})
    return TrainingSegment(2, after, environment, {"mood": "0123456789abcdef"})


class TestTrial:
    def test_the_screen(self) -> None:
        assert screen(trial(2, 0.5, 0.25), decisions=DECISIONS) == [
            "toy, trial 2: COMPLETE, val_loss 0.25 at epoch 2",
            "  x = 0.5, size = 64",
            "  seed 7, 2 epochs in 1.2 s",
            "  why these parameters: random draw 3 of 4",
            "  why COMPLETE: trained all 2 epochs",
            "",
            "epoch  val_loss",
            "1      0.5",
            "2      0.25",
            "",
            "decisions",
            "         propose   random draw 3 of 4",
            "epoch 2  complete  trained all 2 epochs",
        ]

    def test_what_hpsearch_measures_is_below_what_the_trainer_reports(self) -> None:
        curve = (Report(1, {"val_loss": 0.5, "hpsearch/steps": 8.0, "acc": 0.75}),)
        reported = ["", "epoch  val_loss  acc", "1      0.5       0.75", ""]
        assert screen(replace(trial(2), curve=curve))[5:] == [
            *reported,
            "1 more metric measured by hpsearch: show it",
        ]
        assert screen(replace(trial(2), curve=curve), more="")[5:] == [
            *reported,
            "measured by hpsearch",
            "epoch  hpsearch/steps",
            "1      8",
        ]

    def test_of_a_search_with_rounds(self) -> None:
        assert screen(trial(2, 0.5, 0.25), has_rounds=True)[2] == "  round 1, seed 7, 2 epochs in 1.2 s"

    def test_that_has_not_ended(self) -> None:
        waiting = trial(2, state=State.WAITING, reason="", attempts=3)
        assert screen(waiting)[4:] == [
            "  why WAITING: it has not ended",
            "  3 attempts: 2 lost workers counted in limits.retries",
        ]

    def test_what_was_measured_before(self) -> None:
        lines = screen(trial(2), preflight="9 checks passed", lr_range="lr falls")
        assert lines[4:6] == ["  preflight: 9 checks passed", "  lr falls"]

    def test_that_failed(self, tmp_path: Path) -> None:
        failed = trial(2, 0.5, state=State.FAILED, reason="ValueError: no", error="Traceback\nValueError: no")
        lines = screen(failed)
        assert "  log: none, nothing was printed" in lines
        assert lines[-2:] == ["Traceback", "ValueError: no"]
        spec = {**STUDY.record.spec, "resources": {"address": "none"}}
        in_process = replace(STUDY, record=replace(STUDY.record, spec=spec))
        said = '  log: none, with address = "none" the trainer prints to the terminal'
        assert said in screen(failed, study=in_process)
        assert "  log: trial.log" in screen(failed, TrialFiles(None, tmp_path / "trial.log"))

    def test_how_its_checkpoint_is_loaded(self, tmp_path: Path) -> None:
        assert screen(trial(2), TrialFiles(tmp_path / "best.pt", None))[5:7] == [
            "  best checkpoint (state of the objects given to run.track): best.pt",
            "  load it with: torch.load('best.pt', weights_only=True)[\"objects\"]",
        ]

    def test_where_it_was_trained(self) -> None:
        segments = (segment(0, "3.12"), segment(1, "3.12"), segment(2, "3.13"))
        torch = "torch 2.9, cpu with 1 thread, a CPU"
        assert screen(trial(2), segments=segments)[4:8] == [
            f"  environment: no commit (not a git repository), Python 3.12, {torch}",
            "  data: mood 0123456789ab",
            f"  environment from epoch 3 on: no commit (not a git repository), Python 3.13, {torch}",
            "  data: mood 0123456789ab",
        ]


class TestStudy:
    def test_the_best_trials_first_and_what_is_the_same_in_all_above(self) -> None:
        failed = trial(1, state=State.FAILED)
        assert study_screen([trial(2, 0.25), trial(0, 0.5), failed]) == [
            "trials, best first; in all of them size = 64",
            "trial  val_loss  epoch  state     x",
            "2      0.25      1      COMPLETE  0.5",
            "0      0.5       1      COMPLETE  0",
            "1                       FAILED    0.25",
        ]
        assert study_screen([trial(2, 0.25), trial(0, 0.5, size=1)])[0] == "trials, best first"

    def test_of_many_trials_the_best_20(self) -> None:
        trials = [trial(number, number) for number in range(23)]
        lines = study_screen(trials)
        assert (len(lines), lines[-1]) == (2 + 20 + 1, "3 more trials: --all lists all")
        assert len(study_screen(trials, every=True)) == 2 + 23
        assert study_screen(trials[:21])[-1] == "1 more trial: --all lists all"

    def test_rounds(self) -> None:
        trials = [{"number": 0, "continued": False}, {"number": 1, "continued": True}]
        best = {"value": 0.5, "trial": 1}
        notes = {"notes": ["round 1", "x: range"], "headlines": 1}
        first = {"number": 1, "trials": trials[:1], "epochs": 1, "best": None, "gained": None, **notes}
        then = {"number": 2, "trials": trials, "epochs": 3, "best": best, "gained": 0.25, **notes}
        last = {**then, "number": 3, "gained": 0.0}
        lines = study_screen([], {"metric": "val_loss", "rounds": [first, then, last], "over": "the budget is spent"})
        assert lines[:4] == [
            "round  trials                  to epoch  best val_loss  gained",
            "1      1                       1         none",
            "2      2, 1 of them continued  3         0.5 (trial 1)  0.25",
            "3      2, 1 of them continued  3         0.5 (trial 1)  nothing",
        ]
        assert lines[4:8] == ["", "round 1", "  x: range", ""]
        assert lines[-1] == "over: the budget is spent"
