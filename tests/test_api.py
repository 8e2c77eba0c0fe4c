"""hpsearch from Python: studies are run and read as the commands do; what a user types, and what comes back."""

import json
import logging
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hpsearch
from hpsearch import api
from hpsearch.core.errors import BadInput, NotFound, NoTrialSucceeded, StudyBusy, StudyChanged
from hpsearch.core.trial import Cause, State
from hpsearch.journal import Journal
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli
from tests.contracts.journal_helpers import other_owner
from tests.support.open_files import open_journals
from tests.support.optuna_study import optuna_study

__all__ = ["cli"]  # fixture

ABOUT = {"name": "toy", "metric": "val_loss", "goal": "minimize"}
SPACE = {
    "x": {"low": 0.0, "high": 1.0},
    "kind": ["a", "b"],
    "units": {"low": 1, "high": 9, "when": {"kind": "a"}},
}


def toy(use: str = "tests.support.toys:learner", **changed: Any) -> hpsearch.Study:
    """A study of four trials and three epochs, in this process. changed: its sections."""
    sections: dict[str, Any] = {
        "study": ABOUT,
        "trainer": {"use": use, "epochs": 3},
        "space": SPACE,
        "search": {"method": "random", "trials": 4},
        "resources": {"address": "none"},
        "tracking": {"mlflow": "none"},
    }
    return hpsearch.Study.from_dict({**sections, **changed})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HPSEARCH_HOME", raising=False)
    return tmp_path


@pytest.fixture
def old(here: Path) -> api.RecordedStudy:
    hpsearch.run(toy(), progress=False)
    return hpsearch.load("toy")


class TestRun:
    def test_what_it_comes_to(self, here: Path) -> None:
        result = hpsearch.run(toy(), progress=False)
        assert (result.name, result.state, len(result.history)) == ("toy", "COMPLETE", 4)
        assert result.counts == {State.COMPLETE: 4}
        assert result.best is not None
        assert set(result.best.params) >= {"x", "kind"}
        assert repr(result).count("\n") == 0
        assert f"trial {result.best.trial}" in repr(result)

    def test_it_records_what_the_command_records(self, cli: CliRunner) -> None:
        study = hpsearch.Study.load(cli.study())
        hpsearch.run(study, progress=False)
        mine = cli.export()
        cli.invoke("run", "study.toml", "--set", "study.name=again")
        theirs = cli.export("again")
        assert [(one["params"], one["curve"]) for one in mine["trials"]] == [
            (one["params"], one["curve"]) for one in theirs["trials"]
        ]

    def test_a_larger_budget_goes_on(self, old: api.RecordedStudy) -> None:
        result = hpsearch.run(toy(search={"method": "random", "trials": 6}), progress=False)
        assert len(result.history) == 6
        assert old.refresh().trials["number"].tolist() == list(range(6))

    def test_a_fork(self, old: api.RecordedStudy) -> None:
        changed = toy(space={"x": {"low": 0.0, "high": 0.5}})
        with pytest.raises(StudyChanged):
            hpsearch.run(changed, progress=False)
        result = hpsearch.run(changed, progress=False, fork="next")
        assert (result.name, result.is_fork) == ("next", True)
        assert hpsearch.load(result.study).name == "next"

    def test_silent(self, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
        hpsearch.run(toy(), progress=False)
        assert capfd.readouterr() == ("", "")

    def test_a_line_for_each_trial(self, here: Path, capfd: pytest.CaptureFixture[str]) -> None:
        hpsearch.run(toy())
        lines = capfd.readouterr().err.splitlines()
        assert [line.split("]")[0] for line in lines] == [f"[{number}/4" for number in range(1, 5)]

    def test_in_a_notebook_they_are_plain_text_on_stdout(
        self, here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Its stderr is red, and whatever is redrawn in place flickers."""
        monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
        hpsearch.run(toy())
        captured = capfd.readouterr()
        assert captured.err == ""
        assert [line.split("]")[0] for line in captured.out.splitlines()] == [f"[{number}/4" for number in range(1, 5)]

    def test_logging_of_the_program_is_left_as_it_was(self, here: Path) -> None:
        handlers, shown = logging.getLogger().handlers[:], warnings.showwarning
        hpsearch.run(toy(), progress=False)
        assert (logging.getLogger().handlers, warnings.showwarning) == (handlers, shown)

    def test_on_another_thread(self, here: Path) -> None:
        results: list[hpsearch.RunResult] = []
        before = signal.getsignal(signal.SIGINT)
        thread = threading.Thread(target=lambda: results.append(hpsearch.run(toy(), progress=False)))
        thread.start()
        thread.join()
        assert [result.state for result in results] == ["COMPLETE"]
        assert signal.getsignal(signal.SIGINT) is before

    def test_an_interrupt_ends_it_in_good_order_and_it_goes_on_later(self, here: Path) -> None:
        study = toy(f"{__name__}:interrupted")
        result = hpsearch.run(study, progress=False)
        assert (result.signal, result.state) == (signal.SIGINT, "STOPPED")
        assert hpsearch.load(study).state == "STOPPED"
        assert hpsearch.run(study, progress=False).counts == {State.COMPLETE: 4}

    def test_one_at_a_time_in_a_process(self, here: Path) -> None:
        """Their trainers would draw from one global random state."""
        result = hpsearch.run(toy(f"{__name__}:nested"), progress=False)
        assert {trial.exception.partition(":")[0] for trial in result.history} == {"BadInput"}
        assert hpsearch.run(toy(study={**ABOUT, "name": "next"}), progress=False).state == "COMPLETE"

    def test_a_path_is_no_study(self) -> None:
        with pytest.raises(TypeError, match=r"Study\.load"):
            hpsearch.run("study.toml")  # type: ignore[arg-type]

    def test_somebody_else_runs_it(self, old: api.RecordedStudy) -> None:
        with Journal.open(toy().journal_url) as journal:
            record = journal.find("toy")
            assert record is not None
            journal.acquire(record.id, other_owner())
            with pytest.raises(StudyBusy):
                hpsearch.run(toy(search={"method": "random", "trials": 6}), progress=False)
            assert hpsearch.load("toy").state in ("RUNNING", "COMPLETE"), "it can be read meanwhile"


def interrupted(params: Any, run: Any) -> Iterator[hpsearch.Report]:
    """The first epoch of all is interrupted."""
    for epoch in run.epochs():
        if not Path("interrupted").exists():
            Path("interrupted").touch()
            os.kill(os.getpid(), signal.SIGINT)
        yield hpsearch.Report(epoch, {"val_loss": 1.0 / epoch})


def nested(params: Any, run: Any) -> Iterator[hpsearch.Report]:
    hpsearch.run(toy(study={**ABOUT, "name": "inner"}), progress=False)
    yield hpsearch.Report(1, {"val_loss": 1.0})


def reading(params: Any, run: Any) -> Iterator[hpsearch.Report]:
    """Every epoch loads the study that it is of, which has the epochs before."""
    for epoch in run.epochs():
        study = hpsearch.load("toy")
        with Path("seen").open("a") as seen:
            seen.write(json.dumps({"state": study.state, "reports": len(study.curves())}) + "\n")
        yield hpsearch.Report(epoch, {"val_loss": 1.0 / epoch})


class TestLoad:
    def test_by_name_by_file_by_folder_and_by_study(self, cli: CliRunner) -> None:
        path = cli.study()
        hpsearch.run(hpsearch.Study.load(path), progress=False)
        (own,) = (cli.folder / ".hpsearch" / "studies").iterdir()
        for given in ("toy", path, str(path), cli.folder, ".hpsearch", own, hpsearch.Study.load(path)):
            found = hpsearch.load(given)
            assert (found.name, len(found.trials)) == ("toy", 4)
            assert found.best.checkpoint is not None

    def test_from_another_place(self, old: api.RecordedStudy, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir("/")
        monkeypatch.setenv("PLACE", str(here))
        found = hpsearch.load("toy", journal="sqlite:///${env:PLACE}/.hpsearch/journal.db")
        assert found.best.checkpoint is not None, "its checkpoints lie beside the journal"
        assert old.refresh().name == "toy", "what was found stays found"

    def test_which_study_of_a_home(self, old: api.RecordedStudy) -> None:
        hpsearch.run(toy(), progress=False, fork="next")
        with pytest.raises(NotFound, match="toy, next"):
            hpsearch.load(".hpsearch")

    def test_a_name_that_is_not_there(self, old: api.RecordedStudy) -> None:
        with pytest.raises(NotFound, match="`toy`"):
            hpsearch.load("tyo")

    def test_no_journal(self, here: Path) -> None:
        with pytest.raises(NotFound, match=r"journal=URL"):
            hpsearch.load("toy")
        assert list(here.iterdir()) == [], "to look makes nothing"

    def test_a_snapshot(self, old: api.RecordedStudy) -> None:
        hpsearch.run(toy(search={"method": "random", "trials": 5}), progress=False)
        assert len(old.trials) == 4
        assert len(old.refresh().trials) == 5

    def test_while_it_runs(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The trainer reads its own study."""
        monkeypatch.setattr("hpsearch.workers.worker.SLICE_SECONDS", 0.0)
        hpsearch.run(toy(f"{__name__}:reading"), progress=False)
        seen = [json.loads(line) for line in Path("seen").read_text().splitlines()]
        assert [(one["state"], one["reports"]) for one in seen] == [("RUNNING", number) for number in range(12)]
        assert hpsearch.load("toy").state == "COMPLETE"

    def test_a_journal_in_postgresql(self, here: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JOURNAL", postgres_url)
        study = toy(journal={"url": "${env:JOURNAL}"})
        hpsearch.run(study, progress=False)
        for found in (hpsearch.load(study), hpsearch.load("toy", journal="${env:JOURNAL}")):
            assert len(found.trials) == 4
            assert found.best.load(), "the folder is where it was trained"

    def test_it_leaves_nothing_open(self, old: api.RecordedStudy) -> None:
        assert open_journals() == []


class TestTables:
    def test_trials(self, old: api.RecordedStudy) -> None:
        trials = old.trials
        columns = ["number", "state", "cause", "x", "kind", "units", "value", "best_epoch", "epochs"]
        assert [name for name in trials.columns if name in columns] == columns
        assert list(trials.columns)[-2:] == ["reason", "superseded"]
        assert trials["state"].tolist() == ["COMPLETE"] * 4
        best = trials.loc[trials["value"].idxmin()]
        assert (best["number"], best["value"], best["best_epoch"]) == (
            old.best.number,
            old.best.value,
            old.best.epoch,
        )
        assert trials["units"].isna().tolist() == [kind == "b" for kind in trials["kind"]]
        assert str(trials["units"].dtype) == "Int64"

    def test_curves(self, old: api.RecordedStudy) -> None:
        curves = old.curves()
        assert list(curves.columns) == ["trial", "epoch", "metric", "value"]
        assert len(curves) == 4 * 3 * 2
        only = old.curves("val_loss")
        assert only["value"].min() == old.best.value
        assert set(only["metric"]) == {"val_loss"}
        with pytest.raises(NotFound, match="`val_loss`"):
            old.curves("val_los")

    def test_decisions(self, old: api.RecordedStudy) -> None:
        decisions = old.decisions
        assert list(decisions.columns) == ["at", "kind", "trial", "epoch", "reason"]
        assert decisions["kind"].value_counts().to_dict() == {"propose": 4, "complete": 4}
        assert isinstance(decisions["at"].iloc[0], pd.Timestamp)


class TestTrial:
    def test_the_best(self, old: api.RecordedStudy) -> None:
        best = old.best
        assert best.params == old.trial(best.number).params
        assert best.checkpoint is not None
        assert best.checkpoint.name == "best.pt"
        curve = old.curves("weight")
        weight = curve[(curve["trial"] == best.number) & (curve["epoch"] == best.epoch)]["value"].item()
        assert best.load() == {"weight": {"value": weight}}

    def test_of_folds_each_has_its_own(self, here: Path) -> None:
        folds = {"use": "tests.support.toys:folded", "epochs": 2, "validation": {"folds": 2}}
        hpsearch.run(toy(trainer=folds), progress=False)
        states = hpsearch.load("toy").best.load()
        assert len(states) == 2
        assert all(set(one) == {"weight"} for one in states.values())

    def test_none_to_load(self, here: Path) -> None:
        hpsearch.run(toy("tests.support.toys:untracked"), progress=False)
        best = hpsearch.load("toy").best
        assert best.checkpoint is None
        with pytest.raises(NotFound):
            best.load()

    def test_one_that_is_not_there(self, old: api.RecordedStudy) -> None:
        with pytest.raises(NotFound, match="it has trials 0 to 3"):
            old.trial(4)


def failing(params: Any, run: Any) -> Iterator[hpsearch.Report]:
    raise ValueError("never")
    yield


class TestWithNothingToShow:
    @pytest.fixture
    def failed(self, here: Path) -> api.RecordedStudy:
        """Trials that all failed before their first report."""
        hpsearch.run(toy(f"{__name__}:failing", limits={"max_failures": 9}), progress=False)
        return hpsearch.load("toy")

    def test_only_failed_trials(self, failed: api.RecordedStudy) -> None:
        assert failed.trials["cause"].tolist() == [str(Cause.TRAINER_RAISED)] * 4
        assert failed.trials["value"].isna().all()
        assert failed.curves().empty
        assert failed.trial(0).value is None
        with pytest.raises(NotFound):
            failed.trial(0).load()
        plots = (failed.plot_curves, failed.plot_parameters, failed.plot_importance)
        for nothing in (lambda: failed.best, *plots):
            with pytest.raises(NoTrialSucceeded):
                nothing()
        assert "no trial has a value" in repr(failed)

    def test_no_trials_at_all(self, here: Path) -> None:
        study = toy()
        with Journal.open(_made(study)) as journal:
            journal.create("toy", study.spec(), study.identity(), at=0)
        empty = hpsearch.load("toy")
        assert len(empty.trials) == len(empty.curves()) == len(empty.decisions) == 0
        assert {"number", "state", "value", "reason"} <= set(empty.trials.columns)
        assert empty.doctor().document()
        with pytest.raises(NoTrialSucceeded):
            empty.plot_curves()
        with pytest.raises(NotFound, match="none yet"):
            empty.trial(0)


def _made(study: hpsearch.Study) -> str:
    study.home.mkdir()
    return study.journal_url


class TestAsTheCommands:
    def test_doctor(self, old: api.RecordedStudy) -> None:
        assert {one["trial"] for one in old.doctor().document()["trials"]} == {0, 1, 2, 3}
        assert old.doctor(2).trial.number == 2
        assert max(map(len, map(repr, (old.doctor(), old.doctor(2))))) < 500, "a notebook shows it"

    def test_compare(self, old: api.RecordedStudy) -> None:
        hpsearch.run(toy(), progress=False, fork="next")
        for other in ("next", hpsearch.load("next")):
            compared = old.compare(other)
            assert [one.label for one in compared.studies] == ["toy", "next"]
            assert "toy, next" in repr(compared)
            assert len(repr(compared)) < 500
        with pytest.raises(BadInput):
            old.compare()

    def test_export(self, old: api.RecordedStudy, cli: CliRunner) -> None:
        old.export("json", "mine.json")
        assert json.loads(Path("mine.json").read_text()) == cli.export()
        assert len(pd.read_csv(old.export("csv", "mine.csv"))) == 12
        assert len(pd.read_parquet(old.export("parquet", "mine.parquet"))) == 12
        old.export("optuna", Path("mine.db"))
        assert len(optuna_study("toy", Path("mine.db")).trials) == 4
        with pytest.raises(BadInput, match="`csv`"):
            old.export("cvs", "mine.csv")  # type: ignore[arg-type]
        with pytest.raises(BadInput):
            old.export("csv", "nowhere/mine.csv")


class TestFigures:
    def test_of_a_random_search(self, old: api.RecordedStudy) -> None:
        assert [trace.name for trace in old.plot_curves().data[1:]] == [
            f"trial {number}" for number in _ranked(old)[::-1]
        ]
        assert [axis.title.text for axis in old.plot_parameters().select_xaxes()] == list(SPACE)
        with pytest.raises(NoTrialSucceeded, match="needs 10 ended trials"):
            old.plot_importance()
        with pytest.raises(BadInput, match="random"):
            old.plot_rounds()

    def test_importance(self, here: Path) -> None:
        hpsearch.run(toy(search={"method": "random", "trials": 12}), progress=False)
        figure = hpsearch.load("toy").plot_importance()
        assert set(figure.data[0].y) == set(SPACE)
        assert "12 trials" in figure.layout.title.text

    def test_rounds(self, here: Path) -> None:
        rounds = [{"trials": 4, "epochs": 1}, {"trials": 2, "epochs": 3}]
        hpsearch.run(toy(search={"method": "coarse-to-fine", "rounds": rounds}), progress=False)
        found = hpsearch.load("toy")
        assert found.trials["round"].max() == 2
        draw: Callable[[], Any] = found.plot_rounds
        assert draw().data


def _ranked(study: api.RecordedStudy) -> list[int]:
    return study.trials.sort_values("value")["number"].tolist()
