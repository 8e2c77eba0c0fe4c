"""What `--json` prints is JSON: a loss that is NaN or infinite is null in every document."""

import json
from pathlib import Path

import pytest

from tests.cli.cli_runner import CliRunner

TRAINER = '''\
import math

from hpsearch import Report


def train(params, run):
    """Every second trial diverges in its second epoch; `size` is always infinite."""
    for epoch in run.epochs():
        loss = math.nan if epoch == 2 and params["x"] > 0.5 else 1.0 / epoch + params["x"]
        yield Report(epoch, {"val_loss": loss, "train_loss": loss, "size": math.inf, "other": -math.inf})
'''


@pytest.fixture
def exploded(cli: CliRunner) -> CliRunner:
    (cli.folder / "broken.py").write_text(TRAINER)
    cli.study('method = "grid"', trainer="broken:train", space="x = [0.1, 0.9]")
    assert cli.run("-q").code == 0
    return cli


VERBS = (
    "run study.toml",
    "check study.toml",
    "plan study.toml",
    "preflight study.toml",
    "status",
    "status toy",
    "show toy",
    "show toy 1",
    "best toy",
    "doctor toy",
    "doctor toy 1",
    "compare toy again",
    "evaluate study.toml --seeds 2",
    "reproduce toy 1",
    "export toy",
    "report toy",
    "sync toy --mlflow sqlite:///mlflow.db",
)


def test_no_document_holds_a_number_that_is_none(exploded: CliRunner) -> None:
    lines = exploded.invoke("run", "study.toml", "--set", "study.name='again'", "--jsonl").out.splitlines()
    assert len(lines) == 3
    assert exploded.invoke("export", "toy", "-o", "all.json").code == 0
    for text in (*lines, Path("all.json").read_text()):
        json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    for verb in VERBS:
        answer = exploded.invoke(*verb.split(), "--json", "-q")
        assert answer.out, f"{verb}: {answer.err}"
        assert answer.data, verb
