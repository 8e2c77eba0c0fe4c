"""docs/study-file.md: each example is run, and its trials are in its space."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch.core.trial import State

TEXT = (Path(__file__).parents[1] / "docs" / "study-file.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


def trainer(params: Any, run: hpsearch.Run) -> Any:
    dict(params)
    yield hpsearch.Report(1, {"val_loss": len(params) + run.seed % 7, "latency_ms": 9.5, "params": 900})


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_runs(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path))
    monkeypatch.setenv("HPSEARCH_WEBHOOK", "http://127.0.0.1:9/hook")  # nobody listens there
    given = tomllib.loads(text)
    sections = {
        "study": {"name": "page", "metric": "val_loss", "goal": "minimize"},
        "space": {"lr": {"low": 1e-4, "high": 1.0, "log": True}},
        "search": {"method": "random", "trials": 6},
        "resources": {"workers": 1, "address": "none"},
        "tracking": {"mlflow": "none"},
        **given,
        "trainer": {"epochs": 1, **given.get("trainer", {})},
    }
    study = hpsearch.Study.from_dict(sections, trainer=trainer, folder=tmp_path)
    result = hpsearch.run(study, progress=False)
    trials = list(result.history)
    assert trials
    assert {trial.state for trial in trials} == {State.COMPLETE}
    assert all(study.space.contains(trial.params) for trial in trials)
