import hashlib
import platform
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.cli_runner import ROOT, CliRunner

LR = "lr = { low = 1e-3, high = 0.1, log = true }"
ONE = 'method = "random"\ntrials = 1'
BESIDE = """\
from hpsearch import Report

def train(params, run):
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": FACTOR * params["x"] / epoch})
"""

Moody = Callable[..., Path]


@pytest.fixture(autouse=True)
def no_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of these tests may change while they run."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(ROOT))


@pytest.fixture
def file_driven(cli: CliRunner) -> Moody:
    """Runs a study of one trial in this mood; returns the file that the mood is in."""

    def run(mood: str, options: str = "") -> Path:
        path = cli.folder / "mood"
        path.write_text(mood)
        given = f'mood = "{path}"' + (f", {options}" if options else "")
        cli.study(ONE, trainer="tests.cli.file_driven_trainers:file_driven", options=given)
        cli.run()
        return path

    return run


def identical(cli: CliRunner, *words: object) -> Any:
    answer = cli.invoke("reproduce", *words, "--json")
    assert (answer.code, answer.data["identical"]) == (0, True), answer
    return answer.data


class TestIdentical:
    def test_a_network_bit_for_bit(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.cli.trainers:torch_learner", space=LR)
        cli.run()
        before = cli.files(), cli.export()
        data = identical(cli, "toy", 2)
        assert (data["study"], data["trial"], data["epochs"], len(data["metrics"])) == ("toy", 2, 3, 3)
        assert cli.invoke("reproduce", "toy", 2).out.startswith("toy, trial 2: COMPLETE")
        assert (cli.files(), cli.export()) == before, "nothing of the study is touched"

    def test_as_data(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        data = identical(cli, "study.toml", 0)
        assert (data["study"], data["trial"], data["epochs"], data["metrics"]) == ("toy", 0, 3, ["val_loss", "weight"])
        assert (data["first"], data["failure"], data["since"], data["recorded"]) == (None, None, [], True)

    def test_a_trial_that_was_paused_and_continued(self, cli: CliRunner) -> None:
        rounds = "rounds = [{ trials = 2, epochs = 1 }, { trials = 1, epochs = 2 }, { trials = 1, epochs = 4 }]"
        cli.study(f'method = "coarse-to-fine"\nkeep = 1.0\n{rounds}', epochs=4, space=LR, trainer=TORCH)
        cli.run()
        document = cli.export()
        number = next(trial["number"] for trial in document["trials"] if len(trial["curve"]) == 4)
        assert [one["after"] for one in document["trained"] if one["trial"] == number] == [0, 1, 2]
        assert identical(cli, "toy", number)["epochs"] == 4

    def test_trials_of_a_search_that_was_broken_off(self, cli: CliRunner) -> None:
        cli.study(options="pace = 0.021", space=LR, trainer=TORCH)
        (cli.folder / "bell").write_text("5 SIGINT")
        assert cli.run().code == 130
        assert cli.run().code == 0
        assert {"trial": 1, "after": 2}.items() <= cli.export()["trained"][2].items()
        assert identical(cli, "toy", 1)["epochs"] == 3

    def test_a_trial_whose_process_was_killed(self, cli: CliRunner) -> None:
        cli.study(options="pace = 0.021")
        (cli.folder / "bell").write_text("5 SIGKILL")
        assert cli.ended(cli.start("run", "study.toml")).code == -9
        assert cli.run().code == 0
        assert [one["after"] for one in cli.export()["trained"] if one["trial"] == 1] == [0, 1]
        assert identical(cli, "toy", 1)["epochs"] == 3

    @pytest.mark.xdist_group("ray")
    @pytest.mark.slow
    def test_on_ray_as_it_was_trained(self, cli: CliRunner) -> None:
        cli.study(trainer=TORCH, space=LR)
        cli.change(('address = "none"', 'address = "local"\nworkers = 2'))
        assert cli.ended(cli.start("run", "study.toml")).code == 0
        answer = cli.ended(cli.start("reproduce", "toy", 3, "--json"))
        assert answer.code == 0
        assert (answer.data["identical"], answer.data["since"]) == (True, [])
        assert (answer.data["epochs"], len(answer.data["metrics"])) == (3, 3)

    def test_a_diverged_trial(self, cli: CliRunner) -> None:
        cli.study(ONE, trainer="tests.cli.trainers:exploding", options="limit = -1.0")
        cli.run()
        assert cli.export()["trials"][0]["cause"] == "diverged"
        assert identical(cli, "toy", 0)["epochs"] == 2

    def test_a_failed_trial(self, cli: CliRunner, file_driven: Moody) -> None:
        file_driven("raises 7")
        data = identical(cli, "toy", 0)
        assert (data["epochs"], data["metrics"], data["fails_as_before"]) == (1, ["val_loss"], True)
        assert data["failure"].endswith("mood 7")

    def test_times_are_not_compared(self, cli: CliRunner, file_driven: Moody) -> None:
        file_driven("steady 0.5")
        assert identical(cli, "toy", 0)["timings"] == ["epoch_seconds"]


TORCH = "tests.cli.trainers:torch_learner"


class TestDiffers:
    def test_the_data_have_changed(self, cli: CliRunner, file_driven: Moody) -> None:
        path = file_driven("steady 0.5", "named = true")
        path.write_text("steady 0.25 ")
        answer = cli.invoke("reproduce", "toy", 0, "--json")
        assert (answer.code, answer.data["identical"]) == (6, False)
        difference = {"epoch": 2, "metric": "val_loss", "recorded": 0.5, "now": 0.25, "relative": 0.5}
        assert (answer.data["first"], answer.data["largest"]) == (difference, difference)
        assert [line.partition(":")[0] for line in answer.data["since"]] == ["data.mood"]
        assert "changed since the trial was trained: data.mood: was" in answer.err, "while it trains"

    def test_the_trainer_has_changed(self, cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "path", sys.path[:])
        beside = cli.folder / "beside_its_study.py"
        beside.write_text(f"FACTOR = 1\n{BESIDE}")
        cli.study(ONE, trainer="beside_its_study:train")
        cli.change((f'epoch_log = "{cli.epoch_log}"', ""))
        cli.run()
        monkeypatch.delitem(sys.modules, "beside_its_study")
        beside.write_text(f"FACTOR = 1.5\n{BESIDE}")
        answer = cli.invoke("reproduce", "toy", 0, "--json")
        monkeypatch.delitem(sys.modules, "beside_its_study")
        data = answer.data
        assert (answer.code, data["identical"], data["first"]["epoch"]) == (6, False, 1)
        assert data["largest"]["relative"] == pytest.approx(1 / 3)
        assert any(line.startswith("sources.beside_its_study: was ") for line in data["since"])

    def test_nothing_has_changed(self, cli: CliRunner, file_driven: Moody) -> None:
        file_driven("random 0")
        answer = cli.invoke("reproduce", "toy", 0, "--json")
        assert (answer.code, answer.data["identical"], answer.data["since"]) == (6, False, [])

    def test_it_fails_now(self, cli: CliRunner, file_driven: Moody) -> None:
        file_driven("steady 1").write_text("raises 7")
        answer = cli.invoke("reproduce", "toy", 0, "--json")
        assert (answer.code, answer.data["identical"], answer.data["fails_as_before"]) == (6, False, False)
        first = answer.data["first"]
        assert (first["epoch"], first["metric"], first["recorded"], first["now"]) == (2, "val_loss", 1.0, None)
        assert answer.data["failure"].endswith("mood 7")

    def test_a_trial_that_no_longer_fails_or_fails_differently(self, cli: CliRunner, file_driven: Moody) -> None:
        path = file_driven("raises 7")
        path.write_text("steady 1")
        answer = cli.invoke("reproduce", "toy", 0, "--json")
        assert (answer.code, answer.data["failure"], answer.data["fails_as_before"]) == (6, None, False)
        path.write_text("raises 8")
        assert cli.invoke("reproduce", "toy", 0, "--json").data["fails_as_before"] is False


class TestShow:
    def test_where_and_on_what_it_was_trained(self, cli: CliRunner, file_driven: Moody) -> None:
        content = file_driven("steady 0.5", "named = true").read_bytes()
        (where, data) = cli.invoke("show", "toy", 0).out.splitlines()[4:6]
        assert where.startswith("  environment: ")
        assert f", Python {platform.python_version()}, torch " in where
        assert data == f"  data: mood {hashlib.sha256(content).hexdigest()[:12]}"

    def test_a_changed_environment_is_shown(self, cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        cli.study(ONE, options="pace = 0.021")
        (cli.folder / "bell").write_text("2 SIGINT")
        cli.run()
        monkeypatch.setenv("HPSEARCH_DATA", str(cli.folder))
        cli.run()
        shown = cli.invoke("show", "toy", 0).out.splitlines()
        where = [line.split(":")[0] for line in shown if line.startswith("  environment")]
        assert len(where) == 2
        assert "epoch 3" in where[1]
        (since,) = identical(cli, "toy", 0)["since"]
        assert since.startswith("settings.HPSEARCH_DATA: ")
        assert str(cli.folder) in since


class TestWhereItsTrainerIs:
    def test_a_changed_study_file_does_not_matter(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        cli.change(("seed = 3", "seed = 4"), ("epochs = 3", "epochs = 1"))
        assert identical(cli, "study.toml", 1)["epochs"] == 3
        (cli.folder / "study.toml").unlink()
        assert identical(cli, "toy", 1)["epochs"] == 3

    def test_a_folder_that_is_gone(self, cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = cli.folder / "project"
        folder.mkdir()
        cli.study(ONE).rename(folder / "study.toml")
        monkeypatch.setenv("HPSEARCH_HOME", str(cli.folder / "home"))
        assert cli.invoke("run", "project/study.toml").code == 0
        folder.rename(cli.folder / "moved")
        answer = cli.invoke("reproduce", "toy", 0)
        assert answer.code == 2
        assert f"the study's folder {folder} does not exist: pass the path of the study file" in answer.err
        identical(cli, "moved/study.toml", 0)

    def test_a_journal_without_the_record(self, cli: CliRunner) -> None:
        cli.study(ONE)
        cli.run()
        with closing(sqlite3.connect(cli.folder / ".hpsearch" / "journal.db")) as connection, connection:
            connection.execute("DELETE FROM hpsearch_stretches")
        assert identical(cli, "toy", 0)["recorded"] is False


class TestBadInput:
    def test_no_such_trial(self, cli: CliRunner) -> None:
        cli.study(ONE)
        cli.run()
        answer = cli.invoke("reproduce", "toy", 1)
        assert answer.is_refused
        assert answer.names('"toy"', "trial 1")

    def test_nothing_to_compare_with(self, cli: CliRunner) -> None:
        cli.study(ONE, options="pace = 0.1")
        (cli.folder / "bell").write_text("1 SIGINT SIGINT")
        assert cli.run().code == 130
        answer = cli.invoke("reproduce", "toy", 0)
        assert (answer.code, answer.err) == (2, "trial 0 is WAITING and has no epoch to compare yet\n")
