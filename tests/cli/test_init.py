"""`hpsearch init`."""

from pathlib import Path

from tests.cli.cli_runner import CliRunner


def test_writes_a_study_that_runs(cli: CliRunner) -> None:
    answer = cli.invoke("init", "first try")
    assert answer.code == 0
    assert answer.out == (
        "wrote first try/study.toml and first try/trainer.py\n\n  hpsearch run 'first try/study.toml'\n"
    )
    study = Path("first try/study.toml")
    assert cli.invoke("check", study, "--json").data == {"study": "my-study", "faults": [], "warnings": []}
    small = ["search.trials=2", "trainer.epochs=2", 'resources.address="none"', 'tracking.mlflow="none"']
    words = [word for change in small for word in ("--set", change)]
    # A process of its own: its module is called `trainer`.
    ran = cli.ended(cli.start("run", study, "--json", *words))
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


def test_json(cli: CliRunner) -> None:
    assert cli.invoke("init", "--json").data == {"written": ["study.toml", "trainer.py"]}
