"""A study with repeats, as a user runs it."""

from tests.commands.desk import Desk

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
    desk.study('method = "random"\ntrials = 8', space=space, epochs=6)
    desk.change(("epochs = 6", "epochs = 6\nrepeats = 3"))
    desk.run()
    trials = desk.export()["trials"]
    pruned = [trial for trial in trials if trial["state"] == "PRUNED"]
    assert pruned
    for trial in pruned:
        assert trial["reason"].startswith("paired test: val_loss ")
        assert len(trial["curve"]) == 3
        assert trial["value"] > min(other["value"] for other in trials)
