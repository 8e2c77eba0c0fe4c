"""`hpsearch run`: what it answers, how a study is extended, and what it refuses."""

import json
import re
from pathlib import Path

import pytest

import hpsearch
from tests.cli.cli_runner import RANDOM, CliRunner, content

INTERFACE = [
    "study",
    "state",
    "trials",
    "best",
    "epochs_trained",
    "wall_seconds",
    "busy_fraction",
    "journal",
    "tracking_uri",
]


class TestAnswer:
    def test_the_json_object(self, cli: CliRunner) -> None:
        cli.study()
        answer = cli.run("--json")
        assert answer.code == 0
        data = answer.data
        assert set(INTERFACE) < set(data)
        assert data["study"] == "toy"
        assert data["state"] == "COMPLETE"
        assert data["trials"] == {"waiting": 0, "paused": 0, "complete": 4, "pruned": 0, "infeasible": 0, "failed": 0}
        assert data["epochs_trained"] == 12 == cli.trained()
        assert 0 < data["busy_fraction"] <= 1
        assert data["wall_seconds"] > 0
        assert data["journal"] == f"sqlite:///{cli.folder}/.hpsearch/journal.db"
        best = min(cli.export()["trials"], key=lambda trial: trial["value"])
        assert data["best"] == {
            "trial": best["number"],
            "value": best["value"],
            "epoch": best["best_epoch"],
            "params": best["params"],
            "failed": False,
        }

    def test_the_text_has_the_result_and_where_to_look(self, cli: CliRunner) -> None:
        cli.study()
        answer, best = cli.run(), cli.invoke("best", "toy", "--json").data
        assert answer.code == 0
        first, counts, empty, value, params, *rest = answer.out.splitlines()
        assert first == "toy: done"
        assert re.findall(r"\d+", counts)[:3] == ["4", "4", "12"]
        assert empty == ""
        assert value.startswith("best: ")
        assert all(f" {one}" in value for one in (best["number"], f"{best['value']:.4g}", best["best_epoch"]))
        assert params.split()[0] == "x"
        assert [line.split()[0] for line in rest if line] == ["journal", "best", "report"]

    def test_one_line_for_every_ended_trial(self, cli: CliRunner) -> None:
        cli.study()
        lines = cli.run().err.splitlines()
        trials = cli.export()["trials"]
        assert [line.split()[:4] for line in lines] == [[f"[{i + 1}/4]", "trial", f"{i}", "COMPLETE"] for i in range(4)]
        assert all(line.endswith(trial["reason"]) for line, trial in zip(lines, trials, strict=True))

    def test_quiet_prints_nothing_on_stderr(self, cli: CliRunner) -> None:
        cli.study()
        answer = cli.run("-q")
        assert answer.err == ""
        assert answer.out.startswith("toy: done\n")

    def test_jsonl_has_a_line_for_every_ended_trial_and_one_for_the_end(self, cli: CliRunner) -> None:
        cli.study()
        *lines, last = map(json.loads, cli.run("--jsonl").out.splitlines())
        assert [line["trial"] for line in lines] == [0, 1, 2, 3]
        for line, trial in zip(lines, cli.export()["trials"], strict=True):
            assert line == {
                "trial": trial["number"],
                "round": 1,
                "state": "COMPLETE",
                "reason": trial["reason"],
                "cause": "done",
                "cause_numbers": {"epoch": 3},
                "value": trial["value"],
                "epoch": trial["best_epoch"],
                "epochs_trained": 3,
                "params": trial["params"],
            }
        assert last["state"] == "COMPLETE"

    def test_prints_of_the_trainer_are_not_on_stdout(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.cli.trainers:talkative")
        answer = cli.run("--json")
        assert answer.data["trials"]["complete"] == 4
        assert answer.err.count("to stdout") == 12

    def test_set_changes_the_file_for_this_run(self, cli: CliRunner) -> None:
        cli.study()
        assert cli.run("--set", "search.trials=2", "--set", "space.x.high=0.5").code == 0
        document = cli.export()
        assert len(document["trials"]) == 2
        assert document["study"]["spec"]["space"]["x"] == {"low": 0.0, "high": 0.5}


def test_workers_change_nothing_but_the_order(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for workers in (1, 3):
        cli.study(options="pace = 0.003")
        monkeypatch.setenv("HPSEARCH_HOME", str(cli.folder / f"home{workers}"))
        assert cli.run("--set", f"resources.workers={workers}").code == 0
        found.append(content(cli.export()))
    assert found[0] == found[1]


class TestAgain:
    def test_a_finished_study_is_not_trained_again(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        before = cli.export()
        answer = cli.run("--json")
        assert answer.code == 0
        assert answer.data["trials"]["complete"] == 4
        assert answer.data["busy_fraction"] == 0
        assert cli.trained() == 12
        assert cli.export() == before

    def test_it_needs_no_worker_and_no_trainer(self, cli: CliRunner) -> None:
        """So it answers at once, wherever the study ran."""
        cli.study()
        cli.run()
        cli.change(('address = "none"', 'address = "nowhere:1"'))
        assert cli.run().code == 0

    def test_a_larger_budget_extends_it(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        before = cli.export()
        cli.change(("trials = 4", "trials = 6"))
        assert cli.run("--json").data["trials"]["complete"] == 6
        after = cli.export()
        assert after["trials"][:4] == before["trials"]
        assert after["decisions"][: len(before["decisions"])] == before["decisions"]
        assert after["study"]["spec"]["search"]["trials"] == 6
        assert cli.trained() == 18

    def test_an_extended_study_equals_one_run_at_once(self, cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        cli.study()
        cli.run("--set", "search.trials=2")
        cli.run()
        extended = content(cli.export())
        monkeypatch.setenv("HPSEARCH_HOME", str(cli.folder / "other"))
        cli.run()
        at_once = content(cli.export())
        origins = [trial.pop("origin") for trial in (*extended, *at_once)]
        assert extended == at_once
        assert [re.findall(r"\d+", one) for one in (origins[0], origins[4])] == [["1", "2"], ["1", "4"]]

    def test_a_smaller_budget_removes_nothing(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        assert cli.run("--set", "search.trials=1", "--json").data["trials"]["complete"] == 4


class TestChanged:
    CHANGES = (
        ("seed = 3", "seed = 4", "study.seed: was 3, is 4"),
        ("high = 1.0", "high = 2.0", "space.x.high: was 1.0, is 2.0"),
        ("trainers:learner", "trainers:talkative", "trainer.use: was"),
        ('"minimize"', '"maximize"', 'study.goal: was "minimize", is "maximize"'),
    )

    def test_names_every_difference_and_changes_nothing(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        before = cli.export()
        cli.change(*((old, new) for old, new, _ in self.CHANGES))
        answer = cli.run()
        assert answer.code == 2
        assert answer.out == ""
        for *_, message in self.CHANGES:
            assert message in answer.err
        assert "--fork" in answer.err
        assert cli.export() == before
        assert cli.trained() == 12

    @pytest.mark.parametrize(
        "change",
        [
            '[resources]\nworkers = 2\naddress = "none"',
            '[limits]\nretries = 7\n[resources]\naddress = "none"',
        ],
    )
    def test_where_and_how_long_it_runs_may_change(self, cli: CliRunner, change: str) -> None:
        cli.study()
        cli.run()
        cli.change(('[resources]\naddress = "none"', change), ("trials = 4", "trials = 5"))
        assert cli.run("--json").data["trials"]["complete"] == 5


class TestFailing:
    def test_none_succeeded(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 3', trainer="tests.cli.trainers:picky", options="limit = -1.0")
        answer = cli.run()
        assert answer.code == 3
        assert ["failed", "hpsearch", "show", "toy", "2"] in [line.split() for line in answer.out.splitlines()]
        for trial in cli.export()["trials"]:
            assert trial["state"] == "FAILED"
            assert trial["error"].startswith("Traceback ")
            assert trial["error"].endswith(trial["reason"])
            assert len(trial["curve"]) == 1
        assert cli.invoke("show", "toy", 1).out.splitlines()[-1] == cli.export()["trials"][1]["reason"]
        best = cli.invoke("best", "toy", "--json")
        assert (best.code, best.data["state"]) == (0, "FAILED"), "its result before it failed counts"

    def test_the_other_trials_continue(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.cli.trainers:picky", options="limit = 0.5")
        data = cli.run("--json").data
        values = [trial["params"]["x"] for trial in cli.export()["trials"]]
        assert data["trials"]["failed"] == sum(x > 0.5 for x in values)
        assert data["trials"]["complete"] == sum(x <= 0.5 for x in values)
        assert 0 < data["trials"]["failed"] < 4

    def test_max_failures_stops_the_study_and_the_next_run_resumes_it(self, cli: CliRunner) -> None:
        search = 'method = "random"\ntrials = 9'
        more = "[limits]\nmax_failures = 2\n"
        cli.study(search, trainer="tests.cli.trainers:picky", options="limit = -1.0", more=more)
        answer = cli.run("--json")
        assert (answer.code, answer.data["state"]) == (3, "STOPPED")
        assert (answer.data["cause"], answer.data["cause_numbers"]) == ("limit", {"failed": 2})
        assert cli.run("--json").data["trials"]["failed"] == 4

    def test_max_failures_is_no_success_where_other_trials_are_complete(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.cli.trainers:picky", options="limit = 0.5", more="[limits]\nmax_failures = 1\n")
        answer = cli.run()
        data = cli.run("--json", "--retry-failed").data
        assert answer.code == 3
        assert "limits.max_failures" in answer.out.splitlines()[-1]
        assert data["best"] is not None or data["trials"]["complete"] == 0

    def test_a_diverged_trial_is_pruned_and_never_best(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.cli.trainers:exploding", options="limit = 0.5")
        data = cli.run("--json").data
        trials = cli.export()["trials"]
        bad = [trial for trial in trials if trial["params"]["x"] > 0.5]
        assert bad
        for trial in bad:
            assert (trial["state"], trial["value"], trial["best_epoch"]) == ("PRUNED", None, None)
            assert (trial["cause"], trial["cause_numbers"]) == ("diverged", {"epoch": 2})
        assert data["trials"]["pruned"] == len(bad)
        assert data["best"]["trial"] not in [trial["number"] for trial in bad]


class TestBadInput:
    """Exit code 2, no traceback of ours, and nothing is left behind."""

    @pytest.mark.parametrize(
        ("trainer", "named"),
        [
            ("nowhere:train", ("module nowhere",)),
            ("tests.support.toys:learnr", ("`learnr`", "`learner`")),
            ("tests.support.toys:parameterless", ("takes no parameters",)),
            ("tests.support.broken_import:train", ("importing tests.support.broken_import",)),
            ("tests.support.toys:Trainer", (" class",)),
        ],
    )
    def test_trainer(self, cli: CliRunner, trainer: str, named: tuple[str, ...]) -> None:
        cli.study(trainer=trainer)
        answer = cli.run()
        assert answer.code == 2
        assert answer.names(f'"{trainer}"', *named)
        assert f"{Path(hpsearch.__file__).parent}/" not in answer.err, "no traceback of ours"
        assert answer.out == ""
        assert cli.files() == []

    def test_study_file(self, cli: CliRunner) -> None:
        cli.study(space="x = { low = 2.0, high = 1.0 }", more="[prume]\n")
        answer = cli.run()
        assert answer.code == 2
        lines = [line.partition(": ")[0] for line in answer.err.splitlines()]
        assert "study.toml:11 space.x" in lines
        assert any("prume" in line for line in lines)
        assert cli.files() == []

    def test_no_study_file(self, cli: CliRunner) -> None:
        answer = cli.run()
        assert answer.is_refused
        assert answer.names("study.toml:", "`hpsearch init`")

    def test_metric_that_is_not_reported(self, cli: CliRunner) -> None:
        """It is known when the first trial ends; then no other trial starts."""
        cli.study()
        cli.change(('metric = "val_loss"', 'metric = "accuracy"'))
        answer = cli.run()
        assert (answer.code, answer.out) == (2, "")
        assert answer.names("trial 0:", "study.metric", '"accuracy"', "val_loss, weight")
        (status,) = cli.invoke("status", "--json").data
        assert (status["state"], status["cause"], status["best"]) == ("STOPPED", "trainer_raised", None)
        assert [(trial["state"], trial["cause"]) for trial in cli.export()["trials"]] == [("FAILED", "trainer_raised")]
        cli.change(('metric = "accuracy"', 'metric = "val_loss"'))
        assert cli.run().code == 0, "no trial has a value of the wrong metric, so the right one may be put there"

    def test_a_report_that_is_wrong_later_leaves_what_was_trained(self, cli: CliRunner) -> None:
        cli.study(RANDOM, trainer="tests.support.toys:wrong", options='how = "text"')
        answer = cli.run()
        assert answer.code == 2
        assert answer.names("val_loss", "'0.5'")
        (trial,) = cli.export()["trials"]
        assert (trial["state"], len(trial["curve"])) == ("WAITING", 1)

    def test_journal_of_another_kind(self, cli: CliRunner) -> None:
        cli.study(more='[journal]\nurl = "sqlite:///study.toml"\n')
        answer = cli.run()
        assert answer.code == 2
        assert "study.toml" in answer.err

    def test_folder_that_cannot_be_written(self, cli: CliRunner) -> None:
        (cli.folder / ".hpsearch").write_text("")
        cli.study()
        answer = cli.run()
        assert answer.code == 5
        assert answer.names(f"{cli.folder}/.hpsearch")


def test_a_home_elsewhere(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home: Path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HPSEARCH_HOME", str(home))
    cli.study()
    cli.run()
    assert (home / "journal.db").exists()
    assert cli.files() == []
    assert cli.invoke("status", "toy").code == 0


class TestWaitingForRoom:
    """On a cluster: tests/chaos/test_busy_cluster.py."""

    @pytest.mark.parametrize("words", [("--wait", "1h"), ("--no-wait",)])
    def test_where_there_is_always_room(self, cli: CliRunner, words: tuple[str, ...]) -> None:
        cli.study()
        answer = cli.run(*words)
        assert answer.code == 0
        assert "waiting" not in answer.err

    @pytest.mark.parametrize(
        ("words", "problem"),
        [
            (("--wait", "1"), '"30s" or "1h30m", got "1"'),
            (("--wait", "0s"), "must be longer than 0"),
            (("--wait", "1h", "--no-wait"), "not allowed with argument --wait"),
        ],
    )
    def test_what_is_no_time(self, cli: CliRunner, words: tuple[str, ...], problem: str) -> None:
        cli.study()
        answer = cli.run(*words)
        assert answer.code == 2
        assert problem in answer.err
