"""A study with repeats or folds, as a user runs it."""

import pytest

from tests.cli.cli_runner import CliRunner

REPEATS = (("epochs = 3", "epochs = 3\nrepeats = 3"),)


def test_what_is_recorded(cli: CliRunner) -> None:
    cli.study()
    cli.change(*REPEATS)
    data = cli.run("--json").data
    assert (data["trials"]["complete"], data["epochs_trained"]) == (4, 12)
    assert cli.trained() == 36, "an epoch of a trial is one of each repeat"
    report = cli.export()["trials"][0]["curve"][0]
    own = [report[f"val_loss_repeat{number}"] for number in (1, 2, 3)]
    assert report["val_loss"] == sum(own) / 3
    assert report["val_loss_se"] > 0


def test_it_resumes(cli: CliRunner) -> None:
    cli.study()
    cli.change(*REPEATS)
    cli.run()
    whole = [trial["curve"] for trial in cli.export()["trials"]]
    cli.study(file="other.toml")
    other = cli.folder / "other.toml"
    other.write_text(other.read_text().replace('"toy"', '"other"').replace(*REPEATS[0]))
    cli.epoch_log.unlink()
    (cli.folder / "bell").write_text("17 SIGINT")
    assert cli.invoke("run", "other.toml").code == 130
    (cli.folder / "bell").unlink()
    assert cli.invoke("run", "other.toml").code == 0
    assert [trial["curve"] for trial in cli.export("other")["trials"]] == whole


def test_another_number_of_them_is_another_study(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    cli.change(*REPEATS)
    answer = cli.run()
    assert answer.code == 2
    assert answer.changed == {"trainer.repeats", "prune.method"}, "the paired test is their pruner"


def test_plan_says_so(cli: CliRunner) -> None:
    cli.study()
    assert "repeats" not in cli.invoke("plan", "study.toml").out
    cli.change(*REPEATS)
    assert "3 repeats" in cli.invoke("plan", "study.toml").out


def test_the_paired_test_prunes_bad_trials(cli: CliRunner) -> None:
    """Its loss is about its distance from `x`, whatever the seed."""
    space = "x = { low = 0.0, high = 1000.0 }"
    cli.study('method = "random"\ntrials = 8', space=space, epochs=9)
    cli.change(("epochs = 9", "epochs = 9\nrepeats = 3"))
    cli.run()
    trials = cli.export()["trials"]
    pruned = [trial for trial in trials if trial["state"] == "PRUNED"]
    assert pruned
    for trial in pruned:
        assert trial["cause"] == "pruned"
        assert {"p", "best_trial"} <= trial["cause_numbers"].keys()
        assert len(trial["curve"]) == 6
        assert trial["value"] > min(other["value"] for other in trials)


FOLDS = ("epochs = 3", "epochs = 3\nvalidation = { folds = 3 }")


def test_a_cross_validation_asks_the_trainer_for_its_folds(cli: CliRunner) -> None:
    """Before the first trial, where preflight is on."""
    cli.study()
    cli.change(FOLDS, ("[search]", "[preflight]\n\n[search]"))
    answer = cli.run()
    assert answer.code == 2
    assert "run.fold" in answer.err
    assert cli.invoke("status", "toy").code == 2, "nothing is recorded"


def test_a_cross_validation_as_it_is_recorded(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.study(trainer="trainers.digits:train", space="lr = { low = 1e-3, high = 1e-1, log = true }")
    cli.change(FOLDS, (f'options = {{ epoch_log = "{cli.epoch_log}" }}', ""))
    assert cli.invoke("plan", "study.toml").out.count("3 folds") == 2, "what trains side by side, and the paired test"
    answer = cli.run("--set", "search.trials=2")
    assert answer.code == 0, answer.err
    trial = cli.export()["trials"][0]
    first = trial["curve"][0]
    own = [first[f"val_loss_fold{number}"] for number in (1, 2, 3)]
    assert first["val_loss"] == pytest.approx(sum(own) / 3)
    assert len(set(own)) == 3
    assert first["val_loss_se"] > 0
    assert cli.invoke("reproduce", "toy", "0").code == 0
