"""Reports that lack the study's metric, whose steps rise by more than 1, or that have other metrics that are NaN."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from hpsearch.core.errors import TrainerError
from hpsearch.core.history import BestTrial
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.orchestrator.judging import missing_metric
from hpsearch.orchestrator.loop import Loop
from hpsearch.pruners.halving import Halving
from hpsearch.pruners.median import Median
from hpsearch.pruners.patience import EarlyStopping
from hpsearch.workers.checkpoints import CheckpointStore
from hpsearch.workers.pools.in_process import InProcess
from tests.support.studies import COMPLETE, FAILED, PAUSED, PRUNED, ListSampler, RoundsSampler, Search, setup

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")

EVERY_THIRD = "1 2 3:{0} 4 5 6:{1}"


def search(folder: Path, *reports: str, epochs: int = 6, **rules: int) -> Search:
    return Search(folder, ListSampler([{"reports": own} for own in reports]), "sparse", epochs=epochs, **rules)


def states(loop: Loop) -> list[State]:
    return [trial.state for trial in loop.history]


def steps(loop: Loop) -> Mapping[int, list[int]]:
    return {trial.number: [report.step for report in trial.curve] for trial in loop.history}


class TestAMetricInSomeReports:
    def test_a_trial_is_judged_by_those_that_have_it(self, tmp_path: Path) -> None:
        loop = search(tmp_path, EVERY_THIRD.format(0.5, 0.7)).run()
        assert states(loop) == [COMPLETE]
        judged = loop.history.objective.judged(loop.history[0])
        assert judged is not None
        assert (judged.step, loop.history.objective.value(loop.history[0])) == (3, 0.5)

    def test_pruners_and_early_stopping_act_on_those(self, tmp_path: Path) -> None:
        study = search(tmp_path, EVERY_THIRD.format(0.5, 0.4), EVERY_THIRD.format(0.9, 0.8), epochs=9)
        study.pruner = Median(startup_trials=1)
        assert states(loop := study.run()) == [COMPLETE, PRUNED]
        assert loop.history[1].epoch == 3

    def test_a_rung_without_it_is_judged_at_the_next_report(self, tmp_path: Path) -> None:
        study = search(tmp_path, EVERY_THIRD.format(0.5, 0.4), EVERY_THIRD.format(0.9, 0.8))
        study.pruner = Halving(2, 2, 6)
        loop = study.run()
        assert [(trial.state, trial.epoch) for trial in loop.history] == [(COMPLETE, 6), (PRUNED, 3)]

    def test_patience_counts_reports_that_have_it(self, tmp_path: Path) -> None:
        study = search(tmp_path, "1:0.5 2 3 4:0.6 5 6 7:0.6 8", epochs=9)
        study.early_stopping = EarlyStopping(2)
        loop = study.run()
        assert (loop.history[0].state, loop.history[0].cause, loop.history[0].epoch) == (COMPLETE, Cause.PATIENCE, 7)
        assert loop.history[0].cause_numbers == {"epochs": 6, "best": 0.5, "epoch": 1}

    def test_at_the_end_of_a_round_the_last_value_before_it_counts(self, tmp_path: Path) -> None:
        params = [{"reports": "1:0.9 2 3 4:0.1"}, {"reports": "1:0.5 2 3 4:0.2"}]
        loop = Search(tmp_path, RoundsSampler(params, 2, 4), "sparse", epochs=4).run()
        assert [(trial.state, trial.epoch) for trial in loop.history] == [(PAUSED, 2), (COMPLETE, 4)]

    def test_a_trial_that_never_reports_it_fails(self, tmp_path: Path) -> None:
        loop = search(tmp_path, "3:0.5 6", "1 2", "3:0.4").run()
        assert states(loop) == [COMPLETE, FAILED, COMPLETE]
        assert loop.history[1].cause is Cause.TRAINER_RAISED
        assert (
            loop.history[1].reason == 'study.metric = "val_loss" is not reported by the trainer, which reports: kl_loss'
        )

    def test_a_name_that_is_nearly_right_is_named(self, tmp_path: Path) -> None:
        curve = (Report(1, {"val_accuracy": 0.5, "loss": 1.0}),)
        trial = Trial(0, {}, 0, 1, curve=curve)
        assert missing_metric(trial, Objective("val_acuracy", "maximize")).endswith("; did you mean `val_accuracy`?")
        assert missing_metric(trial, Objective("val_accuracy", "maximize")) == ""
        assert "did you mean" not in missing_metric(trial, Objective("eval_loss", "minimize"))

    @pytest.mark.parametrize("epochs", [2, 6])
    def test_a_study_in_which_no_trial_does_ends_after_the_first(self, tmp_path: Path, epochs: int) -> None:
        study = search(tmp_path, *["1 2"] * 4, epochs=epochs)
        with pytest.raises(
            TrainerError,
            match=r'^trial 0: study\.metric = "val_loss" is not reported by the trainer, which reports: kl_loss$',
        ):
            study.run()
        assert [trial.state for trial in study.recorder.trials.values()] == [FAILED]

    def test_a_trial_without_a_value_trains_beyond_the_end_of_its_round(self, tmp_path: Path) -> None:
        study = Search(tmp_path, RoundsSampler([{"reports": "1 2 3:1 4"}] * 2, 2, 4), "sparse", epochs=4)
        loop = study.run()
        assert [(trial.epoch, trial.state) for trial in loop.history] == [(3, PAUSED)] * 2

    def test_also_where_its_round_ends_before(self, tmp_path: Path) -> None:
        study = Search(tmp_path, RoundsSampler([{"reports": "1 2 3 4"}] * 2, 2, 4), "sparse", epochs=4)
        with pytest.raises(TrainerError):
            study.run()
        assert [trial.state for trial in study.recorder.trials.values()] == [FAILED]


class TestSteps:
    def test_they_rise_by_any_amount_and_count_as_epochs(self, tmp_path: Path) -> None:
        study = search(tmp_path, "2:3 4:2 6:1", "5:1", epochs=6)
        loop = study.run()
        assert steps(loop) == {0: [2, 4, 6], 1: [5]}
        assert states(loop) == [COMPLETE, COMPLETE]
        assert (loop.history.epochs, loop.totals.epochs) == (11, 11)

    def test_a_round_ends_with_the_first_report_at_or_after_its_epoch(self, tmp_path: Path) -> None:
        params = [{"reports": "2:3 4:2 6:1 8:0.5"}] * 2
        loop = Search(tmp_path, RoundsSampler(params, 3, 8), "sparse", epochs=8).run()
        assert steps(loop) == {0: [2, 4], 1: [2, 4]}
        assert [trial.as_of(3).epoch for trial in loop.history] == [4, 4]

    def test_a_continued_trial_drops_what_it_trains_again_by_step(self, tmp_path: Path) -> None:
        study = search(tmp_path, "2:3 4:2 6:1", epochs=6)
        study.run(lambda loop: loop.stop("now"))
        before = study.recorder.trials[0].epoch
        for path in (tmp_path / "checkpoints").rglob("*.pt"):
            path.unlink()
        loop = study.reopened().run()
        assert 0 < before < 6
        assert steps(loop) == {0: [2, 4, 6]}


class TestOtherMetrics:
    def test_one_that_is_nan_ends_no_trial(self, tmp_path: Path) -> None:
        loop = search(tmp_path, "1:0.5 2:0.4").run()
        assert (loop.history[0].state, loop.history[0].epoch) == (COMPLETE, 2)

    @pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
    def test_the_objective_ends_it(self, tmp_path: Path, bad: str) -> None:
        loop = search(tmp_path, f"1:0.5 2:{bad} 3:0.1").run()
        assert (loop.history[0].state, loop.history[0].cause) == (PRUNED, Cause.DIVERGED)
        assert loop.history[0].reason == f"diverged: val_loss is {float(bad)} at epoch 2"

    @pytest.mark.parametrize(("reported", "is_hinted"), [("nan/0.3", True), ("nan/nan", False), ("inf/0.3", False)])
    def test_nan_beside_a_finite_loss_may_stand_for_no_evaluation(
        self, tmp_path: Path, reported: str, is_hinted: bool
    ) -> None:
        reason = search(tmp_path, f"1:0.5 2:{reported} 3:0.1").run().history[0].reason
        hint = "train_loss is finite: if val_loss was not measured at this epoch, leave it out of the report"
        assert (hint in reason) == is_hinted


class TestAfterTheLastReport:
    PARAMS: ClassVar[dict[str, str]] = {"reports": "1:0.5 2:0.4", "then": "raise"}

    def test_an_exception_is_recorded_and_the_trial_is_complete(self, tmp_path: Path) -> None:
        trial = Search(tmp_path, ListSampler([self.PARAMS]), "sparse", epochs=2).run().history[0]
        assert (trial.state, trial.cause, trial.cause_numbers) == (COMPLETE, Cause.DONE, {"epoch": 2})
        assert trial.exception == "RuntimeError: could not draw the confusion matrix"
        assert "in sparse" in trial.error
        assert trial.exception in trial.reason

    def test_also_where_several_epochs_come_at_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hpsearch.workers.worker.SLICE_SECONDS", 60)
        trial = Search(tmp_path, ListSampler([self.PARAMS]), "sparse", epochs=2).run().history[0]
        assert (trial.state, bool(trial.exception)) == (COMPLETE, True)

    def test_before_the_last_epoch_it_fails_the_trial(self, tmp_path: Path) -> None:
        trial = Search(tmp_path, ListSampler([self.PARAMS]), "sparse", epochs=3).run().history[0]
        assert (trial.state, trial.cause, trial.epoch) == (FAILED, Cause.TRAINER_RAISED, 2)

    def test_what_follows_an_early_stop_does_not_count(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hpsearch.workers.worker.SLICE_SECONDS", 60)
        study = Search(tmp_path, ListSampler([{**self.PARAMS, "reports": "1:0.5 2:0.6 3:0.7"}]), "sparse", epochs=9)
        study.early_stopping = EarlyStopping(1)
        trial = study.run().history[0]
        assert (trial.state, trial.cause, trial.epoch, trial.exception) == (COMPLETE, Cause.PATIENCE, 2, "")

    def test_only_the_best_checkpoint_is_kept_and_the_log_has_the_traceback(self, tmp_path: Path) -> None:
        Search(tmp_path, ListSampler([self.PARAMS]), "sparse", epochs=2).run()
        assert sorted(path.name for path in (tmp_path / "checkpoints/00000").glob("*.pt")) == ["best.pt"]
        log = (tmp_path / "logs/trial-00000.log").read_text()
        assert "RuntimeError: could not draw the confusion matrix" in log


class TestFailedTrials:
    """Trial 1 is the best one and fails in its third epoch."""

    def search(self, tmp_path: Path, failed: Literal["keep", "drop"]) -> Search:
        params = [{"reports": "1:0.9 2:0.8 3:0.7"}, {"reports": "1:0.3 2:0.2", "then": "raise"}]
        objective = Objective("val_loss", "minimize", failed=failed)
        study = Search(tmp_path, ListSampler(params), "sparse", epochs=3)
        study.setup = setup(tmp_path, "sparse", objective=objective)
        study.pool = InProcess(study.setup, 1)
        return study

    def test_the_best_epoch_before_the_failure_counts(self, tmp_path: Path) -> None:
        history = self.search(tmp_path, "keep").run().history
        assert [trial.state for trial in history] == [COMPLETE, FAILED]
        assert BestTrial.of(history) == BestTrial(1, 0.2, 2, history[1].params, failed=True)
        snapshot = CheckpointStore.of(tmp_path, "u", 1).at(2)
        assert snapshot is not None
        assert snapshot.objects["weight"] == {"value": 2}

    def test_it_is_dropped_where_the_study_says_so(self, tmp_path: Path) -> None:
        history = self.search(tmp_path, "drop").run().history
        assert BestTrial.of(history) == BestTrial(0, 0.7, 3, history[0].params)

    def test_samplers_see_no_result_of_it(self, tmp_path: Path) -> None:
        history = self.search(tmp_path, "keep").run().history
        assert [trial.number for trial in history.objective.succeeded(history)] == [0]
