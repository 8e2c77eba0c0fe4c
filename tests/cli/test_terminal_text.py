"""No command sends characters to the terminal that control it."""

import json

import pytest

from tests.cli.cli_runner import CliRunner

TITLE = "\x1b]0;owned\x07"
TRAINER = """
def train(params, run):
    if params["x"] == {text!r}:
        raise ValueError({text!r})
    yield {{"val_loss": 1.0}}
"""


@pytest.fixture
def titled(cli: CliRunner) -> CliRunner:
    (cli.folder / "titled.py").write_text(TRAINER.format(text=TITLE))
    space = f'x = [{json.dumps(TITLE)}, "plain"]'
    cli.study('method = "grid"', trainer="titled:train", epochs=1, space=space)
    cli.run()
    return cli


@pytest.mark.parametrize(
    "words",
    [
        ["run", "study.toml"],
        ["run", "study.toml", "--fork", "more"],
        ["show", "toy"],
        ["show", "toy", "0"],
        ["logs", "toy", "0"],
        ["best", "toy"],
        ["status"],
        ["plan", "study.toml"],
        ["check", "study.toml"],
    ],
)
def test_a_text_of_a_trainer_or_a_study(titled: CliRunner, words: list[str]) -> None:
    answer = titled.invoke(*words)
    assert "\x1b" not in answer.out + answer.err
    assert "\x07" not in answer.out + answer.err


def test_it_is_shown(titled: CliRunner) -> None:
    trial = titled.export()["trials"][0]["number"]
    assert r"\x1b]0;owned\x07" in titled.invoke("show", "toy", trial).out
    assert titled.invoke("show", "toy", trial, "--json").data["params"]["x"] == TITLE
