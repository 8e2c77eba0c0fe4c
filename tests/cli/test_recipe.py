"""`method = "recipe"` as a user runs it."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from hpsearch.core.decisions import Proposal
from hpsearch.core.history import History
from hpsearch.samplers.recipe.sampler import Recipe
from tests.cli.cli_runner import CliRunner

BUDGET = 'method = "recipe"\nbudget = {{ epochs = {} }}\npreflight = false'
SPACE = 'x = { low = 0.0, high = 1.0 }\nkind = ["a", "b"]'


def written(cli: CliRunner, budget: int = 40, more: str = "") -> None:
    cli.study(BUDGET.format(budget), space=SPACE, epochs=6, more=more)


def test_a_run_shows_its_rounds_and_why_it_ends(cli: CliRunner) -> None:
    written(cli)
    answer = cli.run()
    assert answer.code == 0
    lines = answer.err.splitlines()
    assert any(line.startswith("[1] trial") for line in lines), "nobody knows of how many"
    notes = [note for one in cli.invoke("show", "toy", "--json").data["rounds"]["rounds"] for note in one["notes"]]
    assert [line.strip() for line in lines if line.strip() in notes] == notes
    first, why, *_ = answer.out.splitlines()
    assert first == "toy: done"
    data = cli.run("--json").data
    assert (data["reason"], data["cause"], data["cause_numbers"]["budget"]) == (why, "limit", 40)


def test_show_has_the_rounds_and_the_gain_of_each(cli: CliRunner) -> None:
    written(cli)
    cli.run()
    shown = cli.invoke("show", "toy", "--json").data
    rounds = shown["rounds"]["rounds"]
    assert [one["number"] for one in rounds] == list(range(1, len(rounds) + 1))
    assert rounds[0]["gained"] is None
    values = [one["best"]["value"] for one in rounds]
    best = values[0]
    for one, value in zip(rounds[1:], values[1:], strict=True):
        assert one["gained"] == pytest.approx(max(0.0, best - value))
        best = min(best, value)
    assert shown["best"]["value"] == best
    assert sum(len(one["trials"]) for one in rounds) == sum(
        decision["kind"] in ("propose", "continue") for decision in cli.export()["decisions"]
    )
    text = cli.invoke("show", "toy").out
    assert "round  trials" in text
    assert all(note in text for one in rounds for note in one["notes"])
    assert f"\nover: {shown['rounds']['over'][:20]}" in text


def test_every_search_range_is_a_recorded_decision(cli: CliRunner) -> None:
    written(cli)
    cli.run()
    notes = [one["reason"] for one in cli.export()["decisions"] if one["kind"] == "round"]
    shown = cli.invoke("show", "toy", "--json").data["rounds"]["rounds"]
    assert notes == [note for one in shown for note in one["notes"]]
    assert any(note.startswith("x: range ") for note in notes)


def test_the_plot_is_in_the_folder_of_the_study(cli: CliRunner) -> None:
    written(cli)
    cli.run()
    (picture,) = (cli.folder / ".hpsearch").rglob("rounds.html")
    assert "to epoch 6" in picture.read_text()


def test_run_again_has_nothing_to_do_and_decides_nothing_twice(cli: CliRunner) -> None:
    written(cli)
    before = cli.run("--json").data
    decisions = cli.export()["decisions"]
    after = cli.run("--json").data
    assert (after["reason"], after["best"], after["state"]) == (before["reason"], before["best"], "COMPLETE")
    assert cli.export()["decisions"] == decisions
    assert [one["kind"] for one in decisions].count("over") == 1


def test_killed_before_it_could_say_that_it_is_over(cli: CliRunner) -> None:
    """Its last trial has ended and nothing more is recorded: the next run prints what that run would have printed."""
    written(cli)
    whole = cli.run("--json").data
    database = sqlite3.connect(cli.folder / ".hpsearch" / "journal.db")
    with closing(database), database:
        database.execute("DELETE FROM hpsearch_decisions WHERE kind = 'over'")
        database.execute("DELETE FROM hpsearch_probes")
    assert cli.run("--json").data["reason"] == whole["reason"]
    assert [one["reason"] for one in cli.export()["decisions"] if one["kind"] == "over"] == [whole["reason"]]
    assert cli.invoke("show", "toy", "--json").data["rounds"]["over"] == whole["reason"]


def test_killed_as_it_ended(cli: CliRunner) -> None:
    """Its end is decided, and neither is the study COMPLETE nor do its rounds say why: they do after another run."""
    written(cli)
    whole = cli.run("--json").data
    database = sqlite3.connect(cli.folder / ".hpsearch" / "journal.db")
    with closing(database), database:
        database.execute("UPDATE hpsearch_studies SET state = 'RUNNING', cause = NULL, cause_numbers = '{}'")
        database.execute("DELETE FROM hpsearch_probes")
    decisions = cli.export()["decisions"]
    assert cli.run("--json").data["reason"] == whole["reason"]
    study = cli.export()["study"]
    assert (study["state"], study["cause"], study["cause_numbers"]["budget"]) == ("COMPLETE", "limit", 40)
    assert cli.export()["decisions"] == decisions
    assert cli.invoke("show", "toy", "--json").data["rounds"]["over"] == whole["reason"]


def test_a_larger_budget_extends_and_a_smaller_one_is_refused(cli: CliRunner) -> None:
    written(cli)
    first = cli.run("--json").data
    before = cli.export()["trials"]
    cli.change(("epochs = 40", "epochs = 90"))
    second = cli.run("--json").data
    assert first["epochs_trained"] <= 40 < second["epochs_trained"] <= 90
    after = cli.export()["trials"]
    assert [trial["params"] for trial in after[: len(before)]] == [trial["params"] for trial in before]
    assert cli.trained() == second["epochs_trained"]
    cli.change(("epochs = 90", "epochs = 60"))
    refused = cli.run()
    assert refused.code == 2
    assert refused.changed == {"search.budget.epochs"}


def test_a_larger_budget_that_is_broken_off_is_the_same_search(cli: CliRunner) -> None:
    written(cli)
    cli.run()
    cli.change(("epochs = 40", "epochs = 70"))
    (cli.folder / "bell").write_text(f"{cli.trained() + 3} SIGINT")
    assert cli.run().code == 130
    assert cli.run().code == 0
    broken = [trial["params"] for trial in cli.export()["trials"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSEARCH_HOME", str(cli.folder / "unbroken"))
        cli.change(("epochs = 70", "epochs = 40"))
        cli.run()
        cli.change(("epochs = 40", "epochs = 70"))
        cli.run()
        assert [trial["params"] for trial in cli.export()["trials"]] == broken


def test_the_recipe_begins_with_a_preflight_and_a_range_test(cli: CliRunner) -> None:
    search = 'method = "recipe"\nbudget = { epochs = 40 }'
    cli.study(search, trainer="tests.cli.trainers:torch_learner", space="lr = { low = 1e-3, high = 0.1, log = true }")
    assert before(cli) == 2
    cli.change(("epochs = 40 }", "epochs = 40 }\npreflight = false\nlr_range = false"))
    assert before(cli) == 0


def before(cli: CliRunner) -> int:
    """How many measurements a plan has before the first trial."""
    return sum(line.startswith("before ") for line in cli.invoke("plan", "study.toml").out.splitlines())


def test_a_recipe_without_a_result(cli: CliRunner) -> None:
    cli.study(BUDGET.format(40), epochs=12, trainer="tests.cli.trainers:exploding", options="limit = -1.0")
    answer = cli.run("--json")
    assert answer.code == 3
    assert (answer.data["cause"], answer.data["cause_numbers"]) == ("done", {"trials": 4})
    assert "`hpsearch preflight`" in answer.data["reason"]


def test_coarse_to_fine_shows_its_rounds_too(cli: CliRunner) -> None:
    rounds = "rounds = [{ trials = 4, epochs = 1 }, { trials = 2, epochs = 3 }]"
    cli.study(f'method = "coarse-to-fine"\n{rounds}')
    cli.run()
    shown = cli.invoke("show", "toy", "--json").data["rounds"]
    assert [(one["number"], one["epochs"], len(one["trials"])) for one in shown["rounds"]] == [(1, 1, 4), (2, 3, 2)]
    assert shown["rounds"][1]["notes"][0] in cli.invoke("show", "toy").out


def test_the_end_of_a_study_is_recorded_once_however_it_is_worded(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(cli)
    cli.run()
    why, decisions = cli.run("--json").data["reason"], cli.export()["decisions"]
    ask = Recipe.ask

    def ask_in_other_words(recipe: Recipe, history: History) -> Proposal | None:
        proposal = ask(recipe, history)
        return replace(proposal, reason=proposal.reason[::-1]) if proposal else None

    monkeypatch.setattr(Recipe, "ask", ask_in_other_words)
    for _ in range(2):
        assert cli.run("--json").data["reason"] == why[::-1]
        assert cli.export()["decisions"] == decisions
