"""`[limits] target`, and `[early_stopping]` on another metric than the study's."""

import pytest

from tests.cli.cli_runner import CliRunner

GRID = 'method = "grid"'
X = "x = [0.9, 0.6, 0.3, 0.1]"


def limited(cli: CliRunner, target: object, more: str = "") -> None:
    """The losses of these trials at the last of three epochs: 0.69 + 1/3, 0.39 + 1/3, 0.09 + 1/3, …"""
    cli.study(GRID, trainer="tests.cli.trainers:slope", space=X, more=f"[limits]\ntarget = {target}\n{more}")


class TestTarget:
    def test_the_study_stops_where_a_trial_is_this_good(self, cli: CliRunner) -> None:
        limited(cli, 0.75)
        answer = cli.run("--json")
        assert (answer.code, answer.data["state"], answer.data["cause"]) == (0, "STOPPED", "limit")
        numbers = answer.data["cause_numbers"]
        assert (numbers["target"], numbers["epoch"]) == (0.75, 3)
        assert numbers["value"] == pytest.approx(0.6 + 1 / 3 - 0.2)
        assert [trial["state"] for trial in cli.export()["trials"]] == ["COMPLETE", "COMPLETE"]
        assert cli.trained() == 6

    def test_a_second_run_trains_nothing(self, cli: CliRunner) -> None:
        limited(cli, 0.75)
        cli.run()
        answer = cli.run("--json")
        assert (answer.code, answer.data["cause"], answer.data["cause_numbers"]["target"]) == (0, "limit", 0.75)
        assert cli.trained() == 6

    def test_a_trial_ends_in_the_epoch_that_reaches_it(self, cli: CliRunner) -> None:
        """Epoch 2 of the second trial."""
        limited(cli, 1.01)
        cli.run()
        assert [len(trial["curve"]) for trial in cli.export()["trials"]] == [3, 2]

    def test_a_better_target_lets_it_continue(self, cli: CliRunner) -> None:
        """Also the trial that reached the earlier target: it has an epoch left."""
        limited(cli, 1.01)
        cli.run()
        cli.change(("target = 1.01", "target = 0.42"))
        data = cli.run("--json").data
        assert (data["cause"], data["cause_numbers"]["epoch"], data["trials"]["complete"]) == ("limit", 3, 4)
        assert [len(trial["curve"]) for trial in cli.export()["trials"]] == [3, 3, 3, 3]

    def test_without_it_the_search_runs_to_its_end(self, cli: CliRunner) -> None:
        limited(cli, 1.01)
        cli.run()
        cli.change(("target = 1.01", ""))
        assert cli.run("--json").data["cause"] == "done"
        assert [len(trial["curve"]) for trial in cli.export()["trials"]] == [3, 3, 3, 3]

    def test_in_the_direction_of_the_goal(self, cli: CliRunner) -> None:
        limited(cli, 1.1)
        cli.change(('goal = "minimize"', 'goal = "maximize"'))
        answer = cli.run("--json")
        data = answer.data
        assert (data["cause"], data["best"]["epoch"], data["best"]["value"] >= 1.1) == ("limit", 1, True)
        assert answer.err.count('warning: study.goal is "maximize", but a lower val_loss is usually better') == 1

    @pytest.mark.parametrize("target", ['"0.9"', "true", "[0.9]", "nan"])
    def test_what_is_no_number(self, cli: CliRunner, target: str) -> None:
        limited(cli, target)
        answer = cli.run()
        assert answer.is_refused
        assert answer.names("limits.target", "study.toml:")

    def test_the_wrong_sign(self, cli: CliRunner) -> None:
        limited(cli, -0.95)
        cli.change(("val_loss", "val_accuracy"), ("minimize", "maximize"))
        answer = cli.run()
        assert answer.is_refused
        assert answer.names("limits.target", "-0.95", ">= 0")


class TestEarlyStopping:
    def stopping(self, cli: CliRunner, keys: str) -> None:
        more = f"[early_stopping]\n{keys}\n"
        cli.study(GRID, trainer="tests.cli.trainers:slope", space="x = [0.5]", epochs=9, more=more)

    def curve(self, cli: CliRunner) -> list[int]:
        return [len(trial["curve"]) for trial in cli.export()["trials"]]

    def test_on_another_metric(self, cli: CliRunner) -> None:
        """val_error is lowest at epoch 2; val_loss falls."""
        self.stopping(cli, 'patience = 2\nmetric = "val_error"')
        assert cli.run().code == 0
        (trial,) = cli.export()["trials"]
        assert (trial["state"], trial["cause"], len(trial["curve"])) == ("COMPLETE", "patience", 4)
        assert trial["best_epoch"] == 4

    def test_from_an_epoch(self, cli: CliRunner) -> None:
        """Of the epochs from the fifth on, the fifth is the best."""
        self.stopping(cli, 'patience = 2\nmetric = "val_error"\nfrom_epoch = 5')
        cli.run()
        assert self.curve(cli) == [7]

    def test_its_goal_is_given_where_the_name_does_not_show_it(self, cli: CliRunner) -> None:
        self.stopping(cli, 'patience = 2\nmetric = "signal"')
        answer = cli.run()
        assert answer.is_refused
        assert answer.names("early_stopping.goal", "signal")
        self.stopping(cli, 'patience = 2\nmetric = "signal"\ngoal = "maximize"')
        cli.run()
        assert self.curve(cli) == [9]

    def test_a_metric_that_is_never_reported(self, cli: CliRunner) -> None:
        self.stopping(cli, 'patience = 2\nmetric = "val_eror"\ngoal = "minimize"')
        answer = cli.run()
        assert answer.code == 2
        assert answer.names("early_stopping.metric", "val_eror", "val_error", "val_loss")
        assert cli.trained() == 9

    def test_a_corrected_metric_lets_the_study_continue(self, cli: CliRunner) -> None:
        self.stopping(cli, 'patience = 2\nmetric = "val_eror"\ngoal = "minimize"')
        cli.change(("x = [0.5]", "x = [0.5, 0.6]"))
        cli.run()
        cli.change(("val_eror", "val_error"))
        assert cli.run().code == 0
        assert self.curve(cli) == [9, 4]

    def test_an_epoch_that_is_too_late(self, cli: CliRunner) -> None:
        self.stopping(cli, "patience = 2\nfrom_epoch = 9")
        answer = cli.run()
        assert answer.is_refused
        assert answer.names("early_stopping.from_epoch", "trainer.epochs")
