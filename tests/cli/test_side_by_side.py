"""A study with repeats or folds, as a user runs it."""

import pytest

from tests.cli.desk import Desk

REPEATS = (("epochs = 3", "epochs = 3\nrepeats = 3"),)


def test_what_is_recorded(desk: Desk) -> None:
    desk.study()
    desk.change(*REPEATS)
    data = desk.run("--json").data
    assert (data["trials"]["complete"], data["epochs_trained"]) == (4, 12)
    assert desk.trained() == 36, "an epoch of a trial is one of each repeat"
    report = desk.export()["trials"][0]["curve"][0]
    own = [report[f"val_loss_repeat{number}"] for number in (1, 2, 3)]
    assert report["val_loss"] == sum(own) / 3
    assert report["val_loss_se"] > 0


def test_it_goes_on_where_it_was(desk: Desk) -> None:
    desk.study()
    desk.change(*REPEATS)
    desk.run()
    whole = [trial["curve"] for trial in desk.export()["trials"]]
    desk.study(file="other.toml")
    other = desk.folder / "other.toml"
    other.write_text(other.read_text().replace('"toy"', '"other"').replace(*REPEATS[0]))
    desk.diary.unlink()
    (desk.folder / "bell").write_text("17 SIGINT")
    assert desk.hp("run", "other.toml").code == 130
    (desk.folder / "bell").unlink()
    assert desk.hp("run", "other.toml").code == 0
    assert [trial["curve"] for trial in desk.export("other")["trials"]] == whole


def test_another_number_of_them_is_another_study(desk: Desk) -> None:
    desk.study()
    desk.run()
    desk.change(*REPEATS)
    answer = desk.run()
    assert answer.code == 2
    assert "trainer.repeats: was absent, is 3" in answer.err


def test_plan_says_so(desk: Desk) -> None:
    desk.study()
    assert "repeats" not in desk.hp("plan", "study.toml").out
    desk.change(*REPEATS)
    assert "each trains 3 repeats side by side, and an epoch is one of all of them" in desk.hp("plan", "study.toml").out


def test_what_is_hopeless_is_pruned_by_the_paired_test(desk: Desk) -> None:
    """Its loss is about its distance from `x`, whatever the seed."""
    space = "x = { low = 0.0, high = 1000.0 }"
    desk.study('method = "random"\ntrials = 8', space=space, epochs=9)
    desk.change(("epochs = 9", "epochs = 9\nrepeats = 3"))
    desk.run()
    trials = desk.export()["trials"]
    pruned = [trial for trial in trials if trial["state"] == "PRUNED"]
    assert pruned
    for trial in pruned:
        assert trial["cause"] == "pruned"
        assert {"p", "best_trial"} <= trial["cause_numbers"].keys()
        assert len(trial["curve"]) == 6
        assert trial["value"] > min(other["value"] for other in trials)


FOLDS = ("epochs = 3", "epochs = 3\nvalidation = { folds = 3 }")


def test_a_cross_validation_asks_the_trainer_for_its_folds(desk: Desk) -> None:
    """Before the first trial, where preflight is on."""
    desk.study()
    desk.change(FOLDS, ("[search]", "[preflight]\n\n[search]"))
    answer = desk.run()
    assert answer.code == 2
    assert "asks for 3 folds, and the trainer never looks at `run.fold`" in answer.err
    assert desk.hp("status", "toy").code == 2, "nothing is recorded"


def test_a_cross_validation_as_it_is_recorded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.study(trainer="trainers.digits:train", space="lr = { low = 1e-3, high = 1e-1, log = true }")
    desk.change(FOLDS, (f'options = {{ diary = "{desk.diary}" }}', ""))
    assert "each trains 3 folds side by side" in desk.hp("plan", "study.toml").out
    assert "(prune: paired test over 3 folds)" in desk.hp("plan", "study.toml").out
    answer = desk.run("--set", "search.trials=2")
    assert answer.code == 0, answer.err
    trial = desk.export()["trials"][0]
    first = trial["curve"][0]
    own = [first[f"val_loss_fold{number}"] for number in (1, 2, 3)]
    assert first["val_loss"] == pytest.approx(sum(own) / 3)
    assert len(set(own)) == 3
    assert first["val_loss_se"] > 0
    assert desk.hp("reproduce", "toy", "0").code == 0
