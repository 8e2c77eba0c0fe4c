import itertools
import math
import re
import shutil
import time
from pathlib import Path
from threading import Event

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from hpsearch.core.errors import JournalError, JournalUnavailable
from hpsearch.core.trial import Cause, State
from hpsearch.journal import Changes, Environment, Journal, TrainingSegment
from hpsearch.testing.tracker_contract import TrackerContract
from hpsearch.tracking.base import Sync
from hpsearch.tracking.location import cursor_name
from hpsearch.tracking.mlflow_tracker import MlflowTracker, pending
from tests.tracking.study_recorder import START, MlflowStudy, StudyRecorder


def tracker_of(recorder: StudyRecorder, store: str) -> MlflowTracker:
    return MlflowTracker(recorder.study, recorder.objective, recorder.open, store, interval=0.01, share=1.0)


def track(recorder: StudyRecorder, store: str) -> Sync:
    """Run a tracker until it has sent the journal."""
    tracker = tracker_of(recorder, store)
    tracker.start()
    return tracker.close(60)


class TestMlflowTracker(TrackerContract):
    @pytest.fixture
    def tracker(self, recorder: StudyRecorder, store: str) -> MlflowTracker:
        recorder.train(0.5, 0.7)
        return tracker_of(recorder, store)


class TestContent:
    def test_one_experiment_a_parent_and_a_child_for_each_trial(self, recorder: StudyRecorder, store: str):
        for accuracies in ((0.5, 0.7), (0.6,)):
            recorder.train(*accuracies)
        track(recorder, store)
        shown = MlflowStudy(store, recorder.study)
        parent = shown.parent()
        assert shown.client.get_experiment(shown.experiment).name == "digits"
        assert len(shown.runs()) == 3
        for number in (0, 1):
            child = shown.trial(number)
            assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
            assert child.info.run_name == f"trial-{number:04d}"

    def test_where_a_trial_was_trained_and_on_what(self, recorder: StudyRecorder, store: str):
        number = recorder.train(0.5, 0.7)
        repositories = [{"name": "mine", "commit": "0ed08a59", "diff_lines": 12, "untracked_files": 0}]
        here = Environment({"code": {"repositories": repositories}})
        recorder.write(segments=(TrainingSegment(number, 0, here, {"data": "ab12"}),))
        recorder.train(0.6)
        track(recorder, store)
        tags = MlflowStudy(store, recorder.study).trial(number).data.tags
        assert tags["mlflow.source.git.commit"] == "0ed08a59"
        assert tags["hpsearch.uncommitted"] == "mine: 12 lines of diff"
        assert tags["hpsearch.data"] == '{"data": "ab12"}'
        assert "mlflow.source.git.commit" not in MlflowStudy(store, recorder.study).trial(1).data.tags
        sent = track(recorder, store)
        assert sent.sent == 0, "what MLflow has is not sent again"

    def test_every_metric_at_every_epoch_with_the_journals_clock(self, recorder: StudyRecorder, store: str):
        recorder.train(0.5, 0.75)
        track(recorder, store)
        shown = MlflowStudy(store, recorder.study)
        epochs = [report.at for report in recorder.trials[0].curve]
        assert [point for point in shown.points(shown.trial(0)) if point[0].startswith("val")] == [
            ("val_accuracy", 1, 0.5, epochs[0]),
            ("val_accuracy", 2, 0.75, epochs[1]),
            ("val_loss", 1, 0.5, epochs[0]),
            ("val_loss", 2, 0.25, epochs[1]),
        ]
        info = shown.trial(0).info
        assert (info.start_time, info.end_time) == (START + 1000, recorder.trials[0].ended_at)

    def test_the_result_can_be_sorted_by(self, recorder: StudyRecorder, store: str):
        recorder.train(0.5, 0.9, 0.7)
        track(recorder, store)
        metrics = MlflowStudy(store, recorder.study).trial(0).data.metrics
        assert (metrics["best_val_accuracy"], metrics["best_epoch"]) == (0.9, 2)

    def test_params_seed_and_reasons(self, recorder: StudyRecorder, store: str):
        number = recorder.propose(lr=0.25, act="tanh", deep=True)
        recorder.set_state(number, State.PRUNED, "lost to the median")
        track(recorder, store)
        run = MlflowStudy(store, recorder.study).trial(0)
        assert run.data.params == {"lr": "0.25", "act": "tanh", "deep": "True"}
        assert run.data.tags["hpsearch.seed"] == "100"
        assert run.data.tags["hpsearch.reason"] == "lost to the median"
        assert run.data.tags["hpsearch.origin"] == "drawn at random"
        assert run.info.status == "FINISHED"

    def test_the_parent_names_the_best(self, recorder: StudyRecorder, store: str, tmp_path: Path):
        for accuracy in (0.5, 0.8, 0.6):
            recorder.train(accuracy)
        recorder.write(state="COMPLETE")
        track(recorder, store)
        shown = MlflowStudy(store, recorder.study)
        parent = shown.parent()
        assert parent.info.status == "FINISHED"
        assert parent.data.tags["hpsearch.best_trial"] == "1"
        assert parent.data.tags["hpsearch.best_value"] == "0.8"
        assert '"method": "random"' in shown.text(parent, "study.json", tmp_path)
        assert shown.text(parent, "decisions.txt", tmp_path).count("trial 1") == 2

    def test_a_failed_trial_has_its_traceback(self, recorder: StudyRecorder, store: str, tmp_path: Path):
        number = recorder.propose()
        recorder.set_state(number, State.FAILED, "the trainer raised", error="Traceback: ZeroDivisionError\ud800\n")
        track(recorder, store)
        shown = MlflowStudy(store, recorder.study)
        assert shown.trial(0).info.status == "FAILED"
        assert shown.text(shown.trial(0), "traceback.txt", tmp_path) == "Traceback: ZeroDivisionError\\ud800\n"
        assert "mlartifacts" in shown.trial(0).info.artifact_uri

    def test_nan_and_infinity_are_tags(self, recorder: StudyRecorder, store: str):
        number = recorder.propose()
        recorder.report(number, {"val_accuracy": 0.5, "val_loss": math.inf})
        recorder.report(number, {"val_accuracy": math.nan, "val_loss": -math.inf})
        recorder.set_state(number, State.PRUNED, cause=Cause.DIVERGED)
        track(recorder, store)
        run = MlflowStudy(store, recorder.study).trial(0)
        assert run.data.metrics == {"val_accuracy": 0.5}
        assert run.data.tags["hpsearch.nonfinite.val_accuracy"] == "nan at epoch 2"
        assert run.data.tags["hpsearch.nonfinite.val_loss"] == "-inf at epoch 2"

    def test_names_that_mlflow_refuses_and_long_values(self, recorder: StudyRecorder, store: str):
        number = recorder.propose(**{"lr%": 0.1, "../../x": 1, "größe": "ü" * 9000, "n" * 300: 2})
        recorder.report(number, {"val_accuracy": 0.5, "hits@10 %": 0.25, "loss ∑": 1.0})
        recorder.set_state(number, State.COMPLETE)
        assert track(recorder, store).problem == ""
        run = MlflowStudy(store, recorder.study).trial(0)
        assert len(run.data.params) == 4
        assert re.search(r"ü… \(9,000 characters, SHA-256 [0-9a-f]+…\)$", run.data.params["größe"])
        assert len(run.data.metrics) == 5

    def test_a_trial_is_seen_before_it_ends(self, recorder: StudyRecorder, store: str):
        recorder.propose(State.WAITING)
        recorder.report(recorder.propose(), 0.5)
        track(recorder, store)
        shown = MlflowStudy(store, recorder.study)
        assert shown.trial(0).info.status == "SCHEDULED"
        assert shown.trial(1).info.status == "RUNNING"
        assert shown.trial(1).data.metrics["val_accuracy"] == 0.5


class TestResume:
    def test_a_paused_trial_that_is_continued_runs_again_in_its_run(self, recorder: StudyRecorder, store: str):
        recorder.train(0.5, state=State.PAUSED)
        track(recorder, store)
        shown = MlflowStudy(store, recorder.study)
        run = shown.trial(0)
        assert run.info.status == "FINISHED"
        recorder.set_state(0, State.RUNNING)
        track(recorder, store)
        assert shown.trial(0).info.status == "RUNNING"
        recorder.report(0, 0.8)
        recorder.set_state(0, State.COMPLETE)
        track(recorder, store)
        again = shown.trial(0)
        assert (again.info.run_id, again.info.status) == (run.info.run_id, "FINISHED")
        assert again.info.end_time == recorder.trials[0].ended_at
        assert [value for key, _, value, _ in shown.points(again) if key == "val_accuracy"] == [0.5, 0.8]

    def test_changes_are_sent_while_the_study_runs(self, recorder: StudyRecorder, store: str):
        sent = Event()

        class NotifyingJournal(Journal):
            def set_cursor(self, study_id: int, target: str, revision: int) -> None:
                super().set_cursor(study_id, target, revision)
                sent.set()

        tracker = MlflowTracker(
            recorder.study, recorder.objective, lambda: NotifyingJournal.open(recorder.url), store, interval=0.01
        )
        tracker.start()
        for accuracies in ((0.5, 0.7), (0.6,)):
            recorder.train(*accuracies)
            sent.clear()
            assert sent.wait(60)
        assert tracker.close(60).problem == ""
        assert MlflowStudy(store, recorder.study).trial(1).data.metrics["val_accuracy"] == 0.6

    def test_a_larger_budget_is_shown(self, recorder: StudyRecorder, store: str):
        track(recorder, store)
        recorder.extend(trials=80)
        recorder.train(0.5)
        assert track(recorder, store).problem == ""
        parent = MlflowStudy(store, recorder.study).parent()
        assert '"trials": 80' in parent.data.tags["hpsearch.search"]
        assert parent.data.params["search.trials"] == "40"

    def test_nothing_is_sent_twice_without_the_cursor(self, recorder: StudyRecorder, store: str):
        recorder.train(0.5, 0.7)
        track(recorder, store)
        before = MlflowStudy(store, recorder.study).everything()
        with recorder.open() as journal:
            journal.set_cursor(recorder.study.id, cursor_name(store), 0)
        assert track(recorder, store) == Sync(sent=0, pending=0)
        assert MlflowStudy(store, recorder.study).everything() == before

    def test_what_a_restored_backup_lacks_is_sent(self, recorder: StudyRecorder, store: str, tmp_path: Path):
        number = recorder.propose()
        recorder.report(number, 0.5)
        track(recorder, store)
        backup = Path(store.removeprefix("sqlite:///")).read_bytes()
        recorder.report(number, 0.6)
        track(recorder, store)
        (tmp_path / "restored.db").write_bytes(backup)
        restored = f"sqlite:///{tmp_path / 'restored.db'}"
        with recorder.open() as journal:
            journal.set_cursor(
                recorder.study.id, cursor_name(restored), journal.cursor(recorder.study.id, cursor_name(store))
            )
        recorder.report(number, 0.7)
        track(recorder, restored)
        shown = MlflowStudy(restored, recorder.study)
        assert [value for key, _, value, _ in shown.points(shown.trial(0)) if key == "val_accuracy"] == [0.5, 0.6, 0.7]

    def test_another_store_gets_everything(
        self, recorder: StudyRecorder, store: str, empty_store: Path, tmp_path: Path
    ):
        recorder.train(0.5, 0.7)
        track(recorder, store)
        other = f"sqlite:///{shutil.copy(empty_store, tmp_path / 'other.db')}"
        recorder.train(0.6)
        track(recorder, other)
        track(recorder, store)
        assert MlflowStudy(other, recorder.study).everything() == MlflowStudy(store, recorder.study).everything()


class TestSharedStore:
    def test_a_name_that_another_study_has_gets_a_suffix(self, recorder: StudyRecorder, store: str, tmp_path: Path):
        track(recorder, store)
        (tmp_path / "other").mkdir()
        other = StudyRecorder(tmp_path / "other")
        track(other, store)
        other.close()
        experiments = {MlflowStudy(store, b.study).experiment for b in (recorder, other)}
        assert len(experiments) == 2

    def test_an_experiment_without_a_study_is_used(self, recorder: StudyRecorder, store: str, tmp_path: Path):
        prepared = MlflowClient(tracking_uri=store, registry_uri=store).create_experiment(
            "digits", (tmp_path / "kept").as_uri()
        )
        track(recorder, store)
        assert MlflowStudy(store, recorder.study).experiment == prepared
        assert (tmp_path / "kept").is_dir()

    def test_a_deleted_run_stays_deleted(self, recorder: StudyRecorder, store: str):
        number = recorder.propose()
        recorder.report(number, 0.5)
        track(recorder, store)
        shown = MlflowStudy(store, recorder.study)
        shown.client.delete_run(shown.trial(0).info.run_id)
        recorder.report(number, 0.6)
        assert track(recorder, store).problem == ""
        assert len(shown.runs()) == 1
        assert len(shown.runs(ViewType.DELETED_ONLY)) == 1

    def test_a_deleted_experiment_is_a_problem(self, recorder: StudyRecorder, store: str):
        track(recorder, store)
        shown = MlflowStudy(store, recorder.study)
        shown.client.delete_experiment(shown.experiment)
        recorder.train(0.5)
        tracker = tracker_of(recorder, store)
        tracker.start()
        result = tracker.close(1)
        assert "experiment 'digits' was deleted in MLflow" in result.problem
        assert "hpsearch sync" in result.problem
        assert result.pending == 2

    def test_a_param_that_the_user_added_does_no_harm(self, recorder: StudyRecorder, store: str):
        recorder.propose()
        track(recorder, store)
        shown = MlflowStudy(store, recorder.study)
        shown.client.log_param(shown.trial(0).info.run_id, "note", "by hand")
        recorder.report(0, 0.5)
        assert track(recorder, store) == Sync(sent=2, pending=0)

    def test_a_lost_reply_makes_no_second_run(
        self, recorder: StudyRecorder, store: str, monkeypatch: pytest.MonkeyPatch
    ):
        create, calls = MlflowClient.create_run, []

        def create_and_lose_the_reply(client: MlflowClient, *args: object) -> object:
            made = create(client, *args)
            calls.append(made)
            if len(calls) <= 2:
                raise ConnectionError("reset by peer")
            return made

        monkeypatch.setattr(MlflowClient, "create_run", create_and_lose_the_reply)
        recorder.train(0.5)
        assert track(recorder, store).problem == ""
        assert len(calls) == 2
        assert len(MlflowStudy(store, recorder.study).runs(ViewType.ALL)) == 2


class TestFailures:
    def test_a_journal_that_cannot_be_read_is_the_problem(self, recorder: StudyRecorder, store: str):
        def unreachable() -> Journal:
            raise JournalError("journal postgresql://***@db: no answer")

        tracker = MlflowTracker(recorder.study, recorder.objective, unreachable, store, interval=0.01)
        tracker.start()
        result = tracker.close(0.2)
        assert result.problem == "journal postgresql://db: no answer"

    def test_a_warning_is_logged_once(self, recorder: StudyRecorder, store: str, caplog: pytest.LogCaptureFixture):
        def unreachable() -> Journal:
            raise JournalError("unreachable")

        tracker = MlflowTracker(recorder.study, recorder.objective, unreachable, store, interval=0.001)
        tracker.start()
        tracker.close(0.5)
        assert len(caplog.records) == 1

    def test_an_unreachable_journal_is_read_again_later(
        self, recorder: StudyRecorder, store: str, caplog: pytest.LogCaptureFixture
    ):
        """The database restarts while the study runs: there is no problem with MLflow, and all is sent afterwards."""
        read, reachable = Event(), Event()

        class Restarting(Journal):
            def changes(self, study_id: int, since: int, limit_reports: int = 5000) -> Changes:
                read.set()
                if not reachable.is_set():
                    raise JournalUnavailable("journal postgresql://db: the database system is shutting down")
                return super().changes(study_id, since, limit_reports)

        tracker = MlflowTracker(
            recorder.study, recorder.objective, lambda: Restarting.open(recorder.url), store, interval=0.01
        )
        tracker.start()
        assert read.wait(60)
        recorder.train(0.5)
        assert tracker.problem == ""
        reachable.set()
        assert tracker.close(60) == Sync(sent=2, pending=0)
        assert caplog.records == []

    def test_a_journal_that_stays_unreachable_is_the_problem(self, recorder: StudyRecorder, store: str):
        def unreachable() -> Journal:
            raise JournalUnavailable("journal postgresql://db: connection refused")

        tracker = MlflowTracker(recorder.study, recorder.objective, unreachable, store, interval=0.01)
        tracker.start()
        assert tracker.close(0.3).problem == "journal postgresql://db: connection refused"

    def test_repeated_failures_are_logged_once(
        self, recorder: StudyRecorder, store: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ):
        log_batch, calls = MlflowClient.log_batch, []

        def fail_every_second_call(client: MlflowClient, *args: object, **kwargs: object) -> None:
            calls.append(args)
            if len(calls) % 2:
                raise ConnectionError(f"Max retries exceeded, for the {len(calls)}th time")
            log_batch(client, *args, **kwargs)

        monkeypatch.setattr(MlflowClient, "log_batch", fail_every_second_call)
        monkeypatch.setattr("hpsearch.tracking.mlflow_tracker.backoff", lambda: itertools.repeat(0.01))
        monkeypatch.setattr("hpsearch.tracking.mlflow_tracker.RETRY_AFTER_CLOSE", 60.0)
        tracker = tracker_of(recorder, store)
        tracker.start()
        for _ in range(3):
            recorder.train(0.5, 0.6)
        answer = tracker.close(60)
        assert (answer.sent, answer.pending, answer.only_files) == (9, 0, True), "a file takes two calls"
        assert len(calls) > 4
        assert len(caplog.records) == 1

    def test_close_does_not_wait_for_a_server_that_fails(
        self, recorder: StudyRecorder, monkeypatch: pytest.MonkeyPatch
    ):
        """A longer wait would only delay the end of the command."""
        monkeypatch.setattr("hpsearch.tracking.mlflow_tracker.RETRY_AFTER_CLOSE", 0.2)
        tracker = tracker_of(recorder, "http://127.0.0.1:9")
        tracker.start()
        recorder.train(0.5)
        began = time.monotonic()
        result = tracker.close(60)
        assert result.pending == 2
        assert "does not answer" in result.problem
        assert time.monotonic() - began < 30

    def test_pending_counts_all_pages(self, recorder: StudyRecorder, store: str):
        for _ in range(3):
            recorder.train(0.5, 0.6)
        with recorder.open() as journal:
            assert pending(journal, recorder.study.id, store) == 3 + 6
