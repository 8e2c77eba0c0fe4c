"""docs/three-ways.md: its files are written down as they stand there, run, and record the same trials."""

import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch.core.metric_names import is_measured
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli
from tests.trainers.conftest import one_thread

__all__ = ["cli", "one_thread"]  # fixtures

TEXT = (Path(__file__).parents[1] / "docs" / "three-ways.md").read_text(encoding="utf-8")


def test_the_same_trials_to_the_last_digit(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(cli.folder))
    monkeypatch.delitem(sys.modules, "digits", raising=False)
    files = dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", TEXT, re.DOTALL))
    assert set(files) == {"digits.py", "study.toml", "by_python.py", "by_session.py", "same.py"}
    for name, content in files.items():
        (cli.folder / name).write_text(content)
    assert cli.run().code == 0
    for name in ("by_python.py", "by_session.py", "same.py"):
        runpy.run_path(str(cli.folder / name))
    first, *others = [_reported(cli.export(name)["trials"]) for name in ("by-file", "by-python", "by-session")]
    assert len(first) == 8
    assert {trial["state"] for trial in first} == {"COMPLETE", "PRUNED"}, "pruning is alike too"
    for trials in others:
        same = ("params", "seed", "state", "cause", "cause_numbers", "curve", "value", "best_epoch", "reason", "origin")
        assert [{name: one[name] for name in same} for one in trials] == [{n: one[n] for n in same} for one in first]
    assert hpsearch.load("by-file").best.params == hpsearch.load("by-session").best.params


def _reported(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The trials without what hpsearch measures of the steps of a tracked optimizer, which a session does not see."""
    return [
        {**trial, "curve": [{name: one[name] for name in one if not is_measured(name)} for one in trial["curve"]]}
        for trial in trials
    ]
