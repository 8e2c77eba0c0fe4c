"""sync and ui: what is said where there is nothing to bring or to show. The rest is in test_end_to_end."""

import json
import os
import signal
import urllib.request

import pytest

from tests.chaos.http_proxy import Proxy
from tests.cli.desk import Desk
from tests.support.ray_session import descendants, running


class TestSync:
    def test_a_study_that_is_not_in_mlflow(self, desk: Desk) -> None:
        desk.study()
        desk.run()
        for study in ("toy", "study.toml"):
            answer = desk.hp("sync", study)
            assert (answer.code, answer.err) == (
                2,
                'study "toy" is not in MLflow (tracking.mlflow = "none"): say where with --mlflow URI\n',
            )
        assert desk.hp("sync").out == "no study here is in MLflow\n"
        assert not (desk.folder / ".hpsearch" / "mlflow.db").exists()

    def test_what_is_not_there(self, desk: Desk) -> None:
        assert desk.hp("sync").code == 2
        desk.study()
        desk.run()
        assert "did you mean `toy`?" in desk.hp("sync", "tpy").err

    def test_a_folder_is_no_store(self, desk: Desk) -> None:
        desk.study()
        desk.run()
        answer = desk.hp("sync", "toy", "--mlflow", "mlruns")
        assert answer.code == 2
        assert answer.err == "--mlflow: MLflow 3 has no file store: write sqlite:///… or http://…\n"

    def test_goes_where_the_study_file_said(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also when it is called by name alone; a server that is away is no bad input."""
        monkeypatch.setenv("NOBODY", "http://127.0.0.1:9")
        desk.study()
        desk.change(('mlflow = "none"', 'mlflow = "${env:NOBODY}"'))
        monkeypatch.setattr("hpsearch.orchestrator.run.FLUSH", 0.1)
        ran = desk.run()
        assert ran.code == 0
        assert ran.out.splitlines()[-2].endswith("events are not in MLflow yet; `hpsearch sync toy` sends them")
        answer = desk.hp("sync", "toy")
        assert answer.code == 5
        assert answer.err.startswith("toy: 0 sent, ")
        assert "MLflow at http://127.0.0.1:9 does not answer" in answer.err
        monkeypatch.delenv("NOBODY")
        answer = desk.hp("sync", "toy")
        assert (answer.code, answer.err) == (2, 'study "toy": the environment variable NOBODY is not set\n')

    def test_a_store_that_starts_at_the_file(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        desk.study()
        desk.run("--set", 'tracking.mlflow="sqlite:///other.db"', "--set", "search.trials=1")
        assert desk.hp("sync", "toy").out == "toy: 0 sent, 0 pending\n"
        elsewhere = desk.folder / "elsewhere"
        elsewhere.mkdir()
        monkeypatch.chdir(elsewhere)
        words = ("sync", "toy", "--journal", f"sqlite:///{desk.folder}/.hpsearch/journal.db")
        answer = desk.hp(*words)
        assert (answer.code, answer.err) == (
            2,
            'study "toy": sqlite:///other.db starts at its file: name the file in place of the study\n',
        )
        answer = desk.hp(*words, "--mlflow", f"sqlite:///{desk.folder}/other.db", "--json")
        assert answer.data == [{"study": "toy", "sent": 0, "pending": 0}]
        assert list(elsewhere.iterdir()) == []


class TestBeforeAStudy:
    """FAULTS row 11: what must be put right is said at once; what passes by itself holds nothing up."""

    @pytest.fixture(autouse=True)
    def _tracked(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hpsearch.orchestrator.run.FLUSH", 0.1)
        desk.study()
        desk.change(('mlflow = "none"', 'mlflow = "${env:TRACKING}"'))

    @pytest.mark.parametrize(
        ("status", "body", "fix"),
        [
            (401, "", "wants a password: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
            (
                403,
                "Invalid Host header",
                "refuses the name '127.0.0.1': start it with `mlflow server --allowed-hosts 127.0.0.1`",
            ),
            (403, "", "does not let this user in: ask who runs it"),
            (404, "", "is no MLflow server: check tracking.mlflow"),
        ],
    )
    def test_a_server_that_refuses_us(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch, status: int, body: str, fix: str
    ) -> None:
        with Proxy(mode=status, body=body) as server:
            monkeypatch.setenv("TRACKING", server.uri)
            answer = desk.run()
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.startswith(f"tracking.mlflow: MLflow at {server.uri} {fix}")
        assert (desk.trained(), desk.files()) == (0, [])

    def test_another_scheme(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        with Proxy(mode=200, body="{}") as server:
            monkeypatch.setenv("TRACKING", server.uri.replace("http:", "https:"))
            answer = desk.run()
        assert (answer.code, desk.files()) == (2, [])
        assert answer.err.endswith("does not speak TLS: write http:// in place of https://\n")

    def test_a_server_that_is_away(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRACKING", "http://127.0.0.1:9")
        answer = desk.run()
        assert answer.code == 0
        assert sum("MLflow" in line for line in answer.err.splitlines()) == 1
        assert "note: MLflow at http://127.0.0.1:9 does not answer (" in answer.err
        assert "16 events are not in MLflow yet; `hpsearch sync toy` sends them" in answer.out

    def test_a_study_that_is_over_needs_no_mlflow(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TRACKING", "http://127.0.0.1:9")
        assert desk.run().code == 0
        with Proxy(mode=401) as server:
            monkeypatch.setenv("TRACKING", server.uri)
            answer = desk.run()
        assert answer.code == 0
        assert "16 events are not in MLflow yet" in answer.out


class TestUi:
    def test_no_store(self, desk: Desk) -> None:
        answer = desk.hp("ui")
        assert answer.code == 2
        assert f"no MLflow store in {desk.folder}/.hpsearch" in answer.err
        assert "--home" in answer.err

    def test_arguments(self, desk: Desk) -> None:
        assert desk.hp("ui", "--port", "http").code == 2
        assert "MLflow 3 has no file store" in desk.hp("ui", "--mlflow", "mlruns").err

    @pytest.mark.slow
    def test_serves_until_it_is_interrupted(self, desk: Desk) -> None:
        desk.study()
        desk.change(('[tracking]\nmlflow = "none"\n', ""))
        assert desk.run("--set", "search.trials=1").code == 0
        process = desk.start("ui", "--json", "--port", "0")
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        ours = descendants(process.pid)
        with urllib.request.urlopen(url, timeout=60) as page:
            assert b"MLflow" in page.read()
        os.kill(process.pid, signal.SIGINT)
        answer = desk.ended(process)
        assert (answer.code, answer.out, answer.err) == (130, "", "")
        assert not running(ours)
        assert (desk.folder / ".hpsearch" / "ui.log").exists()

    @pytest.mark.slow
    def test_a_server_that_does_not_start(self, desk: Desk) -> None:
        (desk.folder / "mlflow.db").write_text("no database")
        answer = desk.hp("ui", "--home", desk.folder)
        assert answer.code == 5
        assert answer.err.startswith("the dashboard does not start at http://127.0.0.1:")
        assert answer.err.endswith(f"\n  log  {desk.folder}/ui.log\n")

    def test_a_server_shows_itself(self, desk: Desk) -> None:
        answer = desk.hp("ui", "--mlflow", "http://me:secret@mlflow.example:5000")
        assert (answer.code, answer.out) == (0, "MLflow dashboard: http://mlflow.example:5000\n")
        assert desk.hp("ui", "--mlflow", "http://host:1", "--json").data == {"url": "http://host:1"}
