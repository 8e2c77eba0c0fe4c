"""In a search, a trainer that asks for the test split does not get it, however it asks."""

import zlib

import pytest

from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli

__all__ = ["cli"]  # a fixture

HEAD = """
from pathlib import Path
from hpsearch import Report
from sklearn.datasets import load_digits
from trainers import cifar10, mnist
from trainers.kit.data import Scaling, sealed_test

def peek(params, run):
    rows = {asks}
    for epoch in run.epochs():
        yield Report(epoch, {{"val_loss": float(len(rows))}})
"""


@pytest.mark.parametrize(
    "asks",
    [
        "sealed_test(load_digits().target)",
        "sealed_test(load_digits().target, seed=1)",
        "mnist.held_out(run.data_dir)",
        "cifar10.held_out(run.data_dir)",
    ],
)
def test_the_trial_fails_and_says_why(cli: CliRunner, monkeypatch: pytest.MonkeyPatch, asks: str):
    name = f"peeking_{zlib.crc32(asks.encode())}"
    (cli.folder / f"{name}.py").write_text(HEAD.format(asks=asks))
    cli.study(trainer=f"{name}:peek")
    cli.change((f'options = {{ epoch_log = "{cli.epoch_log}" }}', ""))
    answer = cli.run("--set", "search.trials=1")
    assert answer.code == 3
    (trial,) = cli.export()["trials"]
    assert trial["state"] == "FAILED"
    assert "Sealed: the test split is sealed" in trial["reason"]
    assert trial["curve"] == []
