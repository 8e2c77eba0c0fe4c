"""A sampler from outside is held to the contract with one fixture; docs/own-samplers.md does what it says."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch.testing import DISCRETE, SamplerCase, SamplerContract
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli

__all__ = ["cli"]  # a fixture

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "own-samplers.md").read_text(encoding="utf-8")
EXAMPLES = ROOT / "docs" / "examples"

sys.path.append(str(EXAMPLES))
from outside import AgingEvolution  # noqa: E402


class TestAgingEvolution(SamplerContract):
    @pytest.fixture
    def case(self) -> SamplerCase:
        return SamplerCase.of(AgingEvolution, trials=20, population=8, sample=3)


def test_a_child_differs_from_the_best_of_its_population_in_one_parameter() -> None:
    history = (
        SamplerCase.of(AgingEvolution, space=DISCRETE, trials=30, population=5, sample=5).simulation().run().history
    )
    for trial in list(history)[5:]:
        parent = min((history[number] for number in range(trial.number - 5, trial.number)), key=history.loss)
        assert sum(parent.params[name] != value for name, value in trial.params.items()) <= 1


def test_a_case_without_a_fixture_says_what_to_give() -> None:
    with pytest.raises(NotImplementedError, match="SamplerCase"):
        SamplerContract.case.__wrapped__(SamplerContract())  # type: ignore[attr-defined]


def test_a_case_is_made_as_a_study_makes_it() -> None:
    class Ends:
        def __init__(self, space: object, trials: int, least: int):
            self.space, self.trials, self.least = space, trials, least

        def ask(self, history: object) -> None:
            return None

    made = SamplerCase.of(Ends, trials=7, least=3).make(0)
    inner = made._sampler  # type: ignore[attr-defined]
    assert (inner.trials, inner.least) == (7, 3)


# docs/own-samplers.md ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The blocks that begin with a file's name, those of one name as one file."""
    for name, content in re.findall(r"```python\n# (\S+)\n(.*?)```", TEXT, re.DOTALL):
        with (tmp_path / name).open("a") as file:
            file.write(content)
    return tmp_path


def test_the_documented_tests_pass(files: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    done = subprocess.run(command, cwd=files, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "19 passed" in done.stdout


def test_the_documented_study_runs(files: Path, cli: CliRunner) -> None:
    (cli.folder / "mine.py").write_text((files / "mine.py").read_text())
    table = re.search(r'```toml\n(\[search\]\nuse = "mine:Near".*?)```', TEXT, re.DOTALL)
    assert table is not None
    cli.study(table[1].removeprefix("[search]\n"), epochs=4)
    answer = cli.invoke("run", "study.toml", "--set", "search.trials=12", "--json")
    assert answer.code == 0, answer.err
    assert sum(answer.data["trials"].values()) == 12
    assert answer.data["trials"]["pruned"] > 0


TOY = """
from hpsearch import Report

def train(params, run):
    for epoch in run.epochs():
        yield Report(epoch, {"val_accuracy": params["dropout"] * (1 - 1 / epoch)})
"""


def test_the_example_runs_as_a_study(cli: CliRunner) -> None:
    for name in ("outside.py", "outside.toml"):
        (cli.folder / name).write_text((EXAMPLES / name).read_text())
    (cli.folder / "toy.py").write_text(TOY)
    changes = ["trainer.use=toy:train", "resources.address=none", "tracking.mlflow=none", "search.trials=24"]
    answer = cli.invoke("run", "outside.toml", *(word for change in changes for word in ("--set", change)), "--json")
    assert answer.code == 0, answer.err
    assert sum(answer.data["trials"].values()) == 24
    assert answer.data["trials"]["pruned"] > 0
    last = cli.invoke("show", "digits-aging-evolution", "23", "--json").data
    assert last["origin"].startswith("child of trial")


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_the_documented_optuna_sampler_is_one(files: Path) -> None:
    sampler = runpy.run_path(str(files / "genetic.py"))["sampler"]
    assert len(SamplerCase.of(sampler, trials=25).simulation().run().proposals) == 25
