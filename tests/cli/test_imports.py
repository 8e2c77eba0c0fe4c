"""`hpsearch import`."""

import json

import pytest

from tests.cli.cli_runner import CliRunner

BAYESIAN = 'method = "bayesian"\ntrials = 2\nstartup_trials = 3'
ROWS = "learning,val_loss\n0.1,0.5\n0.2,0.4\n0.3,0.3\n7,0.1\n"


def test_results_before_the_first_run(cli: CliRunner) -> None:
    """They count as startup trials; they are not trials, not counted, and never the best."""
    cli.study(BAYESIAN)
    source = cli.folder / "results.csv"
    source.write_text(ROWS)
    words = (
        "import",
        source,
        "--into",
        cli.folder / "study.toml",
        "--columns",
        "x=learning",
        "--same-trainer",
        "--json",
    )
    answer = cli.invoke(*words)
    assert (answer.code, answer.data["imported"], answer.data["read"]) == (0, 3, 4)
    ran = cli.run("--json").data
    assert (ran["trials"]["complete"], ran["best"]["trial"]) == (2, ran["best"]["trial"])
    exported = cli.export()
    assert [trial["origin"].split()[0] for trial in exported["trials"]] == ["tpe", "tpe"]
    (found,) = exported["evidence"]
    assert (found["source"], found["kind"], found["trials"]) == (str(source), "table", 3)
    assert found == cli.invoke("status", "toy", "--json").data["evidence"][0]
    assert str(source.name) in cli.invoke("show", "toy").out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--columns", "x"], "NAME=COLUMN"),
        (["--columns", "x=learn"], "did you mean `learning`?"),
        ([], "has no column for the parameter `x`"),
    ],
)
def test_bad_input(cli: CliRunner, words: list[str], part: str) -> None:
    cli.study(BAYESIAN)
    source = cli.folder / "results.csv"
    source.write_text(ROWS)
    answer = cli.invoke("import", source, "--into", cli.folder / "study.toml", "--same-trainer", *words)
    assert (answer.code, answer.out) == (2, "")
    assert part in answer.err
    assert json.dumps(cli.files()) == "[]"
