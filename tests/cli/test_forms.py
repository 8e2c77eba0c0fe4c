"""Each form of a trainer, as a user runs it."""

import sys
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch import State, Study
from tests.cli import forms
from tests.cli.cli_runner import CliRunner
from tests.support.documented import write_example
from tests.trainers.conftest import one_thread

__all__ = ["one_thread"]  # a fixture

REPORTING = ["function", "public", "by_name", "config_alone", "generator_of_config", "objective"]
CONTINUED = ["function", "public", "by_name"]


def curves(cli: CliRunner, form: str, *words: object, **more: Any) -> list[Any]:
    cli.study(trainer=f"tests.cli.forms:{form}", **more)
    answer = cli.run(*words)
    assert answer.code == 0, answer.err
    return [trial["curve"] for trial in cli.export()["trials"]]


@pytest.fixture
def generators(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The curves of the generator."""
    monkeypatch.setenv("HPSEARCH_HOME", str(cli.folder / "generator"))
    found = curves(cli, "generator")
    monkeypatch.delenv("HPSEARCH_HOME")
    cli.epoch_log.unlink()
    return found


@pytest.mark.parametrize("form", REPORTING)
def test_its_curves_are_those_of_a_generator_bit_for_bit(cli: CliRunner, form: str, generators: list[Any]) -> None:
    assert curves(cli, form) == generators
    assert cli.trained() == 12
    assert cli.invoke("reproduce", "study.toml", 0).code == 0


@pytest.mark.parametrize("form", CONTINUED)
def test_interrupted_it_is_continued_after_its_checkpoint(cli: CliRunner, form: str, generators: list[Any]) -> None:
    cli.study(trainer=f"tests.cli.forms:{form}")
    (cli.folder / "bell").write_text("5 SIGINT")
    assert cli.run().code == 130
    (cli.folder / "bell").unlink()
    assert cli.run().code == 0
    assert [trial["curve"] for trial in cli.export()["trials"]] == generators
    assert cli.trained() == 12, "no epoch is trained again"


@pytest.mark.parametrize("form", ["function", "objective"])
def test_it_is_pruned_inside_its_report(cli: CliRunner, form: str) -> None:
    cli.study(trainer=f"tests.cli.forms:{form}", more='[prune]\nmethod = "threshold"\nupper = 0.0\nwarmup_epochs = 1\n')
    cli.run()
    trials = cli.export()["trials"]
    assert [(trial["state"], len(trial["curve"])) for trial in trials] == [("PRUNED", 2)] * 4


def test_a_returned_number_is_one_report(cli: CliRunner) -> None:
    assert [[report["step"] for report in curve] for curve in curves(cli, "returned")] == [[1]] * 4
    assert {trial["state"] for trial in cli.export()["trials"]} == {"COMPLETE"}


def test_another_returned_value_ends_the_study(cli: CliRunner) -> None:
    cli.study(trainer="tests.cli.forms:wrong")
    assert cli.run().code == 2


def test_folds_train_side_by_side(cli: CliRunner) -> None:
    cli.study(trainer="tests.cli.forms:folded")
    cli.change(("epochs = 3", "epochs = 3\nvalidation = { folds = 2 }"))
    assert cli.run().code == 0
    report = cli.export()["trials"][0]["curve"][0]
    assert report["val_loss_fold2"] == pytest.approx(report["val_loss_fold1"] + 1, abs=0.1)


@pytest.mark.usefixtures("one_thread")
def test_preflight_observes_a_function(cli: CliRunner) -> None:
    cli.study(
        trainer="tests.cli.forms:logistic",
        space="lr = { low = 0.001, high = 1.0, log = true }",
        more='[preflight]\nskip = ["overfits", "labels"]\n',
    )
    cli.change((f'options = {{ epoch_log = "{cli.epoch_log}" }}\n', ""))
    checks = {
        one["name"]: one["outcome"]
        for one in cli.invoke("preflight", "study.toml", "--json").data["preflight"]["checks"]
    }
    assert set(checks.values()) <= {"passed", "skipped"}
    assert checks["zero_grad"] == "passed"


@pytest.mark.parametrize("trainer", [forms.function, forms.by_name, forms.objective, lambda config: config["x"] / 2])
def test_from_python(tmp_path: Path, trainer: Any) -> None:
    tables = {
        "study": {"name": "python", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"epochs": 3, "options": {"epoch_log": str(tmp_path / "log.txt")}},
        "space": {"x": {"low": 0.0, "high": 1.0}},
        "search": {"method": "random", "trials": 2},
        "resources": {"address": "none"},
        "tracking": {"mlflow": "none"},
    }
    found = hpsearch.run(Study.from_dict(tables, trainer=trainer, folder=tmp_path))
    assert [trial.state for trial in found.history] == [State.COMPLETE] * 2


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["process", "none"])
@pytest.mark.parametrize("form", ["function", "objective"])
def test_on_ray(cli: CliRunner, form: str, isolation: str, generators: list[Any]) -> None:
    cli.study(trainer=f"tests.cli.forms:{form}")
    cli.change(('address = "none"', f'workers = 1\nisolation = "{isolation}"'))
    assert cli.run().code == 0
    assert [trial["curve"] for trial in cli.export()["trials"]] == generators


# docs/forms.md ───────────────────────────────────────────────────────────────────────────────────

EXAMPLES = {
    "reporting.py": ("train", "lr = { low = 0.01, high = 0.1, log = true }", 3),
    "returning.py": ("train", "lr = { low = 0.01, high = 1.0, log = true }", 1),
    "objectives.py": ("objective", "lr = { low = 0.01, high = 0.4 }\nsteps = { low = 1, high = 4 }", 6),
}


@pytest.mark.parametrize("file", EXAMPLES)
def test_the_examples_of_the_page_run(cli: CliRunner, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, space, epochs = EXAMPLES[file]
    module = write_example("forms.md", file, cli.folder)
    monkeypatch.syspath_prepend(cli.folder)
    monkeypatch.delitem(sys.modules, module, raising=False)
    cli.study(trainer=f"{module}:{function}", space=space, epochs=epochs)
    cli.change((f'options = {{ epoch_log = "{cli.epoch_log}" }}\n', ""))
    assert cli.run().code == 0
    assert [len(trial["curve"]) for trial in cli.export()["trials"]] == [epochs] * 4
