"""The folders that Ray Tune writes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.goals import Goal
from hpsearch.core.trial import Objective, State
from hpsearch.records.importers.ray_tune_folder import read
from hpsearch.study.space import Float, Space

SPACE = Space((Float("lr", 0.0, 1.0), Float("optimizer.momentum", 0.0, 1.0)))
LOSS = Objective("loss", "minimize")
PARAMS = {"lr": 0.1, "optimizer": {"momentum": 0.5}}


def trial(folder: Path, name: str, *losses: float, params: dict[str, Any] | None = PARAMS, key: str = "loss") -> Path:
    own = folder / name
    own.mkdir()
    lines = [json.dumps({key: loss, "training_iteration": i, "config": PARAMS}) for i, loss in enumerate(losses, 1)]
    (own / "result.json").write_text("\n".join(lines))
    if params is not None:
        (own / "params.json").write_text(json.dumps(params))
    return own


def test_the_trials_of_an_experiment(tmp_path: Path) -> None:
    trial(tmp_path, "a", 0.5, 0.4)
    (trial(tmp_path, "b", 0.6, params=None) / "error.txt").touch()
    one, two = read(tmp_path, SPACE, LOSS, {})
    assert (one.label, list(one.values), one.state) == ("a", [(1, 0.5), (2, 0.4)], None)
    assert dict(one.params) == dict(two.params) == {"lr": 0.1, "optimizer.momentum": 0.5}
    assert two.state is State.FAILED


def test_a_trial_that_was_killed(tmp_path: Path) -> None:
    """Its last line may be cut off; it may have no report at all."""
    own = trial(tmp_path, "a", 0.5)
    (own / "result.json").write_text((own / "result.json").read_text() + '\n{"loss": 0.')
    trial(tmp_path, "b")
    assert [list(one.values) for one in read(tmp_path, SPACE, LOSS, {})] == [[(1, 0.5)], []]


def test_other_names(tmp_path: Path) -> None:
    trial(tmp_path, "a", 0.5, params={"rate": 0.1, "momentum": 0.2}, key="eval/loss")
    columns = {"lr": "rate", "optimizer.momentum": "momentum", "loss": "eval/loss"}
    (one,) = read(tmp_path, SPACE, LOSS, columns)
    assert (one.params["lr"], one.params["optimizer.momentum"], list(one.values)) == (0.1, 0.2, [(1, 0.5)])


def test_several_metrics(tmp_path: Path) -> None:
    """Steps from 0 are shifted, those of all metrics alike."""
    own = trial(tmp_path, "a")
    rows = [
        {"loss": 0.5, "eval": {"latency": 9.0}},
        {"eval": {"latency": 8.0}},
        {"loss": 0.4, "eval": {"latency": 7.0}},
    ]
    lines = [json.dumps({**row, "training_iteration": step}) for step, row in enumerate(rows, 1)]
    (own / "result.json").write_text("\n".join(lines))
    two = replace(LOSS, others=(Goal("latency", "minimize"),))
    (one,) = read(tmp_path, SPACE, two, {"latency": "eval/latency"})
    assert list(one.values) == [(1, 0.5), (3, 0.4)]
    assert dict(one.others) == {1: {"latency": 9.0}, 2: {"latency": 8.0}, 3: {"latency": 7.0}}
    assert "latency" not in one.params
    with pytest.raises(BadInput, match="`latency`"):
        read(tmp_path, SPACE, two, {})


def test_all_faults_at_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (trial(tmp_path, name, 0.5) / "result.json").write_text("no\njson\n")
    with pytest.raises(BadInput) as refused:
        read(tmp_path, SPACE, LOSS, {})
    assert str(refused.value).count("line 1 is not JSON") == 2


def test_no_such_metric_and_no_experiment(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"result\.json"):
        read(tmp_path, SPACE, LOSS, {})
    trial(tmp_path, "a", 0.5, key="losses")
    with pytest.raises(BadInput, match="did you mean `losses`"):
        read(tmp_path, SPACE, LOSS, {})
