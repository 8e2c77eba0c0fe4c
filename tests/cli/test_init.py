"""`hpsearch init`."""

from pathlib import Path

import pytest

from hpsearch.cli import examples
from tests.cli.cli_runner import ROOT, CliRunner


def test_writes_a_study_that_runs(cli: CliRunner) -> None:
    answer = cli.invoke("init", "first try")
    assert answer.code == 0
    assert answer.out == (
        "wrote first try/study.toml and first try/trainer.py\n\n  hpsearch run 'first try/study.toml'\n"
    )
    study = Path("first try/study.toml")
    checked = cli.invoke("check", study, "--json").data
    assert (checked["study"], checked["faults"], checked["warnings"]) == ("my-study", [], [])
    assert checked["auto"]["search"] == "freeze-thaw"
    small = ["search.budget.epochs=4", "trainer.epochs=2", 'resources.address="none"', 'tracking.mlflow="none"']
    words = [word for change in small for word in ("--set", change)]
    ran = cli.invoke("run", study, "--json", *words)
    assert ran.code == 0
    assert ran.data["best"]["value"] > 0.5


def test_touches_nothing_that_is_there(cli: CliRunner) -> None:
    Path("trainer.py").write_text("mine")
    answer = cli.invoke("init")
    assert (answer.code, answer.err) == (
        2,
        "trainer.py already exists: choose another folder, `hpsearch init FOLDER`\n",
    )
    assert Path("trainer.py").read_text() == "mine"
    assert not Path("study.toml").exists()
    assert cli.invoke("init", "trainer.py/below").code == 2


SWEEP = "method: grid\nparameters: {lr: {values: [0.1, 0.2]}, odd: {distribution: beta}}\n"


def test_from_another_tool(cli: CliRunner) -> None:
    Path("sweep.yaml").write_text(SWEEP)
    answer = cli.invoke("init", "here", "--from", "sweep.yaml", "--json")
    assert answer.data["written"] == ["here/study.toml"]
    assert answer.data["from"] == "a sweep of W&B"
    assert any(comment.startswith("odd") for comment in answer.data["comments"])
    Path("here/train.py").write_text("")
    assert cli.invoke("check", "here/study.toml").code == 0
    assert cli.invoke("init", "here", "--from", "sweep.yaml").code == 2
    assert cli.invoke("init", "there", "--from", "none.yaml").code == 2


def test_json(cli: CliRunner) -> None:
    assert cli.invoke("init", "--json").data == {"written": ["study.toml", "trainer.py"]}


def test_an_example_comes_with_its_trainer(cli: CliRunner) -> None:
    answer = cli.invoke("init", "--example", "heart-grid", "mine", "--json")
    assert answer.code == 0
    for name in ("trainers/__init__.py", "trainers/heart.py", "trainers/kit/training.py"):
        assert Path("mine", name).read_text() == (ROOT / name).read_text()
    assert Path("mine/study.schema.json").read_text() == (ROOT / "studies" / "study.schema.json").read_text()
    assert "hpsearch run heart-grid.toml" in Path("mine/heart-grid.toml").read_text()
    assert not Path("mine/trainers/digits.py").exists()
    assert set(answer.data["written"]) == {str(path) for path in Path("mine").rglob("*") if path.is_file()}
    assert cli.invoke("check", "mine/heart-grid.toml").code == 0


def test_two_examples_share_a_folder(cli: CliRunner) -> None:
    cli.invoke("init", "--example", "heart-grid")
    answer = cli.invoke("init", "--example", "digits-grid", "--json")
    assert sorted(answer.data["written"]) == ["digits-grid.toml", "trainers/digits.py"]


def test_a_file_of_the_users_is_not_replaced(cli: CliRunner) -> None:
    Path("trainers").mkdir()
    Path("trainers/__init__.py").write_text("mine = 1\n")
    answer = cli.invoke("init", "--example", "heart-grid")
    assert answer.is_refused
    assert answer.names("trainers/__init__.py")
    assert not Path("heart-grid.toml").exists()


def test_an_example_that_is_not_there(cli: CliRunner) -> None:
    answer = cli.invoke("init", "--example", "hart-grid")
    assert (answer.code, answer.out) == (2, "")
    assert answer.names("usage: hpsearch init", "did you mean `heart-grid`?")


@pytest.mark.parametrize("name", examples.names())
def test_every_study_is_an_example(name: str) -> None:
    found = examples.contents(name, Path("x"))
    assert any(path.parent.name == "trainers" and path.name != "__init__.py" for path in found)
    assert "studies/" not in found[Path("x", f"{name}.toml")]
