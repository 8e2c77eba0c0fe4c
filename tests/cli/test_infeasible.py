"""Parameters that cannot be trained: the trainer raises Infeasible, or returns before its first report."""

from collections.abc import Iterator

import pytest

from hpsearch import Infeasible, Report, Run
from hpsearch.cli.text.status import infeasible
from hpsearch.core.trial import Params
from tests.cli.cli_runner import CliRunner

HERE = "tests.cli.test_infeasible"


def returning(params: Params, run: Run) -> Iterator[Report]:
    if params["x"] > params["limit"]:
        return
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": params["x"]})


def raising(params: Params, run: Run) -> Iterator[Report]:
    """At epoch 3, after the best values of all."""
    for epoch in run.epochs():
        if epoch == 3 and params["x"] > params["limit"]:
            raise Infeasible("x is too large\nfor this model")
        yield Report(epoch, {"val_loss": -1.0 if params["x"] > params["limit"] else params["x"]})


def trainer(name: str, limit: float = 0.5) -> dict[str, str]:
    return {"trainer": f"{HERE}:{name}", "options": f"limit = {limit}"}


class TestReturnsBeforeItsFirstReport:
    def test_others_take_their_place(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 8', **trainer("returning"))
        answer = cli.run("--json")
        assert (answer.code, answer.data["state"]) == (0, "COMPLETE")
        trials = cli.export()["trials"]
        bad = [trial for trial in trials if trial["params"]["x"] > 0.5]
        assert bad
        assert {(trial["state"], trial["cause"], trial["value"]) for trial in bad} == {
            ("INFEASIBLE", "infeasible", None)
        }
        assert (answer.data["trials"]["infeasible"], answer.data["trials"]["complete"]) == (len(bad), 8)
        again = cli.run("--json")
        assert (again.code, again.data["trials"]) == (0, answer.data["trials"])

    def test_the_number_of_trials_grows_with_each(self, cli: CliRunner) -> None:
        cli.study(**trainer("returning", limit=-1.0), more="[limits]\ninfeasible = 2\n")
        shown = [line.partition(" ")[0] for line in cli.run().err.splitlines() if line.startswith("[")]
        assert shown == ["[1/5]", "[2/6]", "[3/6]", "[4/6]", "[5/6]", "[6/6]"]

    @pytest.mark.parametrize(("uncounted", "trials"), [(0, 4), (3, 7)])
    def test_at_most_limits_infeasible_are_replaced(self, cli: CliRunner, uncounted: int, trials: int) -> None:
        cli.study(**trainer("returning", limit=-1.0), more=f"[limits]\ninfeasible = {uncounted}\n")
        answer = cli.run("--json")
        assert answer.data["trials"]["infeasible"] == trials
        assert (answer.code, answer.data["state"], answer.data["cause"]) == (3, "FAILED", "infeasible")
        assert answer.data["cause_numbers"] == {"failed": 0, "infeasible": trials}
        again = cli.run("--json")
        assert (again.code, again.data["trials"]) == (3, answer.data["trials"])

    def test_the_screen_says_so(self, cli: CliRunner) -> None:
        cli.study(**trainer("returning", limit=-1.0), more="[limits]\ninfeasible = 0\n")
        lines = cli.run().out.splitlines()
        assert lines[0] == "toy: infeasible (all 4 trials)"
        assert "4 trials: 4 infeasible" in lines[1]
        assert lines[-1].endswith("--fork NEW_NAME")

    @pytest.mark.parametrize(
        "search",
        [
            'method = "bayesian"\ntrials = 14\nstartup_trials = 4',
            'method = "bayesian"\nsampler = "gp"\ntrials = 8\nstartup_trials = 4',
            'method = "bayesian"\nsampler = "cmaes"\ntrials = 14\nstartup_trials = 4',
            'method = "grid"',
            'method = "coarse-to-fine"\nrounds = [{ trials = 8, epochs = 1 }, { trials = 6, epochs = 3 }]',
            'method = "recipe"\nbudget = { epochs = 60 }',
        ],
    )
    def test_every_method_ends(self, cli: CliRunner, search: str) -> None:
        space = "x = { low = 0.0, high = 1.0, points = 9 }\ny = [1, 2]"
        cli.study(search, space=space, **trainer("returning", limit=0.6))
        answer = cli.run("--json")
        assert (answer.code, answer.data["state"]) == (0, "COMPLETE")
        trials = cli.export()["trials"]
        assert all((trial["state"] == "INFEASIBLE") == (trial["params"]["x"] > 0.6) for trial in trials)
        assert answer.data["best"]["params"]["x"] < 0.3


class TestReplaced:
    """Whether others take their place is on the screen; no set of parameters is proposed twice."""

    @pytest.mark.parametrize(
        ("search", "replaced"),
        [
            ('method = "grid"', False),
            ('method = "coarse-to-fine"\nrounds = [{ trials = 8, epochs = 1 }, { trials = 6, epochs = 3 }]', False),
            ('method = "random"\ntrials = 8', True),
        ],
    )
    def test_in_plan_status_and_show(self, cli: CliRunner, search: str, replaced: bool) -> None:
        cli.study(search, space="x = { low = 0.0, high = 1.0, points = 9 }\ny = [1, 2]", **trainer("returning", 0.6))
        cli.run()
        trials = cli.export()["trials"]
        assert len({(one["params"]["x"], one["params"]["y"]) for one in trials}) == len(trials)
        count = sum(one["state"] == "INFEASIBLE" for one in trials)
        for words in (("plan", "study.toml"), ("status", "toy"), ("show", "toy")):
            (line,) = (one for one in cli.invoke(*words).out.splitlines() if one.startswith(f"{count} infeasible"))
            assert ("not replaced" not in line) == replaced

    def test_some_are(self) -> None:
        assert infeasible(0, 100) == []
        assert infeasible(3, 100) == ["3 infeasible trials: replaced by other trials"]
        (line,) = infeasible(5, 2)
        assert "2 replaced by other trials, 3 counted" in line


class TestRaisedAfterReports:
    def test_the_curve_stays_and_it_is_never_best(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 6', epochs=4, **trainer("raising"))
        answer = cli.run("--json")
        assert answer.code == 0
        trials = cli.export()["trials"]
        bad = [trial for trial in trials if trial["params"]["x"] > 0.5]
        for trial in bad:
            assert (trial["state"], trial["reason"]) == ("INFEASIBLE", "x is too large")
            assert [report["step"] for report in trial["curve"]] == [1, 2]
            assert (trial["value"], trial["best_epoch"], trial["cause_numbers"]) == (None, None, {"epoch": 2})
        assert answer.data["best"]["value"] > 0
        assert cli.invoke("best", "toy", "--json").data["number"] not in [trial["number"] for trial in bad]
        assert cli.invoke("status", "toy", "--json").data["best"]["value"] > 0

    def test_every_command_accepts_infeasible_trials(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 6', epochs=4, **trainer("raising"))
        cli.run()
        number = next(t["number"] for t in cli.export()["trials"] if t["state"] == "INFEASIBLE")
        for words in (
            ("status", "toy"),
            ("show", "toy"),
            ("show", "toy", number),
            ("best", "toy"),
            ("doctor", "toy"),
            ("report", "toy", "-o", "report.html"),
            ("export", "toy", "--format", "csv"),
            ("export", "toy", "--format", "optuna", "-o", "optuna.db"),
        ):
            assert cli.invoke(*words).code == 0, words

    def test_it_is_reproduced(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 6', epochs=4, **trainer("raising"))
        cli.run()
        number = next(t["number"] for t in cli.export()["trials"] if t["state"] == "INFEASIBLE")
        answer = cli.invoke("reproduce", "toy", number, "--json")
        assert (answer.code, answer.data["identical"], answer.data["fails_as_before"]) == (0, True, True)
