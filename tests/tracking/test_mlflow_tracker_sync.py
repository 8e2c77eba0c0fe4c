import math
import os
import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from hpsearch.core.trial import State
from hpsearch.tracking.base import Sync
from hpsearch.tracking.mlflow_tracker import MlflowTracker, sync
from tests.contracts.journal_helpers import DEAD_PID, set_lease
from tests.tracking.study_recorder import MlflowStudy, StudyRecorder


def synced(recorder: StudyRecorder, store: str, *, resend: bool = False) -> Sync:
    with recorder.open() as journal:
        return sync(recorder.study, recorder.objective, journal, store, resend=resend)


@pytest.fixture
def searched(recorder: StudyRecorder) -> StudyRecorder:
    """A study with a trial in every state."""
    recorder.train(0.5, 0.8, 0.7)
    recorder.train(0.6, state=State.PRUNED, reason="worse than the others")
    recorder.train(0.4, state=State.PAUSED)
    failed = recorder.propose()
    recorder.report(failed, {"val_accuracy": 0.3, "val_loss": math.nan})
    recorder.set_state(failed, State.FAILED, "raised", error="Traceback")
    recorder.report(recorder.propose(), 0.2)
    recorder.propose(State.WAITING)
    return recorder


def test_a_study_is_rebuilt_from_its_journal(searched: StudyRecorder, store: str, empty_store: Path, tmp_path: Path):
    live = f"sqlite:///{shutil.copy(empty_store, tmp_path / 'live.db')}"
    tracker = MlflowTracker(searched.study, searched.objective, searched.open, live, interval=0.01)
    tracker.start()
    tracker.close(60)
    assert synced(searched, store) == Sync(sent=6 + 7, pending=0)
    assert MlflowStudy(store, searched.study).everything() == MlflowStudy(live, searched.study).everything()


def test_a_second_sync_changes_nothing(searched: StudyRecorder, store: str):
    synced(searched, store)
    before = MlflowStudy(store, searched.study).everything()
    assert synced(searched, store) == Sync(sent=0, pending=0)
    assert MlflowStudy(store, searched.study).everything() == before


def test_resend_makes_no_duplicates(searched: StudyRecorder, store: str):
    synced(searched, store)
    before = MlflowStudy(store, searched.study).everything()
    assert synced(searched, store, resend=True).sent == 6 + 7
    assert MlflowStudy(store, searched.study).everything() == before


def test_only_what_is_missing_is_sent(searched: StudyRecorder, store: str):
    synced(searched, store)
    searched.report(4, 0.9)
    assert synced(searched, store).sent == 2


def test_curves_are_sent_in_pages(recorder: StudyRecorder, store: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hpsearch.tracking.projection.REPORTS_PER_CALL", 3)
    for _ in range(3):
        recorder.train(0.5, 0.6, 0.7, 0.8)
    assert synced(recorder, store).pending == 0
    shown = MlflowStudy(store, recorder.study)
    for number in range(3):
        assert sum(key == "val_accuracy" for key, *_ in shown.points(shown.trial(number))) == 4


def test_more_points_than_fit_a_batch(recorder: StudyRecorder, store: str):
    number = recorder.propose(**{f"p{i}": i for i in range(150)})
    for epoch in range(12):
        recorder.report(number, {"val_accuracy": 0.5, **{f"m{i}": float(epoch) for i in range(199)}})
    recorder.set_state(number, State.COMPLETE)
    assert synced(recorder, store).problem == ""
    shown = MlflowStudy(store, recorder.study)
    run = shown.trial(number)
    assert len(run.data.params) == 150
    assert len(shown.points(run)) == 12 * 200 + 2


def test_deleted_runs_are_restored(searched: StudyRecorder, store: str):
    synced(searched, store)
    shown = MlflowStudy(store, searched.study)
    before = shown.everything()
    shown.client.delete_run(shown.trial(1).info.run_id)
    shown.client.delete_run(shown.parent().info.run_id)
    assert synced(searched, store).problem == ""
    assert shown.everything() == before
    shown.client.delete_experiment(shown.experiment)
    assert synced(searched, store).problem == ""
    assert shown.everything() == before


def test_changed_tags_and_states_are_corrected(searched: StudyRecorder, store: str):
    synced(searched, store)
    shown = MlflowStudy(store, searched.study)
    before = shown.everything()
    run = shown.trial(0).info.run_id
    shown.client.set_tag(run, "hpsearch.state", "LOST")
    shown.client.set_terminated(run, "FAILED", end_time=5)
    shown.client.set_tag(run, "note", "mine")
    synced(searched, store)
    assert shown.trial(0).data.tags["note"] == "mine"
    shown.client.delete_tag(run, "note")
    assert shown.everything() == before


def test_a_duplicate_run_of_a_trial_is_deleted(searched: StudyRecorder, store: str):
    synced(searched, store)
    shown = MlflowStudy(store, searched.study)
    before, kept = shown.everything(), shown.trial(0).info.run_id
    ours = {"hpsearch.uid": f"{searched.study.uid}/0", "hpsearch.study": searched.study.uid}
    late = shown.client.create_run(shown.experiment, tags=ours).info.run_id
    assert synced(searched, store).problem == ""
    assert shown.everything() == before
    assert shown.trial(0).info.run_id == kept
    assert [run.info.run_id for run in shown.runs(ViewType.DELETED_ONLY)] == [late]


def test_a_refused_run_does_not_stop_the_others(searched: StudyRecorder, store: str, monkeypatch: pytest.MonkeyPatch):
    log_batch = MlflowClient.log_batch

    def refuse_trial_1(client: MlflowClient, run_id: str, *args: object, **kwargs: object) -> None:
        if client.get_run(run_id).info.run_name == "trial-0001":
            client.log_param(run_id, "%", 1)  # which MLflow refuses
        log_batch(client, run_id, *args, **kwargs)

    monkeypatch.setattr(MlflowClient, "log_batch", refuse_trial_1)
    result = synced(searched, store)
    assert result.problem.startswith("MLflow refuses trial 1: Invalid value")
    assert MlflowStudy(store, searched.study).trial(5).info.status == "SCHEDULED"


def test_a_study_without_trials_has_its_run(recorder: StudyRecorder, store: str):
    assert synced(recorder, store) == Sync(sent=0, pending=0)
    assert MlflowStudy(store, recorder.study).parent().info.status == "RUNNING"


def test_an_unreachable_server_is_the_problem(searched: StudyRecorder):
    result = synced(searched, "http://user:secret@127.0.0.1:9")
    assert result.pending == 6 + 7
    assert result.problem == (
        "MLflow at http://127.0.0.1:9 does not answer; training is not affected, "
        "and `hpsearch sync` sends what is missing"
    )


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of artifacts that this client may not write to, as a folder of another user, or s3 without boto3."""

    def refuse(*_: object) -> None:
        raise PermissionError("[Errno 13] Permission denied: '/mlartifacts'")

    monkeypatch.setattr(MlflowClient, "log_text", refuse)


def states(recorder: StudyRecorder, store: str) -> list[str]:
    shown = MlflowStudy(store, recorder.study)
    return [shown.parent().info.status, *(shown.trial(number).info.status for number in range(6))]


@pytest.mark.usefixtures("refused")
def test_artifacts_that_are_refused_leave_runs_points_and_states(
    searched: StudyRecorder, store: str, monkeypatch: pytest.MonkeyPatch
):
    done = synced(searched, store)
    assert (done.sent, done.pending, done.files_sent, done.only_files) == (6 + 7, 0, 0, True)
    assert done.files_pending >= 2, "study.json, and the traceback of the failed trial"
    assert "Permission denied" in done.problem
    ended = ["RUNNING", "FINISHED", "FINISHED", "FINISHED", "FAILED", "RUNNING", "SCHEDULED"]
    assert states(searched, store) == ended
    monkeypatch.undo()
    then = synced(searched, store)
    assert (then.sent, then.files_sent, then.files_pending, then.problem) == (0, done.files_pending, 0, "")


@pytest.mark.usefixtures("refused")
def test_while_a_study_runs_too(searched: StudyRecorder, store: str):
    tracker = MlflowTracker(searched.study, searched.objective, searched.open, store, interval=0.01, share=1.0)
    tracker.start()
    done = tracker.close(60)
    assert (done.sent, done.pending, done.only_files) == (6 + 7, 0, True)


def test_a_study_that_was_killed_is_killed_in_mlflow_until_it_runs_again(searched: StudyRecorder, store: str):
    synced(searched, store)
    killed = ["KILLED", "FINISHED", "FINISHED", "FINISHED", "FAILED", "KILLED", "SCHEDULED"]
    set_lease(searched.url, pid=DEAD_PID)
    assert synced(searched, store).pending == 0
    assert states(searched, store) == killed
    shown = MlflowStudy(store, searched.study)
    assert (shown.parent().data.tags["hpsearch.state"], shown.trial(4).data.tags["hpsearch.state"]) == (
        "INTERRUPTED",
        "WAITING",
    )
    assert synced(searched, store) == Sync(sent=0, pending=0)
    set_lease(searched.url, pid=os.getpid())
    searched.report(4, 0.3)
    tracker = MlflowTracker(searched.study, searched.objective, searched.open, store, interval=0.01, share=1.0)
    tracker.start()
    tracker.close(60)
    assert states(searched, store) == ["RUNNING", *killed[1:5], "RUNNING", "SCHEDULED"]
