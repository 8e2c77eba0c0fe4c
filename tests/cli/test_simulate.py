"""`hpsearch simulate`: methods and workers on recorded curves."""

from tests.cli.cli_runner import RANDOM, CliRunner


def test_on_a_recorded_study_and_on_its_export(cli: CliRunner) -> None:
    cli.study(RANDOM)
    cli.run()
    options = ("--method", "random", "--seeds", "2", "--epochs", "6", "--json")
    recorded = cli.invoke("simulate", "study.toml", "--from", "study.toml", *options).data
    assert recorded["source"]["trials"] == len(cli.export()["trials"])
    assert (recorded["epochs"], recorded["searches"][0]["method"]) == (6, "random")
    (cli.folder / "curves.csv").write_text(cli.invoke("export", "study.toml", "--format", "csv").out)
    exported = cli.invoke("simulate", "study.toml", "--curves", "curves.csv", *options).data
    assert exported["searches"][0]["values"] == recorded["searches"][0]["values"]


def test_on_a_function_and_bad_input(cli: CliRunner) -> None:
    cli.study(RANDOM)
    (cli.folder / "own_curves.py").write_text("def loss(params, epoch):\n    return params['x'] + 1 / epoch\n")
    answer = cli.invoke("simulate", "study.toml", "--curves", "own_curves:loss", "--seeds", "1", "--method", "study")
    assert answer.code == 0
    assert "best is the study's own search" in answer.out
    others = ("--method", "tpe+stopping", "random", "--workers", "1", "2", "--epochs", "4", "--seeds", "1")
    answer = cli.invoke("simulate", "study.toml", "--curves", "own_curves:loss", *others)
    assert answer.code == 0
    assert answer.out.count("[search] method =") == 2
    for curves in ("nowhere.csv", "own_curves:nothing"):
        assert cli.invoke("simulate", "study.toml", "--curves", curves).code == 2
    assert cli.invoke("simulate", "study.toml", "--curves", "own_curves:loss", "--seeds", "0").code == 2
    assert cli.invoke("simulate", "study.toml", "--curves", "own_curves:loss", "--failures", "1.5").code == 2


def test_every_documented_method_is_offered() -> None:
    from hpsearch.cli.simulate import METHODS as OFFERED
    from hpsearch.orchestrator.simulation.method_comparison import METHODS

    assert set(OFFERED) == METHODS.keys()
