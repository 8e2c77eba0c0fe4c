import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

import pytest

from hpsearch.workers import own_logging
from hpsearch.workers.own_logging import (
    CHILD,
    LIGHTNING_LOGGERS,
    NEW,
    PARENT,
    LoggingEnvironment,
    OwnLogging,
    write_experiment,
)

STORE = "sqlite:////somewhere/mlflow.db"


@pytest.fixture(autouse=True)
def _no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "WANDB_")):
            monkeypatch.delenv(name)


def environment(folder: Path, store: str = STORE) -> dict[str, str | None]:
    return OwnLogging(store, folder, "uid").environment(7, folder / "scratch")


class TestEnvironment:
    def test_the_experiment_of_the_study(self, tmp_path: Path) -> None:
        write_experiment(tmp_path, STORE, "3")
        found = environment(tmp_path)
        assert (found["MLFLOW_TRACKING_URI"], found["MLFLOW_EXPERIMENT_ID"]) == (STORE, "3")
        assert json.loads(found["MLFLOW_RUN_CONTEXT"] or "") == {
            PARENT: "uid/7",
            CHILD: NEW,
            "mlflow.runName": "trial-0007 (trainer)",
        }

    def test_no_experiment_yet(self, tmp_path: Path) -> None:
        found = environment(tmp_path)
        assert found["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/scratch/mlflow.db"
        assert found["MLFLOW_EXPERIMENT_ID"] is None

    @pytest.mark.parametrize(("store", "experiment"), [("sqlite:////other.db", "3"), (STORE, "")])
    def test_an_experiment_that_is_not_the_studys(self, tmp_path: Path, store: str, experiment: str) -> None:
        write_experiment(tmp_path, STORE, "2")
        write_experiment(tmp_path, store, experiment)
        assert environment(tmp_path)["MLFLOW_EXPERIMENT_ID"] is None

    def test_a_file_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "own-logging.json").write_text("{")
        assert environment(tmp_path)["MLFLOW_EXPERIMENT_ID"] is None

    def test_an_address_with_a_variable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing secret travels: it is looked up on the worker, which may not have it."""
        store = "http://${env:WHERE_MLFLOW_IS}"
        write_experiment(tmp_path, store, "3")
        assert environment(tmp_path, store)["MLFLOW_EXPERIMENT_ID"] is None
        monkeypatch.setenv("WHERE_MLFLOW_IS", "host:5000")
        assert environment(tmp_path, store)["MLFLOW_TRACKING_URI"] == "http://host:5000"

    def test_a_server_does_not_delay_for_minutes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_experiment(tmp_path, "http://host:5000", "3")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
        found = environment(tmp_path, "http://host:5000")
        assert found["MLFLOW_ENABLE_ASYNC_LOGGING"] == "true"
        assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in found

    def test_wandb(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        wandb = ModuleType("wandb")
        wandb.__spec__ = sys.__spec__
        monkeypatch.setitem(sys.modules, "wandb", wandb)
        found = environment(tmp_path)
        assert (found["WANDB_MODE"], found["WANDB_DIR"]) == ("offline", str(tmp_path / "scratch"))
        assert (tmp_path / "scratch").is_dir()

    def test_wandb_as_the_user_has_set_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WANDB_MODE", "online")
        monkeypatch.setenv("WANDB_DIR", "/mine")
        assert not {"WANDB_MODE", "WANDB_DIR"} & set(environment(tmp_path))


class Writer:
    """As that of tensorboardX."""

    def __init__(self, logdir: str | None = None, comment: str = ""):
        self.logdir, self.comment = logdir, comment


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> type[Writer]:
    module = ModuleType("tensorboardX.writer")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX.writer", module)
    monkeypatch.setattr(Writer.__init__, "__defaults__", (None, ""))
    return Writer


class TestSurroundings:
    def test_all_is_as_before_afterwards(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: type[Writer]
    ) -> None:
        monkeypatch.setenv("MLFLOW_RUN_ID", "of the program")
        surroundings = LoggingEnvironment({"MLFLOW_RUN_ID": None, "WANDB_MODE": "offline"}, tmp_path, keep=False)
        with surroundings.entered():
            assert "MLFLOW_RUN_ID" not in os.environ
            assert os.environ["WANDB_MODE"] == "offline"
            assert (writer().logdir, writer("mine").logdir) == (str(tmp_path / "tensorboard"), "mine")
        assert os.environ["MLFLOW_RUN_ID"] == "of the program"
        assert "WANDB_MODE" not in os.environ
        assert writer().logdir is None

    def test_in_a_process_of_the_trials_own_it_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: type[Writer]
    ) -> None:
        monkeypatch.setenv("WANDB_MODE", "online")
        with LoggingEnvironment({"WANDB_MODE": "offline"}, tmp_path, keep=True).entered():
            pass
        assert os.environ["WANDB_MODE"] == "offline"
        assert writer().logdir == str(tmp_path / "tensorboard")

    def test_two_trials_that_take_turns_have_each_their_active_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stack = Stack()
        fluent = ModuleType("mlflow.tracking.fluent")
        fluent._active_run_stack = stack  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "mlflow.tracking.fluent", fluent)
        stack.get().append("of the program")
        first, second = (LoggingEnvironment({}, tmp_path, keep=False) for _ in range(2))
        with first.entered():
            stack.get().append("first")
        with second.entered():
            assert stack.get() == []
        with first.entered():
            assert stack.get() == ["first"]
        assert stack.get() == ["of the program"]


class Stack:
    """As mlflow's, of one thread."""

    def __init__(self) -> None:
        self._value: list[str] = []

    def get(self) -> list[str]:
        return self._value

    def set(self, value: list[str]) -> None:
        self._value = value


class MLFlowLogger:
    """As in Lightning: the address is a default, and the experiment is found by its name."""

    def __init__(self, experiment_name: str = "lightning_logs", run_id: str | None = None, tracking_uri: str = "file:"):
        self.address = tracking_uri
        self._experiment_id: str | None = None


class TestALoggerOfLightning:
    @pytest.fixture
    def logger(self, monkeypatch: pytest.MonkeyPatch) -> type[Any]:
        kind = type("MLFlowLogger", (MLFlowLogger,), {"__init__": MLFlowLogger.__init__})
        module = ModuleType(LIGHTNING_LOGGERS[0])
        module.MLFlowLogger = kind  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, LIGHTNING_LOGGERS[0], module)
        return kind

    def entered(self, tmp_path: Path) -> Any:
        variables = {"MLFLOW_TRACKING_URI": STORE, "MLFLOW_EXPERIMENT_ID": "3"}
        return LoggingEnvironment(variables, tmp_path, keep=False).entered()

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            ({}, (STORE, "3")),
            ({"experiment_name": "mine"}, (STORE, None)),
            ({"run_id": "7"}, (STORE, None)),
            ({"tracking_uri": "http://mine"}, ("http://mine", None)),
        ],
    )
    def test_uses_the_study_s_experiment_unless_it_is_given_another(
        self, tmp_path: Path, logger: type[Any], given: dict[str, str], found: tuple[str, str | None]
    ) -> None:
        for _ in range(2):  # one segment of the training after the other
            with self.entered(tmp_path):
                made = logger(**given)
                assert (made.address, made._experiment_id) == found

    def test_outside_of_a_trial_it_is_as_before(
        self, tmp_path: Path, logger: type[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)
        with self.entered(tmp_path):
            pass
        made = logger()
        assert (made.address, made._experiment_id) == ("file:", None)


class TestEnd:
    def end(self, monkeypatch: pytest.MonkeyPatch, folder: Path, flush: Callable[[], None], *, keep: bool) -> None:
        module = ModuleType("mlflow.utils.autologging_utils.metrics_queue")
        module.flush_metrics_queue = flush  # type: ignore[attr-defined]
        mlflow = ModuleType("mlflow")
        mlflow.active_run = lambda: None  # type: ignore[attr-defined]
        for one in (mlflow, module):
            monkeypatch.setitem(sys.modules, one.__name__, one)
        monkeypatch.delitem(sys.modules, "mlflow.tracking.fluent", raising=False)
        surroundings = LoggingEnvironment({}, folder, keep=keep)
        with surroundings.entered():
            surroundings.end()

    @pytest.mark.parametrize("keep", [True, False])
    def test_what_is_queued_is_sent(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keep: bool) -> None:
        sent: list[int] = []
        self.end(monkeypatch, tmp_path, lambda: sent.append(1), keep=keep)
        assert sent == [1]

    def test_an_error_of_mlflow_is_not_the_trials(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        def raises() -> None:
            raise OSError

        self.end(monkeypatch, tmp_path, raises, keep=True)

    def test_a_server_that_does_not_answer_delays_it_for_a_limited_time(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(own_logging, "FLUSH_SECONDS", 0.01)
        answered = Event()
        self.end(monkeypatch, tmp_path, lambda: not answered.wait() or None, keep=True)
        answered.set()
        assert capsys.readouterr().out
