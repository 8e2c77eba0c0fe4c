"""`hpsearch compare`, against what a person works out by hand from the curves that were recorded."""

import hashlib
import json
import re
from statistics import fmean
from typing import Any

import pytest

from tests.cli.cli_runner import CliRunner

BAYESIAN = 'method = "bayesian"\ntrials = 4\nstartup_trials = 2'
PREDICTOR = "tests.cli.predictors:train"


@pytest.fixture
def two(cli: CliRunner) -> CliRunner:
    """toy, of 4 random trials of 3 epochs; and long, of 6 that were drawn with another seed."""
    cli.study()
    cli.run("-q")
    named(cli, "long", "--set", "study.seed=4", "--set", "search.trials=6")
    return cli


def named(cli: CliRunner, name: str, *words: object) -> None:
    """Run the study under another name."""
    assert cli.run("-q", "--set", f"study.name={json.dumps(name, ensure_ascii=False)}", *words).code == 0


def compare(cli: CliRunner, *studies: object) -> dict[str, Any]:
    return dict(cli.invoke("compare", *studies, "--json").data)


def keys(differences: list[str]) -> list[str]:
    """Of the study file or the environment, in their order."""
    return [line.partition(": was ")[0] for line in differences]


def best(cli: CliRunner, name: str, epochs: int = 10**9) -> float:
    """One worker trains one trial after the other."""
    values = [point["val_loss"] for trial in cli.export(name)["trials"] for point in trial["curve"]]
    return float(min(values[:epochs]))


# Their results ──────────────────────────────────────────────────────────────────────────────────


def test_each_study_as_its_other_readers_have_it(two: CliRunner) -> None:
    data = compare(two, "toy", "long")
    for one, name in zip(data["studies"], ("toy", "long"), strict=True):
        stands, trial = two.invoke("status", name, "--json").data, two.invoke("best", name, "--json").data
        assert one["best"]["params"] == trial["params"]
        assert {key: one[key] for key in ("study", "state", "trials", "epochs_trained", "best")} == {
            key: stands[key] for key in ("study", "state", "trials", "epochs_trained", "best")
        }
        assert one["wall_seconds"] >= one["busy_seconds"] > 0
    assert [one["seed"] for one in data["studies"]] == [3, 4]


def test_a_column_for_each_study(two: CliRunner) -> None:
    out = two.invoke("compare", "toy", "long").out
    lines = out.split("\n\n* ")[0].splitlines()
    rows = {cells[0]: cells[1:] for line in lines if (cells := re.split(r"\s{2,}", line.strip()))}
    verdict = compare(two, "toy", "long")["verdict"]
    assert rows["search"] == ["random", "random"]
    assert rows["epochs trained"] == ["12", "18"]
    cells = [f"{'* ' * (name in verdict['leads'])}{best(two, name, 12):.4g}" for name in ("toy", "long")]
    assert rows["12 epochs"] == cells
    (line,) = [line for line in out.splitlines() if line.startswith("* ")]
    assert "12 epochs" in line
    assert [name for name in ("toy", "long") if name in line] == verdict["leads"]


# Chance ──────────────────────────────────────────────────────────────────────────────────────────


def test_repeats_tell_the_noise_of_a_value(cli: CliRunner) -> None:
    cli.study(trainer="tests.support.toys:learner")
    cli.change(("epochs = 3", "epochs = 3\nrepeats = 3"))
    cli.run("-q")
    named(cli, "second", "--set", "study.seed=9", "--set", "search.trials=5")
    data = compare(cli, "toy", "second")
    errors = []
    for one in data["studies"]:
        curve = cli.export(one["study"])["trials"][one["best"]["trial"]]["curve"]
        errors.append(curve[one["best"]["epoch"] - 1]["val_loss_se"])
        assert one["noise"] == {"sd": errors[-1], "freedom": 2, "from": one["noise"]["from"]}
    pooled = (fmean(error**2 for error in errors)) ** 0.5
    assert data["verdict"]["noise"]["sd"] == pytest.approx(pooled)
    assert (data["verdict"]["noise"]["freedom"], data["verdict"]["noise"]["of"]) == (4, "training")
    assert f" {pooled:.2g} " in cli.invoke("compare", "toy", "second").out


def test_evaluated_studies_are_compared_over_fresh_seeds(cli: CliRunner) -> None:
    cli.study(trainer=PREDICTOR)
    cli.run("-q")
    cli.change(("low = 0.0", "low = 0.5"))
    named(cli, "worse")
    found = {name: cli.invoke("evaluate", name, "-q", "--json").data for name in ("toy", "worse")}
    opened = [cli.export(name)["decisions"] for name in found]
    data = compare(cli, "toy", "worse")
    for one in data["studies"]:
        winner, test = found[one["study"]]["finalists"][0], found[one["study"]]["test"]
        assert {key: one["fresh_seeds"][key] for key in ("mean", "sd", "margin")} == {
            key: winner[key] for key in ("mean", "sd", "margin")
        }
        assert one["test"]["single"]["mean"] == test["contenders"][0]["mean"]
        assert one["test"]["chosen"]["name"] == test["best_on_validation"]
    (fresh,) = data["fresh_seeds"]
    means = [found[name]["finalists"][0]["mean"] for name in ("toy", "worse")]
    assert fresh["better"] == pytest.approx(means[1] - means[0]), "of a loss less is better"
    assert fresh["better"] > fresh["margin"] > 0
    assert f"{fresh['better']:+.3g} ± {fresh['margin']:.2g}" in cli.invoke("compare", "toy", "worse").out
    assert [cli.export(name)["decisions"] for name in found] == opened, "nothing was opened"


# Whether it is fair ──────────────────────────────────────────────────────────────────────────────


def test_other_data(cli: CliRunner) -> None:
    mood = cli.folder / "mood.txt"
    mood.write_text("calm 0.3")
    cli.study(trainer="tests.cli.file_driven_trainers:file_driven", options=f'mood = "{mood}", named = true')
    cli.run("-q")
    named(cli, "same", "--set", "study.seed=5")
    mood.write_text("calm 0.1")
    named(cli, "other")
    assert compare(cli, "toy", "same")["comparable"]
    (obstacle,) = compare(cli, "toy", "same", "other")["obstacles"]
    first, then = (hashlib.sha256(text.encode()).hexdigest()[:12] for text in ("calm 0.3", "calm 0.1"))
    assert obstacle.endswith(f"mood {first} (toy, same), mood {then} (other)")


def test_a_fork_has_an_advantage(two: CliRunner) -> None:
    two.change(("high = 1.0", "high = 0.5"))
    two.run("-q", "--fork", "finer")
    data = compare(two, "toy", "finer")
    assert two.export("finer")["study"]["forked_from"] == "toy"
    assert [one for one in data["notes"] if "finer" in one and "toy" in one], "a note says it"
    assert keys(data["differences"][0]["file"]) == ["space.x.high"]


def test_differences_from_the_first_study(two: CliRunner) -> None:
    named(two, "tpe", "--set", "study.seed=4", "--set", f"search={{ {BAYESIAN.replace(chr(10), ', ')} }}")
    differences = compare(two, "toy", "long", "tpe")["differences"]
    assert [(one["from"], one["to"]) for one in differences] == [("toy", "long"), ("toy", "tpe")]
    assert keys(differences[0]["file"]) == ["study.seed", "search.trials"]
    assert {"study.seed", "search.method"} <= set(keys(differences[1]["file"]))
    assert f"  {differences[0]['file'][0]}" in two.invoke("compare", "toy", "long").out.splitlines()


def test_where_they_were_trained(two: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    named(two, "other")
    (one,) = compare(two, "toy", "other")["differences"]
    assert (one["file"], keys(one["environment"])) == ([], ["settings.CUBLAS_WORKSPACE_CONFIG"])
    verdict = compare(two, "toy", "other")["verdict"]
    assert (verdict["epochs"], verdict["leads"]) == (12, [])
    assert "chance" not in two.invoke("compare", "toy", "other").out


# What is not there ───────────────────────────────────────────────────────────────────────────────


def test_a_running_study_is_compared_with_its_trials_so_far(cli: CliRunner) -> None:
    cli.study()
    cli.run("-q")
    gate = cli.epoch_log.with_name("gate")
    gate.write_text("16")
    running = cli.start("run", "study.toml", "--set", 'study.name="second"')
    cli.wait_for(lambda: cli.trained() >= 16, running)
    cli.wait_for(lambda: compare(cli, "toy", "second")["studies"][1]["epochs_trained"] == 3, running)
    data = compare(cli, "toy", "second")
    gate.unlink()
    assert data["equal_cost"][-1]["epochs"] == 3
    assert data["studies"][1]["state"] == "RUNNING"
    assert cli.ended(running).code == 0


# Which studies ───────────────────────────────────────────────────────────────────────────────────


def test_trials_are_not_compared(two: CliRunner) -> None:
    refused = two.invoke("compare", "toy", 0, 1)
    assert refused.code == 2
    assert "hpsearch show toy 0" in refused.err


def test_two_studies_are_required(two: CliRunner) -> None:
    assert two.invoke("compare").code == 2
    assert two.invoke("compare", "toy").err == 'compare takes two studies or more, got "toy" alone\n'
    for words, named in ((["toy"], '"toy"'), (["toy", "study.toml"], '"toy"'), (["toy", "lnog"], "`long`")):
        answer = two.invoke("compare", *words)
        assert answer.is_refused
        assert answer.names(named)


def test_each_from_where_its_file_says(two: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a name from where the first file has its own."""
    elsewhere = two.folder / "elsewhere"
    elsewhere.mkdir()
    copy = elsewhere / "copy.toml"
    copy.write_text((two.folder / "study.toml").read_text())
    assert two.invoke("run", copy, "-q").code == 0
    monkeypatch.chdir("/")
    file = two.folder / "study.toml"
    labels = [one["label"] for one in compare(two, file, copy, "long")["studies"]]
    assert labels == [f"toy ({file})", f"toy ({copy})", "long"]
    assert compare(two, "toy", "long", "--journal", f"sqlite:///{two.folder}/.hpsearch/journal.db")["comparable"]


@pytest.mark.parametrize("name", ["größe µ 损失", "a'b;c$(d)`e`", "{x} *?", "[bold]x", "a:b"])
def test_any_name_that_is_allowed(two: CliRunner, name: str) -> None:
    named(two, name)
    assert [one["label"] for one in compare(two, "toy", name)["studies"]] == ["toy", name]
    assert two.invoke("compare", name, "toy").out.splitlines()[0].split(maxsplit=1)[0] == name.split()[0]
