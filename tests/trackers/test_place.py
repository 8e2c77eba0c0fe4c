from pathlib import Path

import pytest

from hpsearch.errors import JournalError
from hpsearch.trackers.place import artifact_folder, check_server, explain, target, without_credentials
from tests.trackers.proxy import Proxy


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)


class TestCheckServer:
    def test_a_server_that_would_have_us(self):
        with Proxy(mode=200, body="{}") as server:
            assert check_server(server.uri) == ""

    def test_a_database_is_not_asked(self):
        assert check_server("sqlite:////nowhere/mlflow.db") == ""
        assert check_server("postgresql://nowhere/mlflow") == ""

    @pytest.mark.parametrize("uri", ["./mlruns", "file:///tmp/mlruns"])
    def test_the_file_store_is_gone(self, uri: str):
        assert "MLflow 3 has no file store: write sqlite:///" in check_server(uri)

    @pytest.mark.parametrize(
        ("status", "body", "fix"),
        [
            (401, "You are not authenticated", "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
            (403, "Invalid Host header - possible DNS rebinding attack detected", "--allowed-hosts 127.0.0.1"),
            (403, "Permission denied", "the right to make experiments"),
            (404, "", "is no MLflow server"),
            (200, "<html>", "is no MLflow server"),
            (502, "", "answers with 502"),
        ],
    )
    def test_a_refusal_names_the_fix(self, status: int, body: str, fix: str):
        with Proxy(mode=status, body=body) as server:
            assert fix in check_server(server.uri)

    def test_nobody_answers(self):
        assert "does not answer (" in check_server("http://me:secret@127.0.0.1:9")
        assert "secret" not in check_server("http://me:secret@127.0.0.1:9")

    def test_no_such_machine(self):
        assert "no machine of that name is known" in check_server("http://nowhere.invalid:5000")

    def test_a_server_that_hangs(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("hpsearch.trackers.place.PATIENCE", 0.1)
        with Proxy(mode="hang") as server:
            assert "does not answer (timed out)" in check_server(server.uri)

    def test_no_https_there(self):
        with Proxy(mode=200) as server:
            assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in check_server(server.uri.replace("http:", "https:"))


class TestCredentials:
    def test_from_the_address(self):
        assert sent_to("me:s%40crit@") == "Basic bWU6c0Bjcml0"

    def test_from_the_environment(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abc")
        assert sent_to("") == "Bearer abc"
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s@crit")
        assert sent_to("") == "Basic bWU6c0Bjcml0"

    def test_from_mlflows_file(self, tmp_path: Path):
        (tmp_path / ".mlflow").mkdir()
        lines = "[mlflow]\nmlflow_tracking_username = me\nmlflow_tracking_password = s@crit\n"
        (tmp_path / ".mlflow" / "credentials").write_text(lines)
        assert sent_to("") == "Basic bWU6c0Bjcml0"

    def test_none(self):
        assert sent_to("") is None


def sent_to(user: str) -> str | None:
    with Proxy(mode=200, body="{}") as server:
        assert check_server(server.uri.replace("//", f"//{user}")) == ""
    return server.headers.get("Authorization")


class TestWords:
    def test_no_secret_is_said(self):
        text = "API request to https://me:s3cret@host:5000/api failed; postgresql://u:p@db/x"
        assert without_credentials(text) == "API request to https://host:5000/api failed; postgresql://db/x"

    def test_the_journals_errors_are_said_as_they_are(self):
        assert explain(JournalError("journal a.db: locked"), "http://host", "digits") == "journal a.db: locked"

    def test_any_other_is_one_line(self):
        said = explain(ValueError("what\n  is\tthis"), "http://me:pw@host", "digits")
        assert said.startswith("MLflow at http://host cannot be used: what is this; training is not affected")


class TestTarget:
    def test_is_the_place_and_not_who_goes_there(self):
        assert target("http://me:a@host:1/") == target("http://you:b@host:1") != target("http://host:2")

    def test_holds_no_secret(self):
        assert len(target("http://me:secret@host")) == 16


def test_artifacts_stand_beside_the_embedded_store():
    assert artifact_folder("sqlite:////home/me/.hpsearch/mlflow.db", None) == Path("/home/me/.hpsearch/mlartifacts")
    assert artifact_folder("postgresql://db/mlflow", Path("/data")) == Path("/data")
    assert artifact_folder("postgresql://db/mlflow", None) is None
    assert artifact_folder("http://host:5000", Path("/data")) is None
