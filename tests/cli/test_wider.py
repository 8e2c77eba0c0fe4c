"""A finished study that searches wider: a larger grid, another method or pruner, or a fork."""

import shutil

import pytest

from tests.cli.cli_runner import CliRunner

GRID = 'method = "grid"'
SMALL, LARGE = "x = [0.1, 0.5]\nn = [1, 2]", "x = [0.1, 0.5, 0.9]\nn = [1, 2]"
RANDOM = 'method = "random"\ntrials = {}'
ROUNDS = 'method = "coarse-to-fine"\nrounds = [{ trials = 4, epochs = 1 }, { trials = 2, epochs = 3 }]'
TPE = 'method = "bayesian"\ntrials = {}\nstartup_trials = 2'


def points(cli: CliRunner, study: str = "toy") -> list[tuple[object, ...]]:
    return [tuple(trial["params"].values()) for trial in cli.export(study)["trials"]]


class TestGrid:
    def test_one_more_value_keeps_the_known_points(self, cli: CliRunner) -> None:
        cli.study(GRID, space=SMALL)
        cli.run()
        before = cli.export()["trials"]
        cli.change((SMALL, LARGE))
        assert cli.run().code == 0
        trials = cli.export()["trials"]
        assert trials[:4] == before
        assert len(set(points(cli))) == len(trials) == 6
        assert cli.trained() == 18

    def test_a_fixed_value_becomes_a_choice(self, cli: CliRunner) -> None:
        cli.study(GRID, space="x = [0.1, 0.5]\nn = 1")
        cli.run()
        cli.change(("n = 1", "n = [1, 2]"))
        assert cli.run().code == 0
        assert (len(set(points(cli))), cli.trained()) == (4, 12)

    def test_another_order_of_the_values(self, cli: CliRunner) -> None:
        cli.study(GRID, space=SMALL)
        cli.run()
        cli.change(("x = [0.1, 0.5]", "x = [0.9, 0.5, 0.1]"))
        assert cli.run().code == 0
        assert (len(set(points(cli))), cli.trained()) == (6, 18)

    def test_without_a_value_that_has_trials(self, cli: CliRunner) -> None:
        cli.study(GRID, space=SMALL)
        cli.run()
        cli.change(("x = [0.1, 0.5]", "x = [0.1, 0.9]"))
        answer = cli.run()
        assert (answer.code, cli.trained()) == (2, 12)
        assert answer.changed == {"space.x"}

    def test_interrupted(self, cli: CliRunner) -> None:
        cli.study(GRID, space=SMALL, options="pace = 0.021")
        (cli.folder / "bell").write_text("5 SIGINT")
        cli.run()
        cli.change((SMALL, LARGE))
        (cli.folder / "bell").write_text("14 SIGINT")
        cli.run()
        assert cli.run().code == 0
        assert (len(set(points(cli))), len(points(cli)), cli.trained()) == (6, 6, 18)

    def test_a_fork_has_the_known_points(self, cli: CliRunner) -> None:
        cli.study(GRID, space=SMALL)
        cli.run()
        cli.change((SMALL, LARGE))
        assert cli.run("--fork", "wide", "--json").data["trials"]["complete"] == 6
        assert (len(set(points(cli, "wide"))), cli.trained()) == (6, 18)
        assert cli.run("--fork", "wide").code == 0
        assert cli.trained() == 18

    def test_a_fork_of_the_same_grid_trains_nothing(self, cli: CliRunner) -> None:
        cli.study(GRID, space=SMALL)
        cli.run()
        answer = cli.run("--fork", "again", "--json")
        assert (answer.code, answer.data["trials"]["complete"], cli.trained()) == (0, 4, 12)


class TestAnotherMethod:
    @pytest.mark.parametrize("search", [RANDOM.format(7), TPE.format(7)])
    @pytest.mark.parametrize("before", [RANDOM.format(4), TPE.format(4)])
    def test_the_trials_so_far_count(self, cli: CliRunner, before: str, search: str) -> None:
        cli.study(before)
        cli.run()
        known = cli.export()["trials"]
        cli.study(search)
        assert cli.run().code == 0
        trials = cli.export()["trials"]
        assert trials[:4] == known
        assert len(set(points(cli))) == len(trials) == 7
        assert cli.trained() == 21

    def test_a_surrogate_learns_from_them(self, cli: CliRunner) -> None:
        cli.study(RANDOM.format(4))
        cli.run()
        cli.study(TPE.format(5))
        cli.run()
        assert cli.export()["trials"][4]["origin"].startswith("tpe")

    def test_a_grid_after_a_random_search(self, cli: CliRunner) -> None:
        """The points that are known have one trial."""
        cli.study(RANDOM.format(2), space=LARGE)
        cli.run()
        cli.study(GRID, space=LARGE)
        assert cli.run().code == 0
        assert (len(set(points(cli))), len(points(cli)), cli.trained()) == (6, 6, 18)

    def test_the_screen_counts_each_trial_once_after_rounds(self, cli: CliRunner) -> None:
        cli.study(ROUNDS)
        cli.run()
        assert len(cli.export()["trials"]) == 5
        cli.study(RANDOM.format(7))
        assert [line[:5] for line in cli.run().err.splitlines() if line.startswith("[")] == ["[6/7]", "[7/7]"]

    def test_not_while_a_trial_is_open(self, cli: CliRunner) -> None:
        cli.study(RANDOM.format(4), options="pace = 0.021")
        (cli.folder / "bell").write_text("5 SIGINT")
        cli.run()
        cli.change(('method = "random"', 'method = "bayesian"'))
        answer = cli.run()
        assert answer.code == 2
        assert "search.method" in answer.changed

    def test_with_a_trial_open_the_answer_names_the_way(self, cli: CliRunner) -> None:
        cli.study(RANDOM.format(4), options="pace = 0.021")
        (cli.folder / "bell").write_text("5 SIGINT")
        cli.run()
        cli.change((RANDOM.format(4), ROUNDS))
        answer = cli.run()
        assert answer.code == 2
        assert answer.names('method "random"')

    def test_a_search_in_rounds_after_a_random_search(self, cli: CliRunner) -> None:
        """It has its whole budget, the trials of the other method stay, and no point is trained twice."""
        cli.study(RANDOM.format(4))
        cli.run()
        before = cli.export()["trials"]
        cli.study(ROUNDS)
        assert cli.run().code == 0
        trials = cli.export()["trials"]
        assert trials[:4] == before
        assert [trial["round"] for trial in trials[4:]].count(1) < 4  # some of its first round are continued
        assert (len(trials), cli.trained()) == (4 + 5, 12 + 4 + 2 * 3 - 1)
        assert len({tuple(trial["params"].items()) for trial in trials}) == 9
        assert cli.run("--json").data["best"]["trial"] == min(range(9), key=lambda number: trials[number]["value"])
        assert cli.export()["trials"] == trials

    def test_its_rounds_do_not_depend_on_a_restart(self, cli: CliRunner) -> None:
        cli.study(RANDOM.format(4))
        cli.run()
        cli.study(ROUNDS)
        cli.run()
        whole = [(one["params"], one["round"], one["state"]) for one in cli.export()["trials"]]
        shutil.rmtree(cli.folder / ".hpsearch")
        cli.study(RANDOM.format(4))
        cli.run()
        cli.study(ROUNDS)
        for most in (6, 7):
            cli.run("--set", f"limits.epochs={12 + most}")
        cli.run()
        assert [(one["params"], one["round"], one["state"]) for one in cli.export()["trials"]] == whole

    def test_from_one_search_in_rounds_to_another_and_back(self, cli: CliRunner) -> None:
        cli.study(ROUNDS)
        cli.run()
        first = cli.export()["trials"]
        cli.study('method = "recipe"\nrounds = [{ trials = 4, epochs = 1 }]\npreflight = false\nlr_range = false')
        assert cli.run().code == 0
        cli.study(ROUNDS)
        assert cli.run().code == 0
        trials = cli.export()["trials"]
        assert trials[:5] == first
        assert len(trials) == 5 + 4 + 5
        cli.study(TPE.format(16))
        assert cli.run().code == 0
        assert len(cli.export()["trials"]) == 16

    def test_a_search_in_rounds_may_train_longer_than_the_trials_before(self, cli: CliRunner) -> None:
        cli.study(RANDOM.format(4))
        cli.run()
        cli.study(ROUNDS)
        assert cli.run("--set", "trainer.epochs=5").code == 0
        assert [trial["state"] for trial in cli.export()["trials"][:4]] == ["COMPLETE"] * 4
        assert max(len(trial["curve"]) for trial in cli.export()["trials"][:4]) == 3


@pytest.mark.parametrize(
    "more", ['[prune]\nmethod = "median"\nstartup_trials = 2\n', "[early_stopping]\npatience = 1\nmin_delta = 9.0\n"]
)
def test_another_pruner_applies_to_new_trials(cli: CliRunner, more: str) -> None:
    cli.study(RANDOM.format(4))
    cli.run()
    known = cli.export()["trials"]
    cli.study(RANDOM.format(8), more=more)
    answer = cli.run()
    assert answer.code == 0
    assert answer.names(more.split("\n")[0])
    trials = cli.export()["trials"]
    assert (trials[:4], len(trials)) == (known, 8)
    assert any(len(trial["curve"]) < 3 for trial in trials[4:])


class TestForks:
    def test_a_random_fork_continues_in_the_sequence(self, cli: CliRunner) -> None:
        cli.study(RANDOM.format(9))
        cli.run()
        whole = points(cli)
        cli.change(('name = "toy"', 'name = "first"'), ("trials = 9", "trials = 3"))
        cli.run()
        cli.run("--fork", "second")
        cli.change(('name = "first"', 'name = "second"'))
        cli.run("--fork", "third")
        assert [points(cli, name) for name in ("first", "second", "third")] == [whole[:3], whole[3:6], whole[6:]]

    def test_a_fork_of_a_small_space_trains_no_point_again(self, cli: CliRunner) -> None:
        cli.study(RANDOM.format(4), space=LARGE)
        cli.run()
        answer = cli.run("--fork", "rest", "--json")
        assert answer.data["cause"] == "exhausted"
        assert len({*points(cli), *points(cli, "rest")}) == 6
        assert cli.trained() == 18

    def test_a_fork_with_more_epochs_continues_from_the_checkpoints(self, cli: CliRunner) -> None:
        cli.study(RANDOM.format(3))
        cli.run()
        before = cli.export()
        answer = cli.run("--set", "trainer.epochs=6", "--fork", "longer", "--json")
        assert (answer.code, answer.data["trials"]["complete"]) == (0, 3)
        assert cli.trained() == 9 + 9
        assert cli.export() == before
        trials = cli.export("longer")["trials"]
        assert [len(trial["curve"]) for trial in trials] == [6, 6, 6]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HPSEARCH_HOME", str(cli.folder / "unbroken"))
            cli.run("--set", "trainer.epochs=6")
            whole = cli.export()["trials"]
        assert [_losses(trial) for trial in trials] == [_losses(trial) for trial in whole]

    def test_such_a_fork_interrupted(self, cli: CliRunner) -> None:
        cli.study(RANDOM.format(3))
        cli.run()
        (cli.folder / "bell").write_text("13 SIGINT")
        cli.run("--set", "trainer.epochs=30", "--fork", "longer")
        assert cli.run("--set", "trainer.epochs=30", "--fork", "longer").code == 0
        assert [len(trial["curve"]) for trial in cli.export("longer")["trials"]] == [30, 30, 30]
        assert cli.trained() <= 90 + 10, "at most one slice is trained again"

    def test_more_trials_than_the_other_study(self, cli: CliRunner) -> None:
        cli.study(RANDOM.format(3))
        cli.run()
        cli.run("--set", "trainer.epochs=6", "--set", "search.trials=5", "--fork", "longer")
        assert [len(trial["curve"]) for trial in cli.export("longer")["trials"]] == [6] * 5
        assert len(set(points(cli, "longer"))) == 5
        assert cli.trained() == 9 + 9 + 12


def _losses(trial: dict[str, object]) -> list[float]:
    curve = trial["curve"]
    assert isinstance(curve, list)
    return [report["val_loss"] for report in curve]
