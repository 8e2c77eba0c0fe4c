import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import hpsearch.tracking
from hpsearch.tracking.mlflow_logging import ENVIRONMENT, configure


def test_settings_of_the_user_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    configure()
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "3"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == ENVIRONMENT["MLFLOW_HTTP_REQUEST_TIMEOUT"]


def test_prints_to_stdout_are_always_disabled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "false")
    configure()
    assert os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] == "true"


def test_a_second_call_changes_nothing():
    configure()
    handlers, filters = list(logging.getLogger("mlflow").handlers), len(warnings.filters)
    configure()
    assert logging.getLogger("mlflow").handlers == handlers
    assert len(warnings.filters) == filters


def test_only_the_thread_imports_mlflow():
    modules = {one.stem for one in Path(hpsearch.tracking.__file__).parent.glob("*.py")}
    imported = ", ".join(f"hpsearch.tracking.{one}" for one in modules - {"__init__", "mlflow_runs", "projection"})
    program = f"import sys, {imported}; print([m for m in sys.modules if 'mlflow' in m.split('.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
