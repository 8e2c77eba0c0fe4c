"""A command or a script as the trainer, as a user runs it. PYTHONUNBUFFERED is not set, as on a user's machine."""

import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_runner import CliRunner

STUDY = """\
[study]
name = "toy"
metric = "val_loss"
goal = "minimize"
seed = 3
[trainer]
{trainer}
epochs = {epochs}
[space]
x = {{ low = 0.0, high = 1.0 }}
[search]
{search}
[resources]
{resources}
[tracking]
mlflow = "none"
{more}
"""

SCRIPT = """
    import argparse, os, pathlib
    parser = argparse.ArgumentParser()
    parser.add_argument("--x", type=float)
    parser.add_argument("--factor", type=float, default=1.0)
    args = parser.parse_args()
    for epoch in range(1, 10):
        with open("epochs", "a") as file: file.write("one\\n")
        print(f"epoch {epoch} val_loss {args.factor * args.x / epoch}")
"""

CONTINUABLE = """
    import argparse, os, pathlib, time
    parser = argparse.ArgumentParser()
    parser.add_argument("--x", type=float)
    parser.add_argument("--resume", default="")
    args = parser.parse_args()
    kept = pathlib.Path(os.environ["HPSEARCH_CHECKPOINT_DIR"]) / "last.txt"
    first = int(kept.read_text()) + 1 if kept.exists() else 1
    for epoch in range(first, 7):
        with open("epochs", "a") as file: file.write("one\\n")
        kept.write_text(str(epoch))
        print(f"epoch {epoch} val_loss {args.x / epoch}")
        while epoch == 3: time.sleep(1)
"""
"""It trains no further than the first round, so that its number of epochs does not depend on time."""

STEP = 'metrics = { val_loss = "epoch (?P<step>[0-9]+) val_loss {number}" }'
RANDOM = 'method = "random"\ntrials = 4'
ROUNDS = 'method = "coarse-to-fine"\nrounds = [{ trials = 3, epochs = 3 }, { trials = 1, epochs = 6 }]'


@pytest.fixture
def folder(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    return cli.folder


def write(
    folder: Path,
    script: str = SCRIPT,
    trainer: str = 'use = "train.py"',
    *,
    search: str = RANDOM,
    epochs: int = 4,
    resources: str = 'address = "none"',
    more: str = "",
) -> None:
    (folder / "train.py").write_text(textwrap.dedent(script))
    text = STUDY.format(trainer=trainer, search=search, epochs=epochs, resources=resources, more=more)
    (folder / "study.toml").write_text(text)


def curves(cli: CliRunner) -> list[list[Any]]:
    return [[one["val_loss"] for one in trial["curve"]] for trial in cli.export()["trials"]]


@pytest.mark.usefixtures("folder")
class TestARun:
    def test_a_script(self, cli: CliRunner) -> None:
        write(cli.folder)
        data = cli.run("--json").data
        assert data["trials"]["complete"] == 4
        best = data["best"]
        assert best["value"] == pytest.approx(best["params"]["x"] / 4)
        assert [len(curve) for curve in curves(cli)] == [4] * 4

    def test_a_command(self, cli: CliRunner) -> None:
        write(
            cli.folder, trainer='command = ["python", "train.py", "--x={x}"]\nmetrics = { val_loss = "loss {number}" }'
        )
        assert cli.invoke("check", "study.toml").code == 0
        assert cli.run("--json").data["trials"]["complete"] == 4
        assert cli.invoke("status", "toy").code == 0
        assert cli.invoke("show", "toy", 0).code == 0

    def test_a_report_before_training_is_recorded_and_not_judged(self, cli: CliRunner) -> None:
        """The untrained networks have the best values, in the opposite order of the trained ones."""
        script = SCRIPT.replace("range(1, 10)", "range(0, 5)").replace(
            "args.x / epoch", "(args.x + 1 if epoch else -args.x)"
        )
        write(cli.folder, script, f'use = "train.py"\n{STEP}', more='[prune]\nmethod = "halving"\n')
        data = cli.run("--json").data
        assert data["best"]["value"] == pytest.approx(data["best"]["params"]["x"] + 1)
        assert data["best"]["epoch"] == 1
        for trial in cli.export()["trials"]:
            before, *others = trial["curve"]
            assert (before["step"], before["val_loss"]) == (0, -trial["params"]["x"])
            assert {one["val_loss"] for one in others} == {trial["params"]["x"] + 1}
        assert data["epochs_trained"] == sum(len(curve) - 1 for curve in curves(cli))

    def test_a_pruned_program_is_stopped(self, cli: CliRunner) -> None:
        slow = SCRIPT + "        import time; time.sleep(0.5 if epoch < 4 else 60)\n"
        write(cli.folder, slow, more='[prune]\nmethod = "halving"\n', epochs=9)
        cli.change(("trials = 4", "trials = 3"))
        cli.change(
            ('method = "random"', 'method = "list"\nsets = [{ params = { x = 0.1 } }, { params = { x = 0.9 } }]')
        )
        cli.change(("trials = 3\n", ""), ("epochs = 9", "epochs = 3"))
        states = [trial["state"] for trial in (cli.run(), cli.export())[1]["trials"]]
        assert states == ["COMPLETE", "PRUNED"]
        assert [len(curve) for curve in curves(cli)] == [3, 1]

    def test_preflight_is_skipped(self, cli: CliRunner) -> None:
        write(cli.folder, more="[preflight]\n")
        answer = cli.run()
        assert answer.code == 0
        assert "preflight: skipped" in answer.err
        assert cli.invoke("preflight", "study.toml").code == 2

    def test_a_warning_names_the_files_that_change(self, cli: CliRunner) -> None:
        write(cli.folder)
        answer = cli.run()
        assert answer.err.count("epochs. Trials overwrite") == 1

    def test_a_folder_of_the_trial(self, cli: CliRunner) -> None:
        write(cli.folder, trainer='use = "train.py"\ncwd = "scratch"')
        assert cli.run().code == 0
        assert not (cli.folder / "epochs").exists()
        assert len([path for path in cli.files() if path.endswith("/epochs")]) == 4

    def test_repeats(self, cli: CliRunner) -> None:
        script = SCRIPT.replace("args.factor * args.x", "args.factor").replace("--factor", "--seed", 1)
        script = script.replace("args.factor", "args.seed")
        write(cli.folder, script, 'use = "train.py"\noptions = { seed = "{seed}" }\nrepeats = 2')
        assert cli.run().code == 0
        report = cli.export()["trials"][0]["curve"][0]
        assert report["val_loss_repeat1"] != report["val_loss_repeat2"]

    def test_a_diverged_program(self, cli: CliRunner) -> None:
        write(cli.folder, SCRIPT.replace("{args.factor * args.x / epoch}", "{float('nan') if epoch > 1 else 1}"))
        cli.run()
        assert {trial["cause"] for trial in cli.export()["trials"]} == {"diverged"}


@pytest.mark.usefixtures("folder")
class TestFailures:
    def test_a_command_that_is_not_there(self, cli: CliRunner) -> None:
        write(cli.folder, trainer='use = "trian.py"')
        for answer in (cli.invoke("check", "study.toml"), cli.run()):
            assert answer.code == 2
            assert "train.py" in answer.err

    def test_a_pattern_that_never_matches_stops_the_study_with_the_output(self, cli: CliRunner) -> None:
        write(cli.folder, trainer='use = "train.py"\nmetrics = { val_loss = "validation {number}" }')
        answer = cli.run()
        assert answer.code == 2
        assert "epoch 9 val_loss" in answer.err
        assert cli.invoke("status", "toy").code == 2, "nothing is recorded"

    def test_of_one_trial_alone_once_others_have_reported(self, cli: CliRunner) -> None:
        write(cli.folder, SCRIPT.replace("for epoch", "if args.x > 0.5: raise SystemExit\n    for epoch"))
        cli.run()
        states = {trial["state"]: trial["params"]["x"] > 0.5 for trial in cli.export()["trials"]}
        assert states == {"COMPLETE": False, "FAILED": True}

    def test_a_program_that_fails(self, cli: CliRunner) -> None:
        write(cli.folder, SCRIPT.replace("print(f", "assert epoch < 3, 'no more data'; print(f"))
        cli.run()
        trial = cli.export()["trials"][0]
        assert (trial["state"], trial["cause"], len(trial["curve"])) == ("FAILED", "trainer_raised", 2)
        assert "exit code 1: AssertionError: no more data" in trial["reason"]

    def test_after_its_last_epoch(self, cli: CliRunner) -> None:
        write(cli.folder, SCRIPT.replace("range(1, 10)", "range(1, 5)") + "    raise SystemExit('cannot plot')\n")
        assert cli.run().code == 0
        trial = cli.export()["trials"][0]
        assert trial["state"] == "COMPLETE"
        assert "cannot plot" in trial["reason"]


@pytest.mark.usefixtures("folder")
class TestContinued:
    def test_by_its_checkpoints(self, cli: CliRunner) -> None:
        write(cli.folder, CONTINUABLE, f'use = "train.py"\n{STEP}', search=ROUNDS, epochs=6)
        data = cli.run("--json").data
        for trial in cli.export()["trials"]:
            assert [one["val_loss"] for one in trial["curve"]] == pytest.approx(
                [trial["params"]["x"] / one["step"] for one in trial["curve"]]
            )
        assert len((cli.folder / "epochs").read_text().split()) == data["epochs_trained"]

    def test_without_any_from_its_start(self, cli: CliRunner) -> None:
        write(cli.folder, trainer=f'use = "train.py"\n{STEP}', search=ROUNDS, epochs=6)
        answer = cli.run()
        assert answer.err.count("cannot be continued") == 1
        assert max(len(curve) for curve in curves(cli)) == 6


@pytest.mark.usefixtures("folder")
class TestItsCode:
    def test_a_changed_default_is_seen(self, cli: CliRunner) -> None:
        """In the script, and in a module beside it."""
        script = SCRIPT.replace("import argparse", "import argparse, defaults")
        (cli.folder / "defaults.py").write_text("SIZE = 1")
        write(cli.folder, script)
        cli.run()
        assert cli.invoke("reproduce", "toy", 0).code == 0
        (cli.folder / "defaults.py").write_text("SIZE = 2")
        assert (answer := cli.run()).code == 2
        assert answer.names("defaults, line 1: was `SIZE = 1`")
        (cli.folder / "train.py").write_text(textwrap.dedent(script).replace("default=1.0", "default=2.0"))
        answer = cli.invoke("reproduce", "toy", 0)
        assert answer.code == 6
        assert answer.names("train.py", "defaults")

    def test_a_failed_trial_is_tried_again(self, cli: CliRunner) -> None:
        write(cli.folder, SCRIPT.replace("for epoch", "if args.x >= 0.0: raise SystemExit(1)\n    for epoch"))
        cli.run()
        (cli.folder / "train.py").write_text(textwrap.dedent(SCRIPT))
        assert cli.run("--json").data["trials"]["complete"] == 4


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("isolation", [pytest.param(one, marks=pytest.mark.slow) for one in ("process", "none")])
def test_on_ray(cli: CliRunner, isolation: str) -> None:
    """Its output is in the trial's log. In any language: with isolation = "process" it is a shell script."""
    script = SCRIPT.replace("for epoch", "print('a line of the log')\n    for epoch")
    resources = f'workers = 1\nisolation = "{isolation}"'
    trainer = 'use = "train.py"'
    if isolation == "process":
        trainer = 'command = ["sh", "train.sh", "{x}"]'
        (cli.folder / "train.sh").write_text("echo a line of the log\nfor e in 1 2 3 4; do echo val_loss $1; done")
    write(cli.folder, script, trainer, search='method = "random"\ntrials = 2', resources=resources)
    assert cli.run("--json").data["trials"]["complete"] == 2
    assert "a line of the log" in cli.invoke("logs", "toy", 0).out


@pytest.mark.usefixtures("folder")
class TestEvaluate:
    def test_there_are_no_predictions(self, cli: CliRunner) -> None:
        search = 'method = "random"\ntrials = 2'
        write(cli.folder, trainer='use = "train.py"\noptions = { factor = "{seed}" }', search=search)
        cli.run()
        answer = cli.invoke("evaluate", "toy")
        assert answer.code == 0
        assert "no `predict`" in answer.out

    def test_without_a_seed_it_is_refused(self, cli: CliRunner) -> None:
        write(cli.folder, search='method = "random"\ntrials = 2')
        cli.run()
        answer = cli.invoke("evaluate", "toy")
        assert answer.is_refused
        assert answer.names("trainer.command")
