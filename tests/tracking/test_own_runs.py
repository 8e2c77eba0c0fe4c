import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from hpsearch.core.trial import State
from hpsearch.tracking.mlflow_tracker import MlflowTracker, sync
from hpsearch.tracking.own_runs import OwnLoggingStore, stores_in
from hpsearch.workers.own_logging import ADOPTED, CHILD, ENDED, FILE, NEW, PARENT, held_folder
from tests.tracking.study_recorder import MlflowStudy, StudyRecorder


def experiment(work: Path) -> str:
    return str(json.loads((work / FILE).read_text())["experiment"])


def synced(recorder: StudyRecorder, store: str) -> None:
    with recorder.open() as journal:
        assert sync(recorder.study, recorder.objective, journal, store).problem == ""


class TestPrepare:
    def test_the_study_opens_the_experiment_that_was_prepared(
        self, recorder: StudyRecorder, store: str, tmp_path: Path
    ) -> None:
        own = OwnLoggingStore(store, tmp_path, is_used=True)
        assert own.prepare(store, "digits", recorder.study.uid) == ""
        recorder.train(0.5)
        synced(recorder, store)
        names = [one.name for one in MlflowClient(store).search_experiments()]
        assert sorted(names) == ["Default", "digits"]
        assert MlflowClient(store).get_experiment_by_name("digits").experiment_id == experiment(tmp_path)

    def test_a_study_that_was_forgotten_leaves_the_name_to_the_next(
        self, recorder: StudyRecorder, store: str, tmp_path: Path
    ) -> None:
        OwnLoggingStore(store, tmp_path, is_used=True).prepare(store, "digits", "forgotten")
        before = experiment(tmp_path)
        OwnLoggingStore(store, tmp_path, is_used=True).prepare(store, "digits", recorder.study.uid)
        assert experiment(tmp_path) == before

    def test_nothing_is_created_for_a_trainer_without_use_for_it(self, tmp_path: Path) -> None:
        assert OwnLoggingStore("", tmp_path).prepare(f"sqlite:///{tmp_path}/new.db", "digits", "uid") == ""
        assert list(tmp_path.iterdir()) == []

    def test_a_store_that_the_trainer_names(self, tmp_path: Path, store: str) -> None:
        """Parallel trials that create it would fail."""
        own = OwnLoggingStore(store, tmp_path, is_used=True, others=(tmp_path / "mine.db",))
        assert own.prepare(store, "digits", "uid") == ""
        assert MlflowClient(f"sqlite:///{tmp_path}/mine.db").search_experiments() != []

    def test_a_server_that_is_away(self, tmp_path: Path) -> None:
        """The file of the last run is removed: trials do not try that server."""
        (tmp_path / FILE).write_text("{}")
        own = OwnLoggingStore("http://127.0.0.1:9", tmp_path, is_used=True)
        assert "http://127.0.0.1:9" in own.prepare("http://127.0.0.1:9", "digits", "uid")
        assert list(tmp_path.iterdir()) == []

    def test_the_tracker_writes_it_once_it_has_opened_the_experiment(
        self, recorder: StudyRecorder, store: str, tmp_path: Path
    ) -> None:
        own = OwnLoggingStore(store, tmp_path)
        tracker = MlflowTracker(recorder.study, recorder.objective, recorder.open, store, own_logging=own)
        tracker.start()
        tracker.close(60)
        assert experiment(tmp_path) == MlflowStudy(store, recorder.study).experiment


class TestChildren:
    @pytest.mark.parametrize(
        ("state", "left", "status", "child"),
        [
            (State.PRUNED, "FAILED", "FINISHED", ENDED),  # GeneratorExit, out of `with mlflow.start_run()`
            (State.PRUNED, "RUNNING", "FINISHED", ENDED),  # killed
            (State.COMPLETE, "FINISHED", "FINISHED", ENDED),
            (State.FAILED, "RUNNING", "FAILED", ENDED),
            (State.RUNNING, "RUNNING", "RUNNING", ADOPTED),
        ],
    )
    def test_of_a_trial(
        self, recorder: StudyRecorder, store: str, state: State, left: str, status: str, child: str
    ) -> None:
        number = recorder.propose()
        recorder.report(number, 0.5)
        synced(recorder, store)
        run = self.logged(recorder, store, number)
        if left != "RUNNING":
            MlflowClient(store).set_terminated(run.info.run_id, left)
        if state is not State.RUNNING:
            recorder.set_state(number, state)
        synced(recorder, store)
        found = MlflowClient(store).get_run(run.info.run_id)
        parent = MlflowStudy(store, recorder.study).trial(number).info.run_id
        assert found.data.tags["mlflow.parentRunId"] == parent
        assert (found.info.status, found.data.tags[CHILD]) == (status, child)

    def test_a_run_inside_another_stays_there(self, recorder: StudyRecorder, store: str) -> None:
        number = recorder.propose()
        recorder.report(number, 0.5)
        synced(recorder, store)
        run = self.logged(recorder, store, number, **{"mlflow.parentRunId": "another"})
        synced(recorder, store)
        assert MlflowClient(store).get_run(run.info.run_id).data.tags["mlflow.parentRunId"] == "another"

    def test_a_second_sync_leaves_the_trials_alone(self, recorder: StudyRecorder, store: str) -> None:
        """They are distinguished from the children by our tags."""
        recorder.train(0.5)
        synced(recorder, store)
        self.logged(recorder, store, 0)
        synced(recorder, store)
        assert len(MlflowClient(store).search_runs([MlflowStudy(store, recorder.study).experiment])) == 3

    def test_what_it_could_not_send_is_sent(self, recorder: StudyRecorder, store: str, tmp_path: Path) -> None:
        recorder.train(0.5)
        synced(recorder, store)
        run = self.logged(recorder, store, 0).info.run_id
        path = held_folder(tmp_path) / "00000.jsonl"
        path.parent.mkdir()
        lines = [[name, [["loss", 0.25, 7, 1]], [["lr", "0.1"]], []] for name in ("deleted", run, run)]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        with recorder.open() as journal:
            assert sync(recorder.study, recorder.objective, journal, store, work=tmp_path).problem == ""
        client = MlflowClient(store)
        assert [(one.step, one.value) for one in client.get_metric_history(run, "loss")] == [(1, 0.25)]
        assert client.get_run(run).data.params["lr"] == "0.1"
        assert list(held_folder(tmp_path).iterdir()) == []

    def logged(self, recorder: StudyRecorder, store: str, number: int, **tags: str) -> Run:
        place = MlflowStudy(store, recorder.study).experiment
        own = {PARENT: f"{recorder.study.uid}/{number}", CHILD: NEW}
        return MlflowClient(store).create_run(place, tags={**own, **tags})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('mlflow.set_tracking_uri("sqlite:///mlflow.db")', ["mlflow.db"]),
        ("MLFLOW_URI = 'sqlite:///runs/own.db'", ["runs/own.db"]),
        ('MLFlowLogger(tracking_uri="sqlite:////data/own.db")', ["/data/own.db"]),
        ('os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///own.db"', ["own.db"]),
        ('optuna.create_study(storage="sqlite:///optuna.db")', []),
        ('mlflow.set_tracking_uri(f"sqlite:///{path}")', []),
    ],
)
def test_stores_in_source_code(tmp_path: Path, source: str, expected: list[str]) -> None:
    (tmp_path / "train.py").write_text(source)
    assert stores_in([tmp_path / "train.py"], tmp_path) == tuple(tmp_path / name for name in expected)
