"""The Keras example of docs/frameworks.md with the real package: `make test-frameworks`."""

from importlib.util import find_spec

import pytest

from hpsearch.core.trial import State
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli
from tests.support.documented import write_example

if find_spec("keras") is None:
    pytest.skip("needs keras: make test-frameworks", allow_module_level=True)
pytest_plugins = ["tests.support.fixtures"]
pytestmark = [pytest.mark.usefixtures("quick_collections"), pytest.mark.filterwarnings("default")]
__all__ = ["cli"]  # a fixture


def test_the_documented_training_is_searched_and_pruned(cli: CliRunner) -> None:
    use = write_example("frameworks.md", "keras_digits.py", cli.folder)
    cli.study(
        trainer=f"{use}:train",
        epochs=4,
        space="lr = [1e-2, 1e-6]\nhidden = 16",
        search='method = "grid"\n[prune]\nmethod = "halving"',
    )
    answer = cli.run("--json")
    assert answer.code == 0, answer.err
    best, pruned = cli.export()["trials"]
    assert [best["state"], pruned["state"]] == [State.COMPLETE.name, State.PRUNED.name]
    assert [report["step"] for report in best["curve"]] == [1, 2, 3, 4]
    assert {"val_loss", "val_accuracy", "loss"} <= best["curve"][0].keys()
    assert len(pruned["curve"]) < 4
