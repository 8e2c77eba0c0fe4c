"""FAULTS rows 9 to 11: with any failure of the MLflow server, the study ends on time and each report is sent once."""

import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.entities import ViewType

from hpsearch.tracking.base import Sync
from hpsearch.tracking.dashboard import dashboard
from hpsearch.tracking.mlflow_tracker import MlflowTracker, sync
from tests.chaos.http_proxy import Proxy
from tests.tracking.study_recorder import MlflowStudy, StudyRecorder


def tracking(recorder: StudyRecorder, uri: str) -> MlflowTracker:
    tracker = MlflowTracker(recorder.study, recorder.objective, recorder.open, uri, interval=0.01, share=1.0)
    tracker.start()
    return tracker


class TestFailingServer:
    def test_a_server_that_answers_500(self, recorder: StudyRecorder):
        with Proxy(mode=500) as server:
            tracker = tracking(recorder, server.uri)
            recorder.train(0.5, 0.6)
            assert server.asked.wait(30)
            result = tracker.close(0.5)
        assert (result.sent, result.pending) == (0, 3)
        assert "answers with errors (500)" in result.problem
        assert "`hpsearch sync`" in result.problem

    def test_an_unreachable_server(self, recorder: StudyRecorder):
        tracker = tracking(recorder, "http://127.0.0.1:9")
        recorder.train(0.5)
        result = tracker.close(1)
        assert result.pending == 2
        assert "does not answer" in result.problem

    def test_close_does_not_wait_for_a_server_that_hangs(self, recorder: StudyRecorder):
        with Proxy(mode="hang") as server:
            tracker = tracking(recorder, server.uri)
            assert server.asked.wait(30)
            recorder.train(0.5)
            result = tracker.close(0.1)
            (stuck,) = (thread for thread in threading.enumerate() if thread.name == "hpsearch-mlflow")
            assert result.pending == 2
            assert "did not accept everything within 0.1 s" in result.problem
            server.let_go.set()
            stuck.join(30)
            assert not stuck.is_alive()

    def test_a_server_with_a_login(self, recorder: StudyRecorder):
        with Proxy(mode=401, body="You are not authenticated") as server:
            tracker = tracking(recorder, server.uri.replace("//", "//me:secret@"))
            assert server.asked.wait(30)
            result = tracker.close(0.5)
        assert "MLFLOW_TRACKING_USERNAME" in result.problem
        assert "secret" not in result.problem

    def test_a_process_ends_while_its_call_hangs(self, recorder: StudyRecorder):
        program = f"""
from hpsearch.tracking.mlflow_tracker import MlflowTracker
from hpsearch.journal import Journal
from hpsearch.core.trial import Objective
import sys
journal = Journal.open({recorder.url!r})
(study,) = journal.studies()
objective = Objective("val_accuracy", "maximize")
tracker = MlflowTracker(study, objective, lambda: Journal.open({recorder.url!r}), sys.argv[1])
tracker.start()
sys.stdin.readline()
print(tracker.close(0.1).pending)
"""
        with Proxy(mode="hang") as server:
            process = subprocess.Popen(
                [sys.executable, "-c", program, server.uri],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert server.asked.wait(120)
            assert process.communicate("go\n", timeout=60) == ("0\n", "")
            assert process.returncode == 0


@pytest.mark.slow
def test_a_new_store_prints_nothing(recorder: StudyRecorder, tmp_path: Path):
    """In a process of its own, which imports MLflow and runs its migrations."""
    recorder.train(0.5)
    store = tmp_path / "ü b%" / "mlflow.db"
    program = f"""
from hpsearch.tracking.mlflow_tracker import sync
from hpsearch.journal import Journal
from hpsearch.core.trial import Objective
journal = Journal.open({recorder.url!r})
(study,) = journal.studies()
done = sync(study, Objective("val_accuracy", "maximize"), journal, "sqlite:///{store}")
print(done.sent, done.pending, done.problem)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("2 0 \n", "")
    assert sorted(path.name for path in store.parent.iterdir()) == ["mlartifacts", "mlflow.db"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server of the dashboard; it starts in about ten seconds."""
    folder = tmp_path_factory.mktemp("server")
    board = dashboard(f"sqlite:///{folder}/mlflow.db")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(board.argv, env=board.environment, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_for(f"{board.url}/health", process)
        yield board.url
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server ended with {process.returncode}")


@pytest.mark.slow
class TestRealServer:
    @pytest.fixture
    def recorder(self, tmp_path: Path) -> Iterator[StudyRecorder]:
        recorder = StudyRecorder(tmp_path, name=tmp_path.name)
        yield recorder
        recorder.close()

    def test_runs_and_artifacts(self, recorder: StudyRecorder, server: str, tmp_path: Path):
        recorder.train(0.5, 0.7)
        assert tracking(recorder, server).close(60).pending == 0
        shown = MlflowStudy(server, recorder.study)
        assert shown.trial(0).data.metrics["best_val_accuracy"] == 0.7
        assert '"method": "random"' in shown.text(shown.parent(), "study.json", tmp_path)

    def test_the_dashboard_serves_the_artifacts_of_the_local_store(self, recorder: StudyRecorder, tmp_path: Path):
        recorder.train(0.5)
        uri = f"sqlite:///{tmp_path}/mlflow.db"
        assert tracking(recorder, uri).close(60).problem == ""
        parent = MlflowStudy(uri, recorder.study).parent().info.run_id
        board = dashboard(uri)
        process = subprocess.Popen(
            board.argv, env=board.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path
        )
        try:
            _wait_for(f"{board.url}/health", process)
            with urllib.request.urlopen(f"{board.url}/get-artifact?run_uuid={parent}&path=study.json") as reply:
                assert b'"method": "random"' in reply.read()
        finally:
            process.terminate()
            process.wait(30)

    def test_a_server_that_recovers_gets_everything(self, recorder: StudyRecorder, server: str):
        with Proxy(server, mode=500) as proxy:
            tracker = tracking(recorder, proxy.uri)
            recorder.train(0.5, 0.6)
            assert proxy.asked.wait(30)
            proxy.mode = "pass"
            result = tracker.close(60)
            assert (result.pending, result.problem) == (0, "")
        assert len(MlflowStudy(server, recorder.study).runs()) == 2

    def test_a_server_that_stays_unreachable_is_synced_later(self, recorder: StudyRecorder, server: str):
        with Proxy(server, mode=503) as proxy:
            tracker = tracking(recorder, proxy.uri)
            recorder.train(0.5, 0.6)
            assert tracker.close(0.5).pending == 3
        with recorder.open() as journal:
            assert sync(recorder.study, recorder.objective, journal, server) == Sync(sent=3, pending=0)

    def test_lost_replies_make_no_duplicates(self, recorder: StudyRecorder, server: str):
        for _ in range(3):
            recorder.train(0.5, 0.6)
        with Proxy(server, deaf={"create": 3, "log-batch": 3, "update": 2}) as proxy:
            assert tracking(recorder, proxy.uri).close(60).pending == 0
            assert not proxy.deaf.total()
        shown = MlflowStudy(server, recorder.study)
        before = shown.everything()
        assert len(before) == 4
        with recorder.open() as journal:
            assert sync(recorder.study, recorder.objective, journal, server).problem == ""
        assert shown.everything() == before
        assert len({run.data.tags["hpsearch.uid"] for run in shown.runs(ViewType.ALL)}) == 4


@pytest.mark.chaos
def test_a_kill_while_the_store_is_created_does_not_damage_it(recorder: StudyRecorder, tmp_path: Path):
    recorder.train(0.5)
    program = f"""
import sys
from hpsearch.tracking.mlflow_tracker import sync
from hpsearch.journal import Journal
from hpsearch.core.trial import Objective
import mlflow
print("opens", flush=True)
journal = Journal.open({recorder.url!r})
(study,) = journal.studies()
print(sync(study, Objective("val_accuracy", "maximize"), journal, "sqlite:///{tmp_path}/mlflow.db").problem)
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    for delay in (0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.kill()
        process.communicate()
        if (tmp_path / "mlflow.db").exists():
            break
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "opens\n\n"
