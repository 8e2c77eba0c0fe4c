"""`hpsearch show` and `hpsearch best`."""

from tests.cli.desk import Desk


def test_everything_about_a_trial(done: Desk) -> None:
    trial = done.export()["trials"][2]
    data = done.hp("show", "toy", 2, "--json").data
    decisions, trained, environments = (data.pop(name) for name in ("decisions", "trained", "environments"))
    assert data == trial
    assert [(one["trial"], one["after"]) for one in trained] == [(2, 0)]
    assert trained[0]["environment"] in environments
    assert [(one["kind"], one["step"]) for one in decisions] == [("propose", 0), ("complete", 3)]
    lines = done.hp("show", "toy", 2).out.splitlines()
    assert lines[0] == (f"toy, trial 2: COMPLETE, val_loss {trial['value']:.4g} at epoch {trial['best_epoch']}")
    assert "  why these parameters: random draw 3 of 4" in lines
    assert "  why COMPLETE: trained all 3 epochs" in lines
    (header,) = (i for i, line in enumerate(lines) if line.split() == ["epoch", "val_loss", "weight"])
    points = [line.split() for line in lines[header + 1 : header + 4]]
    assert [point[0] for point in points] == ["1", "2", "3"]
    assert [point[1] for point in points] == [f"{point['val_loss']:.4g}" for point in trial["curve"]]


def test_a_trial_that_is_not_there(done: Desk) -> None:
    answer = done.hp("show", "toy", 4)
    assert (answer.code, answer.err) == (2, 'study "toy" has no trial 4: it has trials 0 to 3\n')


def test_a_trial_that_is_no_number(done: Desk) -> None:
    assert done.hp("show", "toy", "best").code == 2


def test_best_is_the_trial_with_the_best_value(done: Desk) -> None:
    best = min(done.export()["trials"], key=lambda trial: trial["value"])
    data = done.hp("best", "toy", "--json").data
    assert data["number"] == best["number"]
    assert done.hp("best", "toy").out == done.hp("show", "toy", best["number"]).out
