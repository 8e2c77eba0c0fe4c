"""`steps` in [trainer] in place of `epochs`: reports at every tenth step, and the word on the screens."""

import pytest

from tests.cli.cli_runner import RANDOM, CliRunner

TRAINER = """
def train(params, run):
    x = dict(params)["x"]
    for step in run.steps():
        if step % 10 == 0:
            yield {"val_loss": x + 1 / step}
"""

HALVING = '[prune]\nmethod = "halving"\npromote = false\n'


@pytest.fixture
def steps(cli: CliRunner) -> CliRunner:
    (cli.folder / "stepwise.py").write_text(TRAINER)
    cli.study(RANDOM, trainer="stepwise:train", epochs=1, more=HALVING)
    cli.change(("epochs = 1\n", "steps = 400\n"), (f'options = {{ epoch_log = "{cli.epoch_log}" }}\n', ""))
    return cli


def test_a_study_in_steps(steps: CliRunner) -> None:
    result = steps.run("--json").data
    assert result["unit"] == "step"
    assert result["trials"]["complete"] + result["trials"]["pruned"] == 4
    assert result["best"]["epoch"] == 400
    curves = [[point["step"] for point in trial["curve"]] for trial in steps.export()["trials"]]
    assert curves[0][:2] == [10, 20]
    assert len(curves[0]) == 40
    assert all(step % 10 == 0 for curve in curves for step in curve)
    assert result["epochs_trained"] == sum(curve[-1] for curve in curves)


def test_the_word_on_the_screens(steps: CliRunner) -> None:
    screens = [steps.invoke("plan", "study.toml").out, steps.run().out]
    screens += [steps.invoke(*words).out for words in (("status", "toy"), ("best", "toy"), ("show", "toy", "1"))]
    steps.invoke("report", "toy", "-o", "toy.html")
    screens.append((steps.folder / "toy.html").read_text().split("<script")[0])
    for screen in screens:
        assert "step" in screen
        assert "epoch" not in screen


def test_a_larger_number_continues_it(steps: CliRunner) -> None:
    steps.change(("promote = false\n", "promote = false\nmin_epochs = 10\n"))
    steps.run()
    steps.change(("steps = 400", "steps = 500"))
    assert steps.run("--json").data["best"]["epoch"] == 500
