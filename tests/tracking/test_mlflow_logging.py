import logging
import os
import subprocess
import sys
import warnings

import pytest

from hpsearch.tracking.mlflow_logging import ENVIRONMENT, hush


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    hush()
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "3"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == ENVIRONMENT["MLFLOW_HTTP_REQUEST_TIMEOUT"]


def test_stdout_is_ours_in_any_case(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "false")
    hush()
    assert os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] == "true"


def test_is_harmless_to_repeat():
    hush()
    handlers, filters = list(logging.getLogger("mlflow").handlers), len(warnings.filters)
    hush()
    assert logging.getLogger("mlflow").handlers == handlers
    assert len(warnings.filters) == filters


@pytest.mark.parametrize("module", ["mlflow_tracker", "memory", "place", "ui", "pages", "quiet"])
def test_mlflow_is_imported_by_nobody_but_the_thread(module: str):
    program = f"import sys, hpsearch.trackers.{module}; print([m for m in sys.modules if 'mlflow' in m.split('.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
