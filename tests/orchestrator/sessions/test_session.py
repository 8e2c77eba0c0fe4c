"""Ask and tell on a real journal, in this process."""

import math
from typing import Any

import pytest

from hpsearch import BadInput, Session, TrainerError
from hpsearch.core.trial import Cause, State
from hpsearch.journal import Journal
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run import run_study
from tests.support.session_folder import SessionFolder, asked, comparable
from tests.support.session_trainer import drive

METHODS: dict[str, dict[str, Any]] = {
    "grid": {"method": "grid"},
    "random": {"method": "random", "trials": 12},
    "bayesian": {"method": "bayesian", "trials": 12, "startup_trials": 4},
    "coarse-to-fine": {
        "method": "coarse-to-fine",
        "rounds": [{"trials": 6, "epochs": 2}, {"trials": 4, "epochs": 4}, {"trials": 2, "epochs": 6}],
    },
}


class TestSameAsRun:
    @pytest.mark.parametrize("method", METHODS)
    def test_trials_and_decisions_are_those_of_run_to_the_last_digit(
        self, session_folder: SessionFolder, method: str
    ) -> None:
        more: dict[str, Any] = {"prune": {"method": "median", "startup_trials": 2}, "early_stopping": {"patience": 2}}
        trainer = {"use": "tests.support.session_trainer:train", "epochs": 6}
        resources = {"address": "none", "workers": 1}
        run_study(
            session_folder.study(METHODS[method], "run", trainer=trainer, resources=resources, **more), Observer()
        )
        with Session(session_folder.study(METHODS[method], **more)) as session:
            drive(session)
        assert [comparable(trial) for trial in session_folder.trials()] == [
            comparable(trial) for trial in session_folder.trials("run")
        ]
        assert session_folder.decided("own") == session_folder.decided("run")
        assert session_folder.state() == session_folder.state("run")
        if method == "grid":  # which has all that may happen
            assert {trial.cause for trial in session_folder.trials()} == {Cause.DONE, Cause.PRUNED, Cause.DIVERGED}

    def test_a_paused_trial_is_given_out_again_from_where_it_stopped(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study(METHODS["coarse-to-fine"])) as session:
            seen = drive(session)
        assert [epochs for number, epochs in seen if number == seen[6][0]][:2] == [range(1, 7), range(3, 7)]

    def test_the_record_has_the_program_that_trained(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()) as session:
            drive(session)
        record = session_folder.record()
        assert record is not None
        with Journal.open(session_folder.study().journal_url) as journal:
            segments = journal.segments(record.id)
        assert [segment.number for segment in segments] == [0, 1, 2, 3]
        assert "trained_by" in segments[0].environment.document["environment"]
        assert record.spec["trainer"]["use"] == "hpsearch:Session"


class TestReports:
    def test_a_report_says_whether_to_train_on_and_why_not(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()) as session:
            trial = asked(session)
            assert session.report(trial, 1, {"val_loss": 1.0})
            assert (trial.state, session.reason(trial)) == (State.RUNNING, "")
            assert not session.report(trial, 2, {"val_loss": math.nan})
            assert trial.state is State.PRUNED
            assert session.reason(trial).startswith("PRUNED: ")
            session.finish(trial)
        assert (session_folder.trials()[0].state, session_folder.trials()[0].cause) == (State.PRUNED, Cause.DIVERGED)

    @pytest.mark.parametrize("epoch", [0, -1, 1.0, True, "1", None])
    def test_a_wrong_epoch_is_refused_and_nothing_is_lost(self, session_folder: SessionFolder, epoch: Any) -> None:
        with Session(session_folder.study()) as session:
            trial = asked(session)
            with pytest.raises(TrainerError, match="the next epoch is 1"):
                session.report(trial, epoch, {"val_loss": 1.0})
            with pytest.raises(TrainerError, match="not a number"):
                session.report(trial, 1, {"val_loss": "low"})
            assert session.report(trial, 1, {"val_loss": 1.0})
        assert [report.metrics for report in session_folder.trials()[0].curve] == [{"val_loss": 1.0}]

    def test_numbers_of_numpy_and_torch_are_numbers(self, session_folder: SessionFolder) -> None:
        np, torch = pytest.importorskip("numpy"), pytest.importorskip("torch")
        with Session(session_folder.study()) as session:
            trial = asked(session)
            session.report(trial, np.int64(1), {"val_loss": torch.tensor(0.5), "accuracy": np.float32(0.25)})
        assert session_folder.trials()[0].curve[0].metrics == {"val_loss": 0.5, "accuracy": 0.25}

    def test_no_report_after_the_end(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()) as session:
            trial = asked(session)
            session.report(trial, 1, {"val_loss": 1.0})
            session.finish(trial)
            with pytest.raises(BadInput, match="takes no more reports"):
                session.report(trial, 2, {"val_loss": 1.0})
            with pytest.raises(BadInput, match="before"):
                session.finish(trial)
            with pytest.raises(BadInput, match="before"):
                session.fail(trial, "late")
        assert (session_folder.trials()[0].state, session_folder.trials()[0].epoch) == (State.COMPLETE, 1)

    def test_a_trial_of_another_session_is_refused(self, session_folder: SessionFolder) -> None:
        with Session(session_folder.study()) as session, Session(session_folder.study(name="other")) as other:
            trial = asked(session)
            with pytest.raises(BadInput, match="not asked of this session"):
                other.report(trial, 1, {"val_loss": 1.0})

    def test_the_trial_has_the_options_and_a_folder_that_lasts(self, session_folder: SessionFolder) -> None:
        study = session_folder.study(METHODS["coarse-to-fine"], trainer={"epochs": 6, "options": {"layers": 2}})
        with Session(study) as session:
            trial = asked(session)
            assert trial.params["layers"] == 2
            (trial.scratch_dir / "state").write_text("as of epoch 1")
            session.report(trial, 1, {"val_loss": 1.0})
        assert "layers" not in session_folder.trials()[0].params
        with Session(study) as session:
            again = asked(session)
            assert (again.number, again.epochs) == (0, range(2, 7))
            assert (again.scratch_dir / "state").read_text() == "as of epoch 1"
