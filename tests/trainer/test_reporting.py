"""hpsearch.report in a program that a search has started, and in one that none has. In a trainer's function:
adapters/test_functions.py."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hpsearch
from hpsearch import Report
from hpsearch.trainer.reporting import REPORT
from tests.trainer.adapters.programs import Programs


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path)


def test_a_program_reports(programs: Programs) -> None:
    text = """
        import hpsearch, numpy
        hpsearch.report(10, {"val_loss": numpy.float32(0.5), "n": 3})
        hpsearch.report({"val_loss": float("nan")})
        hpsearch.report(20, {"val_loss": float("-inf")})
        hpsearch.report(30, val_loss=0.25)
        hpsearch.report({"val_loss": 0.125}, 40)
    """
    first, second, third, *named = programs.reports(programs.script(text))
    assert first == Report(10, {"val_loss": 0.5, "n": 3.0})
    assert second.step == 11
    assert math.isnan(second.metrics["val_loss"])
    assert third == Report(20, {"val_loss": -math.inf})
    assert named == [Report(30, {"val_loss": 0.25}), Report(40, {"val_loss": 0.125})]


def test_nothing_happens_where_no_search_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REPORT, raising=False)
    hpsearch.report(1, {"val_loss": 0.5})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_there", [False, True])
def test_nothing_happens_where_the_search_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    """Its pipe is gone, or nobody reads it any more."""
    path = tmp_path / "report"
    if is_there:
        os.mkfifo(path)
    monkeypatch.setenv(REPORT, str(path))
    hpsearch.report(1, {"val_loss": 0.5})
    assert path.exists() == is_there


def test_what_is_no_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REPORT, str(tmp_path / "report"))
    with pytest.raises(ValueError, match="could not convert"):
        hpsearch.report(1, {"val_loss": "low"})
    with pytest.raises(TypeError, match="no metrics"):
        hpsearch.report(1)


def test_its_import_is_light() -> None:
    code = "import hpsearch, sys; hpsearch.report; print(*(n for n in sys.modules if n.startswith('hpsearch')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"hpsearch", "hpsearch.trainer", "hpsearch.trainer.reporting"}
