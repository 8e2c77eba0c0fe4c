"""`hpsearch config`, and the settings it shows, in effect."""

from tests.cli.cli_runner import CliRunner


def test_shows_what_applies(cli: CliRunner) -> None:
    (cli.folder / "pyproject.toml").write_text("[tool.hpsearch]\nworkers = 3\n")
    data = cli.invoke("config", "--json").data
    assert data["workers"] == {"value": 3, "source": str(cli.folder / "pyproject.toml")}
    text = cli.invoke("config").out
    assert "workers   3 " in text
    assert str(cli.folder / "pyproject.toml") in text


def test_a_run_takes_them(cli: CliRunner) -> None:
    (cli.folder / "pyproject.toml").write_text('[tool.hpsearch]\nhome = "runs"\nworkers = 2\ntracking = "none"\n')
    cli.study()
    cli.change(('[tracking]\nmlflow = "none"\n', ""))
    assert cli.run().code == 0
    assert (cli.folder / "runs" / "journal.db").exists()
    assert not (cli.folder / ".hpsearch").exists()
    spec = cli.export()["study"]["spec"]
    assert (spec["resources"]["workers"], spec["tracking"]["mlflow"]) == (2, "none")


def test_the_study_file_is_stronger(cli: CliRunner) -> None:
    (cli.folder / "pyproject.toml").write_text("[tool.hpsearch]\nworkers = 2\n")
    cli.study()
    cli.run("--set", "resources.workers=1")
    assert cli.export()["study"]["spec"]["resources"]["workers"] == 1


def test_a_fault_is_refused(cli: CliRunner) -> None:
    (cli.folder / "pyproject.toml").write_text("[tool.hpsearch]\nwokers = 2\n")
    cli.study()
    for words in (("config",), ("check", "study.toml"), ("status",)):
        answer = cli.invoke(*words)
        assert answer.is_refused
        assert answer.names("pyproject.toml", "wokers")
