"""The end of a run is posted to the webhook of [notify]; a webhook that fails never changes the result."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import hpsearch
from hpsearch.core.errors import InfrastructureError, StudyFileError
from hpsearch.orchestrator import webhook

SECRET = "T0/B0/xyzzy-plugh"


class Hook(HTTPServer):
    """Keeps the messages that it gets, and answers with `status`."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Hook)
        self.server.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def study(folder: Path, address: str, **limits: Any) -> hpsearch.Study:
    def train(params: dict[str, float], run: hpsearch.Run) -> Iterator[hpsearch.Report]:
        for epoch in run.epochs():
            yield hpsearch.Report(epoch, {"val_loss": params["x"] / epoch})

    sections = {
        "study": {"name": "told", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"epochs": 2},
        "space": {"x": {"low": 0.5, "high": 1.0}},
        "search": {"method": "random", "trials": 2},
        "resources": {"address": "none"},
        "tracking": {"mlflow": "none"},
        "notify": {"url": "${env:HPSEARCH_WEBHOOK}"},
        "limits": limits,
    }
    return hpsearch.Study.from_dict(sections, trainer=train, folder=folder, environment={"HPSEARCH_WEBHOOK": address})


def test_the_end_is_posted_once(tmp_path: Path, hook: Hook) -> None:
    own = study(tmp_path, f"http://127.0.0.1:{hook.server_port}/{SECRET}")
    result = hpsearch.run(own, progress=False)
    hpsearch.run(own, progress=False)  # nothing is left to train
    (message,) = hook.messages
    assert message["text"] == message["content"] == result.outline
    assert {key: message[key] for key in ("study", "state", "epochs_trained")} == {
        "study": "told",
        "state": "COMPLETE",
        "epochs_trained": 4,
    }
    assert message["best"]["trial"] == result.best.trial
    assert SECRET.encode() not in (tmp_path / ".hpsearch" / "journal.db").read_bytes()


@pytest.mark.parametrize("status", [404, 500, None])
def test_a_webhook_that_fails_is_a_note(
    tmp_path: Path, hook: Hook, status: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.status = status or 200
    port = hook.server_port if status else 9  # nobody listens there
    result = hpsearch.run(study(tmp_path, f"http://127.0.0.1:{port}/{SECRET}"))
    assert result.exit_code == 0
    shown = capsys.readouterr().err
    assert f"did not accept the message ({status or 'Connection refused'}" in shown
    assert "xyzzy" not in shown


def test_an_end_with_exit_code_5() -> None:
    message = webhook.failure_of("told", InfrastructureError("the disk is full\n  path  x"))
    assert message["text"] == 'study "told" has stopped: the disk is full; run it again to continue'


@pytest.mark.parametrize("address", ["ftp://host/x", "host/hook", "http://", "http://host/a b", ""])
def test_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    with pytest.raises(StudyFileError, match=r"must be the address of a webhook"):
        study(tmp_path, address)
