"""Preflight and the learning-rate range test as a user meets them, on a real network."""

import json
import signal
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
import torch

from hpsearch.records.preflight_record import summary
from tests.cli.cli_runner import CliRunner, content, environment

LR = "lr = { low = 1e-2, high = 1.0, log = true }"
AUTO = "lr = { auto = true }"
QUICK = '[preflight]\nskip = ["overfits", "labels"]\n'


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def network(cli: CliRunner, fault: str = "", *, space: str = LR, more: str = QUICK, trials: int = 2) -> None:
    cli.study(
        f'method = "random"\ntrials = {trials}',
        trainer="tests.cli.preflight_trainers:logistic",
        options=f'fault = "{fault}"',
        space=space,
        more=more,
    )


def kinds(cli: CliRunner) -> list[str]:
    """Of the decisions about the study as a whole."""
    return [one["kind"] for one in cli.export()["decisions"] if one["trial"] is None]


class TestAlone:
    """`hpsearch preflight`"""

    def test_all_checks_and_the_cost_are_shown(self, cli: CliRunner) -> None:
        network(cli)
        answer = cli.invoke("preflight", "study.toml")
        assert answer.code == 0
        lines = answer.out.splitlines()
        assert [line.split()[0] for line in lines[:-1]] == ["passed"] * 11
        assert " MiB " in lines[-1]

    def test_all_of_it_as_data(self, cli: CliRunner) -> None:
        network(cli, space=AUTO, more="[preflight]\n[lr_range]\niterations = 60\n")
        data = cli.invoke("preflight", "study.toml", "--json").data
        assert {one["outcome"] for one in data["preflight"]["checks"]} == {"passed"}
        assert len(data["preflight"]["checks"]) == 13
        assert data["preflight"]["passed"] is True
        assert 0 < data["preflight"]["cost"]["seconds"] < 10
        assert data["lr_range"]["window"]["low"] < data["lr_range"]["window"]["high"]

    def test_nothing_is_recorded_and_files_are_left(self, cli: CliRunner) -> None:
        network(cli, space=AUTO, more=f"{QUICK}[lr_range]\niterations = 60\n")
        cli.invoke("preflight", "study.toml")
        assert not any("journal" in name for name in cli.files())
        kept = [name.rpartition("/")[2] for name in cli.files() if "preflight/toy-" in name]
        assert kept[1:] == ["lr_range.html", "lr_range.json", "preflight.json"]

    def test_a_fault_is_named(self, cli: CliRunner) -> None:
        network(cli, "zero_grad")
        answer = cli.invoke("preflight", "study.toml")
        assert answer.code == 2
        assert "FAILED  zero_grad" in answer.out

    def test_it_needs_no_section(self, cli: CliRunner) -> None:
        network(cli, "nan", more="")
        answer = cli.invoke("preflight", "study.toml", "--json")
        assert (answer.code, answer.data["preflight"]["passed"]) == (2, False)

    def test_where_the_trainer_raises_its_exception_is_shown(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.cli.trainers:picky", options="limit = 0.0")
        answer = cli.invoke("preflight", "study.toml")
        assert answer.code == 2
        assert "ValueError: x = 0.5 " in answer.out


class TestForecast:
    def test_plan_uses_the_measurements(self, cli: CliRunner) -> None:
        network(cli, more=f"{QUICK}[resources.per_trial]\ncpus = 1\n", trials=4)
        assert cli.invoke("plan", "study.toml", "--json").data["seconds"] is None
        cost = cli.invoke("preflight", "study.toml", "--json").data["preflight"]["cost"]
        plan = cli.invoke("plan", "study.toml", "--json").data
        assert plan["seconds_per_epoch"] == cost["seconds"]
        assert plan["seconds"] == pytest.approx(12 * cost["seconds"])
        assert plan["recorded"] is None
        assert " MiB " in cli.invoke("plan", "study.toml").out

    def test_measurements_of_another_content_are_not_used(self, cli: CliRunner) -> None:
        network(cli)
        cli.invoke("preflight", "study.toml")
        cli.change(("low = 1e-2", "low = 1e-3"))
        assert cli.invoke("plan", "study.toml", "--json").data["seconds"] is None

    def test_it_begins_in_the_window_that_was_found(self, cli: CliRunner) -> None:
        network(cli, space=AUTO, more="[lr_range]\niterations = 60\n", trials=20)
        window = cli.invoke("preflight", "study.toml", "--json").data["lr_range"]["window"]
        first = cli.invoke("plan", "study.toml", "--json").data["first"]
        assert all(window["low"] <= params["lr"] <= window["high"] for params in first)


class TestThatFails:
    def test_the_study_does_not_start_and_nothing_is_left_of_it(self, cli: CliRunner) -> None:
        network(cli, "zero_grad")
        answer = cli.run()
        assert answer.code == 2
        assert answer.out == ""
        assert answer.names("FAILED  zero_grad", "optimizer.zero_grad()", "preflight.skip", "--skip-preflight")
        assert cli.files() == []

    def test_the_metric(self, cli: CliRunner) -> None:
        network(cli, "nan")
        answer = cli.run()
        assert answer.code == 2
        assert answer.names("FAILED  metrics", "val_loss is nan")

    def test_insisting(self, cli: CliRunner) -> None:
        network(cli, "zero_grad")
        assert cli.run("--skip-preflight").code == 0
        document = cli.export()
        assert [trial["state"] for trial in document["trials"]] == ["COMPLETE"] * 2
        assert document["measured"] == {}
        assert document["decisions"][0]["reason"] == "skipped on request"

    def test_one_check_may_be_left_out(self, cli: CliRunner) -> None:
        network(cli, "zero_grad", more='[preflight]\nskip = ["zero_grad", "overfits", "labels"]\n')
        assert cli.run().code == 0

    def test_a_corrected_trainer_starts(self, cli: CliRunner) -> None:
        network(cli, "zero_grad")
        assert cli.run().code == 2
        network(cli)
        assert cli.run().code == 0
        assert kinds(cli) == ["preflight"]

    def test_off_nothing_is_tried(self, cli: CliRunner) -> None:
        network(cli, "zero_grad", more="")
        assert cli.run().code == 0
        assert cli.trained() == 2 * 3
        assert cli.export()["measured"] == {}


class TestWarnings:
    def test_let_it_start_and_stay(self, cli: CliRunner) -> None:
        network(cli, "large")
        answer = cli.run()
        assert answer.code == 0
        assert any(line.startswith("preflight warning: inputs") for line in answer.err.splitlines())
        said = cli.invoke("status", "toy", "--json").data["preflight"]
        assert "warned (inputs" in said
        assert f"preflight: {said}" in cli.invoke("show", "toy", 0).out
        document = cli.export()
        assert document["decisions"][0]["reason"] == said
        checks = document["measured"]["preflight"]["checks"]
        (warned,) = [one for one in checks if one["outcome"] == "failed" and one["name"] == "inputs"]
        assert warned["severity"] == "warning"
        assert warned["evidence"]["std"] == pytest.approx(5, rel=0.1)


class TestTrainersThatShowLess:
    @pytest.mark.parametrize(
        ("fault", "skipped", "why"),
        [
            ("unfed", ["labels"], "run.batches"),
            (
                "untracked",
                ["inputs", "initial weights", "gradients", "optimizer", "zero_grad", "eval mode"],
                "run.track",
            ),
        ],
    )
    def test_checks_without_data_are_skipped_with_a_reason(
        self, cli: CliRunner, fault: str, skipped: list[str], why: str
    ) -> None:
        network(cli, fault, more="[preflight]\n")
        answer = cli.invoke("preflight", "study.toml", "--json")
        found = {one["name"]: one["says"] for one in answer.data["preflight"]["checks"] if one["outcome"] == "skipped"}
        assert (answer.code, list(found)) == (0, skipped)
        assert all(why in said for said in found.values())
        assert f"{len(skipped)} skipped ({', '.join(skipped)})" in cli.run().err

    def test_no_network_at_all(self, cli: CliRunner) -> None:
        cli.study(more="[preflight]\n")
        assert cli.run().code == 0
        checks = cli.export()["measured"]["preflight"]["checks"]
        assert Counter(one["outcome"] for one in checks) == {"passed": 2, "skipped": 11}
        said = cli.invoke("status", "toy", "--json").data["preflight"]
        assert said == summary(cli.export()["measured"]["preflight"])


class TestLearningRates:
    def test_auto_takes_the_range_and_records_the_reason(self, cli: CliRunner) -> None:
        network(cli, space=AUTO, more="", trials=6)
        assert cli.run().code == 0
        document = cli.export()
        window = document["measured"]["lr_range"]["window"]
        (decision,) = [one for one in document["decisions"] if one["kind"] == "lr range"]
        assert decision["reason"] == document["measured"]["lr_range"]["says"]
        assert all(window["low"] <= trial["params"]["lr"] <= window["high"] for trial in document["trials"])
        assert decision["reason"] in cli.invoke("show", "toy", 0).out
        assert any(name.endswith("lr_range.html") for name in cli.files())

    def test_a_range_in_the_file_that_misses_it_stops_the_study_unless_it_is_forced(self, cli: CliRunner) -> None:
        network(cli, space="lr = { low = 1e-7, high = 1e-6, log = true }", more="[lr_range]\n")
        assert cli.run().code == 2
        assert cli.invoke("status", "toy").code == 2, "nothing is recorded"
        answer = cli.run("--force")
        assert answer.code == 0
        said = cli.invoke("status", "toy", "--json").data["lr_range"]
        assert "[1e-07, 1e-06]" in said
        assert said in answer.err
        assert all(1e-7 <= trial["params"]["lr"] <= 1e-6 for trial in cli.export()["trials"])

    def test_a_correct_trainer(self, cli: CliRunner) -> None:
        network(cli, space="lr = { low = 1e-3, high = 10.0, log = true }", more="[lr_range]\n")
        assert cli.run().code == 0
        document = cli.export()["measured"]["lr_range"]
        assert document["asked"] == {"low": 0.001, "high": 10.0}
        assert document["window"]["low"] < document["asked"]["high"]
        assert cli.invoke("status", "toy", "--json").data["lr_range"] == document["says"]

    @pytest.mark.parametrize("fault", ["deaf", "untracked"])
    def test_auto_without_a_learning_rate(self, cli: CliRunner, fault: str) -> None:
        network(cli, fault, space=AUTO, more="")
        answer = cli.run()
        assert answer.code == 2
        assert "space.lr:" in answer.err
        why = {"deaf": "lr is not the learning rate", "untracked": "run.track(optimizer=…)"}
        assert why[fault] in answer.err
        assert cli.files() == []


class TestGoingOn:
    def test_nothing_is_measured_again(self, cli: CliRunner) -> None:
        network(cli, space=AUTO)
        cli.run()
        before, trained = cli.export()["measured"], cli.trained()
        network(cli, space=AUTO, trials=4)
        answer = cli.run()
        assert answer.code == 0
        assert cli.trained() == trained + 2 * 3, "the epochs of two trials and no other"
        assert cli.export()["measured"] == before
        assert kinds(cli) == ["preflight", "lr range"]
        assert "range test" not in answer.err

    def test_interrupted_while_it_is_tried(self, cli: CliRunner) -> None:
        network(cli, space=AUTO)
        (cli.folder / "bell").write_text("2")
        answer = cli.run()
        assert answer.code == 130
        assert any(line.startswith("interrupted ") for line in answer.err.splitlines())
        assert cli.files() == []
        assert cli.run().code == 0
        assert kinds(cli) == ["preflight", "lr range"]

    @pytest.mark.parametrize(
        "moment",
        [
            pytest.param("hpsearch.journal.Journal.acquire", marks=pytest.mark.slow),
            pytest.param("hpsearch.orchestrator.recorder.JournalRecorder.write", marks=pytest.mark.slow),
            "hpsearch.journal.Journal.put_document",
            pytest.param("hpsearch.orchestrator.loop.Loop.run", marks=pytest.mark.slow),
        ],
    )
    def test_killed_between_preflight_and_the_first_trial(self, cli: CliRunner, moment: str) -> None:
        network(cli, space=AUTO)
        assert killed(cli, moment) == -signal.SIGKILL
        assert cli.run().code == 0
        broken = cli.export()
        assert {"preflight", "lr range"} <= set(kinds(cli))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HPSEARCH_HOME", str(cli.folder / "unbroken"))
            cli.run()
            whole = cli.export()
        assert content(broken) == content(whole)
        assert window(broken) == window(whole)


def window(document: dict[str, Any]) -> object:
    return document["measured"]["lr_range"]["window"]


def killed(cli: CliRunner, moment: str) -> int:
    """Run in a process that is gone the first time that it comes to `moment`."""
    module, owner, method = moment.rsplit(".", 2)
    program = (
        f"import os, signal, sys, {module}\n"
        f"{module}.{owner}.{method} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from hpsearch.cli.main import main\n"
        "main(['run', 'study.toml'])\n"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=cli.folder, env=environment(), capture_output=True)
    return run.returncode


def test_it_is_data_that_json_can_hold(cli: CliRunner) -> None:
    """Losses that are NaN, and learning rates at which it leaves."""
    network(cli, "nan", more='[preflight]\nskip = ["metrics"]\n')
    assert cli.run().code in (0, 3)
    json.dumps(cli.export()["measured"], allow_nan=False)
