"""[checkpoints] as a user meets it: what is kept, what is said of the others, and what a study of before keeps."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch.core.errors import NotFound
from tests.cli.cli_runner import RANDOM, CliRunner
from tests.cli.test_going_on import METHODS

BEST = '[checkpoints]\nkeep = "best"\n'
TWO = "[checkpoints]\nfinalists = 2\n"


def have(cli: CliRunner) -> list[int]:
    """The trials with a checkpoint."""
    return sorted({int(path.parent.name) for path in cli.folder.glob(".hpsearch/studies/*/checkpoints/*/*.pt")})


def best_first(cli: CliRunner) -> list[int]:
    trials = cli.export()["trials"]
    return [one["number"] for one in sorted(trials, key=lambda one: one["value"])]


def test_the_default_keeps_as_many_as_evaluate_uses(cli: CliRunner) -> None:
    cli.study(RANDOM.replace("4", "24"), epochs=1)
    cli.run()
    assert have(cli) == sorted(best_first(cli)[:20])


@pytest.mark.parametrize(("more", "most"), [(BEST, 1), (TWO, 2), ('[checkpoints]\nkeep = "all"\n', 4)])
def test_keep(cli: CliRunner, more: str, most: int) -> None:
    cli.study(more=more)
    assert cli.run().code == 0
    assert have(cli) == sorted(best_first(cli)[:most])


def test_what_was_removed_is_said_wherever_it_is_asked_for(cli: CliRunner) -> None:
    cli.study(more=TWO)
    cli.run()
    first, *_, last = best_first(cli)
    shown = cli.invoke("show", "toy", last, "--json").data
    assert (shown["checkpoint"], shown["checkpoint_removed"]) == (None, {"keep": "finalists", "most": 2})
    assert 'keep = "finalists"' in cli.invoke("show", "toy", last).out
    best = cli.invoke("best", "toy", "--json").data
    assert (best["number"], best["checkpoint_removed"]) == (first, None)
    assert Path(best["checkpoint"]).exists()
    study = hpsearch.load("toy")
    assert study.best.load()
    assert study.trial(last).checkpoint is None
    with pytest.raises(NotFound, match="finalists"):
        study.trial(last).load()


def test_evaluate_leaves_out_what_was_removed(cli: CliRunner) -> None:
    """And keeps all of its own trainings, which its ensembles use."""
    cli.study(trainer="tests.cli.predictors:train", more=BEST)
    cli.run()
    found = cli.invoke("evaluate", "toy", "--top", "2", "--seeds", "2", "--json").data
    left_out = " ".join(found["left_out"])
    assert all(f"trial {number}" in left_out for number in best_first(cli)[1:])
    assert 'keep = "best"' in left_out
    assert found["test"] is not None
    folders = cli.folder.glob(".hpsearch/studies/toy evaluation-*/checkpoints/*/best.pt")
    assert len([*folders]) == 4


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_on_ray(cli: CliRunner) -> None:
    """Two workers release trials while the driver removes their checkpoints."""
    space = "lr = { low = 1e-4, high = 1.0, log = true }"
    cli.study(RANDOM.replace("4", "8"), trainer="tests.cli.trainers:torch_learner", space=space, more=TWO)
    cli.change(('address = "none"', "workers = 2"))
    result = cli.ended(cli.start("run", "study.toml"))
    assert (result.code, "warning" in result.err) == (0, False)
    assert have(cli) == sorted(best_first(cli)[:2])
    files = [
        path for number in have(cli) for path in cli.folder.glob(f".hpsearch/studies/*/checkpoints/{number:05d}/*")
    ]
    assert sorted({path.name for path in files}) == ["best.pt", "best.pt.sha256", "claim"]


def test_reproduce_needs_none(cli: CliRunner) -> None:
    cli.study(more=BEST)
    cli.run()
    assert cli.invoke("reproduce", "toy", best_first(cli)[-1]).code == 0


def test_weights_only_is_enough_to_evaluate(cli: CliRunner) -> None:
    """With a trainer of ours: `predict` restores what it needs."""
    space = "lr = { low = 1e-2, high = 1e-1, log = true }"
    more = "[checkpoints]\nweights_only = true\n"
    cli.study(RANDOM.replace("4", "2"), trainer="trainers.digits:train", space=space, epochs=2, more=more)
    cli.change((f'epoch_log = "{cli.epoch_log}"', ""))
    assert cli.run().code == 0
    assert "optimizer" not in hpsearch.load("toy").best.load()
    found = cli.invoke("evaluate", "toy", "--top", "2", "--seeds", "1", "--json").data
    assert (found["left_out"], found["test"] is None) == ([], False)


class TestExtended:
    def test_by_more_trials(self, cli: CliRunner) -> None:
        """Trials that were removed stay worse than those that were kept."""
        cli.study(more=TWO)
        cli.run()
        before = have(cli)
        assert cli.run("--set", "search.trials=9").code == 0
        assert have(cli) == sorted(best_first(cli)[:2])
        assert set(have(cli)) - set(before) <= {4, 5, 6, 7, 8}

    @pytest.mark.parametrize("method", ["coarse-to-fine", "recipe"])
    def test_by_a_larger_budget_nothing_is_trained_again(self, cli: CliRunner, method: str) -> None:
        """What rounds may still continue was kept."""
        cli.study(METHODS[method], more=BEST)
        cli.run()
        larger = {
            "coarse-to-fine": "search.rounds=[{trials=4,epochs=1},{trials=2,epochs=2},{trials=4,epochs=3}]",
            "recipe": "search.budget.epochs=30",
        }
        assert cli.run("--set", larger[method]).code == 0
        document = cli.export()
        assert cli.trained() == sum(len(one["curve"]) for one in document["trials"])
        assert not [one for one in document["decisions"] if one["kind"] == "note"]

    def test_a_failed_trial_can_be_retried_from_its_checkpoint(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.cli.trainers:picky", options="limit = 0.3", more=BEST + "[limits]\nmax_failures = 9\n")
        cli.run()
        failed = [one for one in cli.export()["trials"] if one["state"] == "FAILED"]
        assert failed
        assert {one["number"] for one in failed} <= set(have(cli))


class TestRecordedRule:
    def forget(self, cli: CliRunner) -> None:
        """As a study that was recorded before there was a section [checkpoints]."""
        with closing(sqlite3.connect(cli.folder / ".hpsearch" / "journal.db")) as database:
            (spec,) = database.execute("SELECT spec FROM hpsearch_studies").fetchone()
            spec, _, rest = spec.partition('"checkpoints": {')
            database.execute("UPDATE hpsearch_studies SET spec = ?", [spec + rest.partition("}, ")[2]])
            database.commit()

    def recorded(self, cli: CliRunner) -> Any:
        return hpsearch.load("toy").spec.get("checkpoints")

    def test_a_study_of_before_keeps_all(self, cli: CliRunner) -> None:
        cli.study(RANDOM.replace("4", "22"), epochs=1, more='[checkpoints]\nkeep = "all"\n')
        cli.run()
        self.forget(cli)
        assert self.recorded(cli) is None
        cli.change(('[checkpoints]\nkeep = "all"\n', ""))
        for trials in (24, 26):
            assert cli.run("--set", f"search.trials={trials}").code == 0
            assert have(cli) == list(range(trials))
        assert self.recorded(cli)["keep"] == "all"

    def test_its_file_may_name_another(self, cli: CliRunner) -> None:
        cli.study(more='[checkpoints]\nkeep = "all"\n')
        cli.run()
        cli.change(('keep = "all"', 'keep = "best"'))
        assert cli.run().code == 0
        assert len(have(cli)) == 1, "also where nothing is left to train"
        cli.change((BEST, ""))
        cli.run("--set", "search.trials=6")
        assert self.recorded(cli)["keep"] == "best"
        assert len(have(cli)) == 1


class TestDisk:
    def test_what_is_forecast_is_what_is_taken(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.cli.trainers:torch_learner", space="lr = { low = 1e-4, high = 1.0, log = true }")
        assert cli.invoke("plan", "study.toml", "--json").data["disk"]["most"] is None
        cli.invoke("preflight", "study.toml")
        measured = cli.invoke("plan", "study.toml", "--json").data["disk"]
        cli.run()
        known = cli.invoke("plan", "study.toml", "--json").data["disk"]
        assert measured["best"] == pytest.approx(known["best"], rel=0.05)
        assert 4 * known["best"] <= known["used"] <= known["most"]
        assert known["fits"] is True

    def test_status_and_show(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        files = [*cli.folder.glob(".hpsearch/studies/*/checkpoints/*/*.pt*")]
        used = sum(path.stat().st_size for path in files)
        for command in ("status", "show"):
            assert cli.invoke(command, "toy", "--json").data["checkpoint_bytes"] == used
            assert "checkpoints: " in cli.invoke(command, "toy").out

    def test_without_checkpoints_there_is_no_forecast(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.support.toys:untracked")
        cli.run()
        assert cli.invoke("plan", "study.toml", "--json").data["disk"] is None


def test_a_trainer_that_tracks_nothing_is_noted_where_only_ctrl_c_costs(cli: CliRunner) -> None:
    cli.study(trainer="tests.support.toys:untracked")
    (note,) = [line for line in cli.run().err.splitlines() if "cannot be continued" in line]
    assert note.startswith("note: ")
    assert "run.track(…)" in note
    cli.study(trainer="tests.support.toys:untracked", more="[limits]\nepochs = 9\n")
    (warning,) = [line for line in cli.run("--fork", "shared").err.splitlines() if "cannot be continued" in line]
    assert warning.startswith("warning: ")


def test_a_trial_of_one_epoch_needs_no_checkpoint_to_continue(cli: CliRunner) -> None:
    cli.study(trainer="tests.support.toys:untracked", epochs=1)
    answer = cli.run()
    assert (answer.code, "cannot be continued" in answer.err) == (0, False)
