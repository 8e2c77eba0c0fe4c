"""`hpsearch quickstart`: what it writes is tested in test_init.py."""

from tests.cli.cli_runner import CliRunner

SMALL = ("search.trials=1", "trainer.epochs=3", 'resources.address="none"', 'tracking.mlflow="none"')


def test_writes_and_runs(cli: CliRunner) -> None:
    words = [word for change in SMALL for word in ("--set", change)]
    answer = cli.invoke("quickstart", "first", "--json", *words)
    assert answer.code == 0
    assert answer.data["trials"]["complete"] == 1
    assert (cli.folder / "first" / "trainers" / "digits.py").exists()
    assert cli.invoke("quickstart", "first", "--json", *words).data["trials"]["complete"] == 1
