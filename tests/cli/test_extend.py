"""More epochs for a study that has ended: `hpsearch extend`, or a larger trainer.epochs in the file."""

import shutil
from typing import Any

import pytest

import hpsearch
from hpsearch import BadInput
from tests.cli.cli_runner import CliRunner, content

GRID = 'method = "grid"'
SPACE = "x = [0.1, 0.5, 0.9]"
STOPPING = '[early_stopping]\npatience = 2\nmetric = "val_error"\n'


def ended(cli: CliRunner, search: str = GRID, trainer: str = "learner", more: str = "") -> None:
    """A study of three epochs, run to its end."""
    cli.study(search, trainer=f"tests.cli.trainers:{trainer}", space=SPACE, more=more)
    assert cli.run().code == 0


def longer(cli: CliRunner, epochs: int = 6) -> None:
    cli.change(("epochs = 3", f"epochs = {epochs}"))


def lengths(cli: CliRunner) -> list[int]:
    return [len(trial["curve"]) for trial in cli.export()["trials"]]


def of_six_epochs(cli: CliRunner, search: str = GRID) -> list[dict[str, Any]]:
    """The trials of a study that has had six epochs from the start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSEARCH_HOME", str(cli.folder / "unbroken"))
        cli.study(search, space=SPACE, epochs=6)
        assert cli.run().code == 0
        return content(cli.export())


class TestALargerNumberInTheFile:
    @pytest.mark.parametrize("search", [GRID, 'method = "random"\ntrials = 3', 'method = "bayesian"\ntrials = 3'])
    def test_trials_continue_from_their_checkpoints(self, cli: CliRunner, search: str) -> None:
        """With the numbers of an unbroken training, bit for bit."""
        ended(cli, search)
        assert cli.trained() == 9
        longer(cli)
        answer = cli.run("--json")
        assert (answer.code, answer.data["trials"]["complete"], answer.data["epochs_trained"]) == (0, 3, 18)
        assert cli.trained() == 18
        now = cli.export()["trials"]
        whole = of_six_epochs(cli, search)
        assert [trial["params"] for trial in now] == [trial["params"] for trial in whole]
        assert [_metrics(trial) for trial in now] == [_metrics(trial) for trial in whole]

    def test_with_set(self, cli: CliRunner) -> None:
        ended(cli)
        assert cli.run("--set", "trainer.epochs=6").code == 0
        assert (lengths(cli), cli.trained()) == ([6, 6, 6], 18)

    def test_a_second_run_trains_nothing(self, cli: CliRunner) -> None:
        ended(cli)
        longer(cli)
        cli.run()
        assert cli.run().code == 0
        assert cli.trained() == 18

    def test_again_and_again(self, cli: CliRunner) -> None:
        ended(cli)
        for epochs in (4, 5, 9):
            assert cli.run("--set", f"trainer.epochs={epochs}").code == 0
        assert (lengths(cli), cli.trained()) == ([9, 9, 9], 27)

    def test_with_more_trials_at_the_same_time(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 3')
        cli.run()
        cli.run("--set", "trainer.epochs=6", "--set", "search.trials=5")
        assert (lengths(cli), cli.trained()) == ([6] * 5, 30)

    def test_trials_that_ended_earlier_do_not_continue(self, cli: CliRunner) -> None:
        """Here by early stopping."""
        cli.study(GRID, trainer="tests.cli.trainers:slope", space=SPACE, epochs=6, more=STOPPING)
        cli.run()
        assert cli.run("--set", "trainer.epochs=9").code == 0
        assert lengths(cli) == [4, 4, 4]

    def test_an_interrupted_study_trains_its_open_trials_longer(self, cli: CliRunner) -> None:
        cli.study(GRID, space=SPACE, options="pace = 0.021")
        (cli.folder / "bell").write_text("5 SIGINT")
        assert cli.run().code == 130
        longer(cli)
        assert cli.run().code == 0
        assert (lengths(cli), cli.trained()) == ([6, 6, 6], 18)

    @pytest.mark.parametrize("at", [10, 14, 18])
    def test_interrupted_and_continued(self, cli: CliRunner, at: int) -> None:
        whole = of_six_epochs(cli)
        cli.epoch_log.unlink()
        cli.study(GRID, space=SPACE)
        cli.run()
        longer(cli)
        (cli.folder / "bell").write_text(f"{at} SIGINT")
        cli.run()
        assert cli.run().code == 0
        assert [_metrics(trial) for trial in cli.export()["trials"]] == [_metrics(trial) for trial in whole]
        assert cli.trained() == 18

    @pytest.mark.parametrize("trainer", ["learner", "to_the_end"])
    def test_killed_and_continued(self, cli: CliRunner, trainer: str) -> None:
        """It comes to the same results, and trains one epoch twice at most."""
        cli.study(GRID, trainer=f"tests.cli.trainers:{trainer}", space=SPACE, options="pace = 0.021")
        cli.run()
        longer(cli)
        first = cli.trained()
        (cli.folder / "gate").write_text(str(first + 5))
        process = cli.start("run", "study.toml")
        cli.wait_for(lambda: cli.trained() == first + 5, process)
        process.kill()
        process.communicate()
        (cli.folder / "gate").unlink()
        assert cli.run().code == 0
        again = cli.export()["trials"][-3:]
        total = 18 if trainer == "to_the_end" else 9
        assert cli.trained() <= first + total + 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HPSEARCH_HOME", str(cli.folder / "unbroken"))
            cli.run()
            assert [_metrics(trial) for trial in again] == [_metrics(trial) for trial in cli.export()["trials"]]

    def test_a_recipe_with_a_budget(self, cli: CliRunner) -> None:
        """Its rounds are planned from trainer.epochs: only `extend` may raise it."""
        ended(cli, 'method = "recipe"\nbudget = { epochs = 16 }\npreflight = false')
        longer(cli)
        assert cli.run().changed == {"trainer.epochs"}
        before = cli.trained()
        assert cli.invoke("extend", "toy", "--epochs", 6, "--best", 1).code == 0
        assert cli.trained() == before + 3
        assert cli.run().code == 0
        assert cli.trained() == before + 3

    def test_fewer_epochs_are_refused(self, cli: CliRunner) -> None:
        ended(cli)
        cli.change(("epochs = 3", "epochs = 2"))
        answer = cli.run()
        assert (answer.code, answer.changed) == (2, {"trainer.epochs"})
        assert cli.trained() == 9

    def test_the_number_from_before_an_extension_continues_with_the_extended_one(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 3')
        cli.run()
        cli.run("--set", "trainer.epochs=6")
        answer = cli.run("--set", "search.trials=4")
        assert (answer.code, lengths(cli)) == (0, [6, 6, 6, 6])
        assert answer.names("trainer.epochs = 6")
        assert cli.run("--set", "trainer.epochs=2").changed == {"trainer.epochs"}

    def test_each_trial_has_a_decision(self, cli: CliRunner) -> None:
        ended(cli)
        longer(cli)
        cli.run()
        decisions = [one for one in cli.export()["decisions"] if one["kind"] == "extend"]
        assert [(one["trial"], one["step"]) for one in decisions] == [(0, 3), (1, 3), (2, 3)]


class TestExtend:
    def test_all_finished_trials(self, cli: CliRunner) -> None:
        ended(cli)
        answer = cli.invoke("extend", "toy", "--epochs", 6, "--json")
        assert (answer.code, answer.data["epochs_trained"]) == (0, 18)
        longer(cli)
        assert cli.run().code == 0
        assert (lengths(cli), cli.trained()) == ([6, 6, 6], 18)

    def test_in_python(self, cli: CliRunner) -> None:
        ended(cli)
        with pytest.raises(BadInput):
            hpsearch.extend(cli.folder / "study.toml", 2, progress=False)
        assert hpsearch.extend(cli.folder / "study.toml", 5, best=1, progress=False).exit_code == 0
        study = hpsearch.Study.load(cli.folder / "study.toml")
        assert hpsearch.extend(study, 6, progress=False).exit_code == 0
        assert lengths(cli) == [6, 6, 6]

    def test_by_its_file(self, cli: CliRunner) -> None:
        ended(cli)
        assert cli.invoke("extend", "study.toml", "--epochs", 6).code == 0
        assert lengths(cli) == [6, 6, 6]

    def test_the_best_ones(self, cli: CliRunner) -> None:
        ended(cli)
        ranked = sorted(cli.export()["trials"], key=lambda trial: trial["value"])
        best = {trial["number"] for trial in ranked[:2]}
        assert cli.invoke("extend", "toy", "--epochs", 6, "--best", 2).code == 0
        assert lengths(cli) == [6 if number in best else 3 for number in range(3)]
        longer(cli)
        assert cli.run().code == 0
        assert cli.trained() == 9 + 6

    def test_more_of_them_later(self, cli: CliRunner) -> None:
        ended(cli)
        cli.invoke("extend", "toy", "--epochs", 6, "--best", 1)
        assert cli.invoke("extend", "toy", "--epochs", 6, "--best", 3).code == 0
        assert (lengths(cli), cli.trained()) == ([6, 6, 6], 18)

    def test_an_interrupted_one_continues(self, cli: CliRunner) -> None:
        """Each epoch takes longer than a worker's slice, so none is trained and then dropped."""
        cli.study(GRID, space=SPACE, options="pace = 0.021")
        cli.run()
        (cli.folder / "bell").write_text("11 SIGINT")
        cli.invoke("extend", "toy", "--epochs", 30, "--best", 1)
        assert cli.invoke("extend", "toy", "--epochs", 30, "--best", 1).code == 0
        assert sorted(lengths(cli)) == [3, 3, 30]
        assert cli.trained() == 9 + 27

    def test_a_round_of_coarse_to_fine(self, cli: CliRunner) -> None:
        ended(cli, 'method = "coarse-to-fine"\nrounds = [{ trials = 3, epochs = 1 }, { trials = 2, epochs = 3 }]')
        before = lengths(cli)
        assert cli.invoke("extend", "toy", "--epochs", 6).code == 0
        assert lengths(cli) == [6 if length == 3 else length for length in before]

    @pytest.mark.parametrize("words", [("--epochs", 2), ("--epochs", 3), ("--epochs", 0), ("--epochs", 6, "--best", 0)])
    def test_what_cannot_be(self, cli: CliRunner, words: tuple[object, ...]) -> None:
        ended(cli)
        answer = cli.invoke("extend", "toy", *words)
        assert answer.is_refused
        assert answer.names("--best" if "--best" in words else "--epochs", str(words[-1]))
        assert cli.trained() == 9

    def test_a_limit_that_is_used_up(self, cli: CliRunner) -> None:
        ended(cli, more="[limits]\nepochs = 9\n")
        assert cli.invoke("extend", "toy", "--epochs", 6).is_refused
        assert {trial["state"] for trial in cli.export()["trials"]} == {"COMPLETE"}

    def test_a_study_without_finished_trials(self, cli: CliRunner) -> None:
        cli.study(GRID, space=SPACE, more="[early_stopping]\npatience = 1\nmin_delta = 9.0\n")
        cli.run()
        assert cli.invoke("extend", "toy", "--epochs", 6).is_refused

    def test_a_running_study(self, cli: CliRunner) -> None:
        cli.study(GRID, space=SPACE)
        (cli.folder / "gate").write_text("4")
        process = cli.start("run", "study.toml")
        cli.wait_for(lambda: cli.trained() == 4, process)
        assert cli.invoke("extend", "toy", "--epochs", 6).code == 4
        (cli.folder / "gate").unlink()
        assert cli.ended(process).code == 0

    def test_an_unknown_study(self, cli: CliRunner) -> None:
        ended(cli)
        assert cli.invoke("extend", "nope", "--epochs", 6).is_refused


class TestCheckpointsThatAreGone:
    def test_it_is_refused(self, cli: CliRunner) -> None:
        ended(cli)
        (folder,) = (cli.folder / ".hpsearch" / "studies").glob("toy-*")
        shutil.rmtree(folder / "checkpoints")
        longer(cli)
        for answer in (cli.run(), cli.invoke("extend", "toy", "--epochs", 6)):
            assert answer.code == 2
            assert answer.names("trials 0, 1, 2", str(folder), "--from-scratch")
        assert cli.trained() == 9

    def test_from_scratch(self, cli: CliRunner) -> None:
        ended(cli)
        (folder,) = (cli.folder / ".hpsearch" / "studies").glob("toy-*")
        shutil.rmtree(folder / "checkpoints" / "00001")
        assert cli.invoke("extend", "toy", "--epochs", 6, "--from-scratch").code == 0
        assert (lengths(cli), cli.trained()) == ([6, 6, 6], 9 + 3 + 6 + 3)

    def test_those_that_the_study_does_not_keep(self, cli: CliRunner) -> None:
        """They were removed because the trial was not among the best: only the best one continues."""
        ended(cli, more='[checkpoints]\nkeep = "best"\n')
        longer(cli)
        answer = cli.run()
        assert answer.code == 2
        assert answer.names("[checkpoints]", "--best 1")
        assert cli.invoke("extend", "toy", "--epochs", 6, "--best", 1).code == 0
        assert sorted(lengths(cli)) == [3, 3, 6]
        assert cli.trained() == 12
        assert cli.invoke("extend", "toy", "--epochs", 6, "--from-scratch", "--json").data["epochs_trained"] == 24
        assert (lengths(cli), cli.trained()) == ([6, 6, 6], 24)

    def test_a_trainer_without_checkpoints_trains_again(self, cli: CliRunner) -> None:
        """Every epoch that is trained counts."""
        ended(cli, trainer="without_checkpoints")
        longer(cli)
        assert cli.run("--json").data["epochs_trained"] == 27
        assert (lengths(cli), cli.trained()) == ([6, 6, 6], 27)


class TestATrainerThatReadsTheNumberOfEpochs:
    def test_its_trials_start_again_as_new_ones(self, cli: CliRunner) -> None:
        ended(cli, trainer="to_the_end")
        longer(cli)
        answer = cli.run("--json")
        assert answer.code == 0
        assert cli.trained() == 9 + 18
        export = cli.export()["trials"]
        assert [len(trial["curve"]) for trial in export] == [3, 3, 3, 6, 6, 6]
        assert [trial["params"] for trial in export[:3]] == [trial["params"] for trial in export[3:]]
        assert [trial["seed"] for trial in export[:3]] == [trial["seed"] for trial in export[3:]]
        assert answer.data["best"]["trial"] >= 3
        cli.epoch_log.unlink()
        whole = of_six_epochs_to_the_end(cli)
        assert [_metrics(trial) for trial in export[3:]] == [_metrics(trial) for trial in whole]

    def test_it_is_said(self, cli: CliRunner) -> None:
        ended(cli, trainer="to_the_end")
        longer(cli)
        assert cli.run().names("run.epochs_total", "3 trials started again from epoch 1")

    def test_the_best_ones_and_then_others(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 3', trainer="tests.cli.trainers:to_the_end")
        cli.run()
        assert cli.invoke("extend", "toy", "--epochs", 6, "--best", 1).code == 0
        assert (lengths(cli), cli.trained()) == ([3, 3, 3, 6], 9 + 6)
        longer(cli)
        assert cli.run("--set", "search.trials=4").code == 0
        assert lengths(cli) == [3, 3, 3, 6, 6]
        params = [trial["params"]["x"] for trial in cli.export()["trials"]]
        assert len(set(params)) == 4
        assert cli.run("--set", "search.trials=4", "--set", "trainer.epochs=7").code == 0
        assert lengths(cli) == [3, 3, 3, 6, 6, 7, 7, 7, 7]

    def test_interrupted_and_continued(self, cli: CliRunner) -> None:
        ended(cli, trainer="to_the_end")
        longer(cli)
        (cli.folder / "bell").write_text("14 SIGINT")
        cli.run()
        assert cli.run().code == 0
        assert (lengths(cli), cli.trained()) == ([3, 3, 3, 6, 6, 6], 27)

    def test_rounds_cannot_be_continued(self, cli: CliRunner) -> None:
        search = 'method = "coarse-to-fine"\nrounds = [{ trials = 3, epochs = 1 }, { trials = 2, epochs = 3 }]'
        ended(cli, search, trainer="to_the_end")
        longer(cli)
        answer = cli.run()
        assert answer.code == 2
        assert answer.names("trainer.epochs", "run.epochs_total", "--fork")


class TestRounds:
    SEARCH = 'method = "coarse-to-fine"\nrounds = [{ trials = 3, epochs = 1 }, { trials = 2, epochs = 3 }]'

    def test_more_epochs_in_the_last_round(self, cli: CliRunner) -> None:
        ended(cli, self.SEARCH)
        cli.change(("epochs = 3\n", "epochs = 6\n"), ("epochs = 3 }", "epochs = 6 }"))
        trained = cli.trained()
        assert cli.run().code == 0
        assert sorted(lengths(cli))[-2:] == [6, 6]
        assert cli.trained() == trained + 6

    def test_another_round_of_more_epochs(self, cli: CliRunner) -> None:
        """It continues half of its trials, and begins others."""
        ended(cli, self.SEARCH)
        cli.change(("epochs = 3\n", "epochs = 6\n"), ("epochs = 3 }]", "epochs = 3 }, { trials = 1, epochs = 6 }]"))
        trained = cli.trained()
        assert cli.run().code == 0
        assert cli.trained() == trained + 3
        assert sorted(lengths(cli))[-2:] == [3, 6]

    def test_after_an_extension_it_continues_those_that_have_fewer(self, cli: CliRunner) -> None:
        ended(cli, self.SEARCH)
        assert cli.invoke("extend", "toy", "--epochs", "6", "--best", "1").code == 0
        cli.change(("epochs = 3\n", "epochs = 6\n"), ("epochs = 3 }]", "epochs = 3 }, { trials = 1, epochs = 6 }]"))
        trained = cli.trained()
        assert cli.run().code == 0
        assert (cli.trained(), sorted(lengths(cli))[-2:]) == (trained + 3, [6, 6])

    def test_only_more_epochs(self, cli: CliRunner) -> None:
        """No round has them, so the trials that have trained to the end continue."""
        ended(cli, self.SEARCH)
        longer(cli)
        trained = cli.trained()
        assert cli.run().code == 0
        assert cli.trained() == trained + 6


def of_six_epochs_to_the_end(cli: CliRunner) -> list[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSEARCH_HOME", str(cli.folder / "unbroken"))
        cli.study(GRID, trainer="tests.cli.trainers:to_the_end", space=SPACE, epochs=6)
        assert cli.run().code == 0
        return content(cli.export())


def _metrics(trial: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in report.items() if name != "at"} for report in trial["curve"]]


def test_the_command_that_trains_longer(cli: CliRunner) -> None:
    """As `doctor` prints it. The study is named as in the call of `doctor`, also from another folder."""
    cli.study('method = "grid"', trainer="tests.cli.trainers:improving", space="x = [0.1, 0.2, 0.3, 0.4]", epochs=12)
    cli.run()
    file = str(cli.folder / "study.toml")
    (command,) = [row for row in cli.invoke("doctor", file).out.splitlines() if "hpsearch extend" in row]
    words = command.split("hpsearch ")[1].split()
    assert words[:4] == ["extend", file, "--epochs", "24"]
    assert cli.invoke(*words).code == 0
    lengths = [len(trial["curve"]) for trial in cli.export()["trials"]]
    assert lengths.count(24) == int(words[-1])
