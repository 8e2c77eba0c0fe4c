"""The logs of failed trials in MLflow."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from hpsearch.core.trial import State
from hpsearch.tracking.base import Sync
from hpsearch.tracking.mlflow_tracker import MlflowTracker, sync
from hpsearch.tracking.projection import LOG_BYTES, LOG_FILE
from hpsearch.workers.trial_log import log_file
from tests.tracking.study_recorder import MlflowStudy, StudyRecorder


def track(recorder: StudyRecorder, store: str, work: Path) -> Sync:
    """Run a tracker until it has sent the journal."""
    study = recorder.study
    tracker = MlflowTracker(study, recorder.objective, recorder.open, store, work=work, interval=0.01, share=1.0)
    tracker.start()
    return tracker.close(60)


def written_log(work: Path, number: int, content: str) -> None:
    file = log_file(work, number)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def test_the_end_of_a_failed_trials_log_is_an_artifact(recorder: StudyRecorder, store: str, tmp_path: Path):
    numbers = [recorder.train(0.5, state=state) for state in (State.FAILED, State.COMPLETE, State.FAILED)]
    written_log(tmp_path, numbers[0], "begins\npostgresql://me:secret@host/db\n")
    written_log(tmp_path, numbers[1], "not sent\n")
    written_log(tmp_path, numbers[2], "a line\n" * LOG_BYTES)
    assert track(recorder, store, tmp_path).problem == ""
    shown = MlflowStudy(store, recorder.study)
    first, complete, long = map(shown.trial, numbers)
    assert shown.text(first, LOG_FILE, tmp_path) == "begins\npostgresql://me:***@host/db\n"
    assert not shown.client.list_artifacts(complete.info.run_id)
    sent = shown.text(long, LOG_FILE, tmp_path)
    assert LOG_BYTES - 10 < len(sent) <= LOG_BYTES
    assert set(sent.splitlines()) == {"a line"}


def test_it_is_sent_once_and_again_where_it_has_changed(
    recorder: StudyRecorder, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    number, sent, log_text = recorder.train(0.5, state=State.FAILED), [], MlflowClient.log_text

    def spied(client: MlflowClient, run: str, text: str, name: str) -> None:
        sent.append((name, text))
        log_text(client, run, text, name)

    monkeypatch.setattr(MlflowClient, "log_text", spied)
    for content in ("first\n", "first\n", "first\nand then\n"):
        written_log(tmp_path, number, content)
        with recorder.open() as journal:
            assert sync(recorder.study, recorder.objective, journal, store, work=tmp_path).problem == ""
        shown = MlflowStudy(store, recorder.study)
        assert shown.text(shown.trial(number), LOG_FILE, tmp_path) == content
    assert [text for name, text in sent if name == LOG_FILE] == ["first\n", "first\nand then\n"]


def test_all_else_is_sent_where_it_cannot_be(
    recorder: StudyRecorder, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    number = recorder.train(0.5, 0.7, state=State.FAILED)
    written_log(tmp_path, number, "a line\n")

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("hpsearch.tracking.mlflow_runs.MlflowRuns.attach", full)
    sent = track(recorder, store, tmp_path)
    assert (sent.sent, sent.pending) == (3, 0)
    assert "no space left" in sent.problem
    shown = MlflowStudy(store, recorder.study).trial(number)
    assert shown.info.status == "FAILED"
    assert shown.data.tags["hpsearch.epoch"] == "2"
