"""What a trainer logs to an MLflow server that does not answer."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from hpsearch.workers.own_logging import HeldBatch, held_batches, held_files, held_folder, hold_unsent

METRIC = SimpleNamespace(key="loss", value=0.5, timestamp=7, step=1)
PARAM = SimpleNamespace(key="lr", value=0.1)


class Failed(Exception):
    def __init__(self, status: int):
        self.status = status

    def get_http_status_code(self) -> int:
        return self.status


@pytest.fixture
def log_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """log_batch(status) is called as MLflow calls it; the server answers with this status."""

    class RestStore:
        status = 200

        def log_batch(self, run_id: str, metrics: Any, params: Any, tags: Any) -> str:
            if self.status >= 400:
                raise Failed(self.status)
            return "sent"

    module = ModuleType("mlflow.store.tracking.rest_store")
    module.RestStore = RestStore  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for _ in range(2):  # with each slice of a trial
        hold_unsent(held_folder(tmp_path) / "00003.jsonl")

    def call(status: int) -> str:
        store = RestStore()
        store.status = status
        return store.log_batch("run", [METRIC], [PARAM], [])

    return call


def test_what_cannot_be_sent_is_held(log_batch: Any, tmp_path: Path) -> None:
    with pytest.raises(Failed):
        log_batch(503)
    (path,) = held_files(tmp_path)
    assert list(held_batches(path)) == [HeldBatch("run", [("loss", 0.5, 7, 1)], [("lr", "0.1")], [])]


@pytest.mark.parametrize("status", [200, 404])
def test_what_was_sent_or_refused_is_not(log_batch: Any, tmp_path: Path, status: int) -> None:
    if status == 200:
        assert log_batch(status) == "sent"
    else:
        with pytest.raises(Failed):
            log_batch(status)
    assert held_files(tmp_path) == []


def test_what_comes_while_a_file_is_sent_is_sent_next(log_batch: Any, tmp_path: Path) -> None:
    with pytest.raises(Failed):
        log_batch(503)
    (first,) = held_files(tmp_path)
    with pytest.raises(Failed):
        log_batch(503)
    assert held_files(tmp_path) == [first]
    first.unlink()
    assert len(held_files(tmp_path)) == 1


def test_a_line_that_was_not_written_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "00003.sending"
    path.write_text('["run", [], [["lr", "0.1"]], []]\n["run", [["lo')
    assert [batch.params for batch in held_batches(path)] == [[("lr", "0.1")]]


def test_without_mlflow_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mlflow.store.tracking.rest_store", raising=False)
    hold_unsent(tmp_path / "00003.jsonl")
