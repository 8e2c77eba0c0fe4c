"""What a study will run, and which of its rounds may still change."""

from pathlib import Path

import pytest

from hpsearch.study.definition import Study
from hpsearch.study.plan import certain_proposals, limited_epochs, may_resume, proposals, rounds
from hpsearch.study.schedule import Rung

FILE = """
[study]
name = "rounds"
metric = "val_loss"
goal = "minimize"
[trainer]
use = "trainers.digits:train"
epochs = 30
[space]
lr = { low = 1e-4, high = 1.0, log = true }
[search]
method = "coarse-to-fine"
rounds = [ { trials = 8, epochs = 2 }, { trials = 5, epochs = 10 } ]
"""


def study(folder: Path, *overrides: str) -> Study:
    path = folder / "study.toml"
    path.write_text(FILE)
    return Study.load(path, overrides)


def changes(recorded: Study, now: Study) -> list[str]:
    return list(now.search.changes(recorded.spec()["search"]))


def test_rounds_trials_and_epochs(tmp_path: Path) -> None:
    planned = study(tmp_path)
    assert rounds(planned) == [Rung(2, 0, 8), Rung(10, 3, 2)]
    assert proposals(planned) == certain_proposals(planned) == 13
    assert limited_epochs(planned) == 8 * 2 + 2 * 10 + 3 * (10 - 2)
    assert limited_epochs(planned, restarts=True) == 8 * 2 + 5 * 10


RECIPE = ("search.method=recipe", "search.rounds=[]")


def test_the_rounds_of_a_recipe_are_a_forecast(tmp_path: Path) -> None:
    planned = study(tmp_path, *RECIPE, "search.budget={epochs=300}", "search.shares=fixed")
    first, *later = rounds(planned)
    assert first == Rung(4, 0, 22)  # 0.3 of the budget
    assert [one.epochs for one in later][:2] == [11, 30]
    assert all(one.survivors <= one.trials for one in later)
    assert limited_epochs(planned) == 300
    assert certain_proposals(planned) is None


def test_the_last_round_of_a_recipe_has_other_seeds_of_the_best_parameters(tmp_path: Path) -> None:
    planned = rounds(study(tmp_path, *RECIPE, "search.budget={epochs=300}"))
    assert planned[0] == Rung(1, 0, 28)
    assert planned[-1] == Rung(30, 0, 1)


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("{epochs=300}", "{epochs=600}", []),
        ("{epochs=300}", "{epochs=200}", ["search.budget.epochs: was 300, is 200"]),
    ],
)
def test_the_budget_of_a_recipe_may_grow(tmp_path: Path, before: str, after: str, changed: list[str]) -> None:
    small, large = (study(tmp_path, *RECIPE, f"search.budget={budget}") for budget in (before, after))
    assert changes(small, large) == changed


def test_rounds_in_place_of_a_budget_are_another_search(tmp_path: Path) -> None:
    budget = study(tmp_path, *RECIPE, "search.budget={epochs=300}")
    given = study(tmp_path, "search.method=recipe")
    assert changes(budget, given) == ["search.budget.epochs: was 300, is absent"]


def test_a_study_that_goes_on_knows_its_earlier_budgets(tmp_path: Path) -> None:
    first, second, third = (study(tmp_path, *RECIPE, f"search.budget={{epochs={n}}}") for n in (300, 600, 900))
    second = second.with_recorded(first.spec())
    third = third.with_recorded(second.spec())
    assert third.spec()["search"]["budget"] == {"epochs": 900, "earlier": [300, 600]}
    assert third.with_recorded(third.spec()).spec() == third.spec()
    assert third.identity() == first.identity()


def test_a_limit_of_trials_bounds_the_plan(tmp_path: Path) -> None:
    assert proposals(study(tmp_path, "limits.trials=9")) == 12  # 9 new ones, and 3 that go on


@pytest.mark.parametrize(
    "larger",
    [
        "[ { trials = 8, epochs = 2 }, { trials = 5, epochs = 10 } ]",
        "[ { trials = 8, epochs = 2 }, { trials = 7, epochs = 10 } ]",
        "[ { trials = 8, epochs = 2 }, { trials = 5, epochs = 11 } ]",
        "[ { trials = 8, epochs = 2 }, { trials = 7, epochs = 10 }, { trials = 2, epochs = 30 } ]",
    ],
)
def test_a_larger_budget_changes_no_round(tmp_path: Path, larger: str) -> None:
    assert changes(study(tmp_path), study(tmp_path, f"search.rounds={larger}")) == []


@pytest.mark.parametrize(
    ("other", "which"),
    [
        ("[ { trials = 9, epochs = 2 }, { trials = 5, epochs = 10 } ]", "search.rounds.0"),
        ("[ { trials = 8, epochs = 2 }, { trials = 4, epochs = 10 } ]", "search.rounds.1"),
        ("[ { trials = 8, epochs = 2 } ]", "search.rounds.1"),
    ],
)
def test_a_round_that_others_build_on_may_not_change(tmp_path: Path, other: str, which: str) -> None:
    (changed,) = changes(study(tmp_path), study(tmp_path, f"search.rounds={other}"))
    assert changed.startswith(f"{which}: was {{")


@pytest.mark.parametrize(
    ("overrides", "resumes"),
    [
        ((), True),
        (('resources.address="none"',), True),
        (('resources.address="none"', "search.rounds=[{trials=8,epochs=2}]"), False),
        (('resources.address="none"', "search.rounds=[{trials=8,epochs=2}]", "limits.epochs=9"), True),
        (("search.rounds=[{trials=8,epochs=2}]",), True),
    ],
    ids=["on Ray", "a later round", "one round in this process", "shares of the epochs", "a worker may be lost"],
)
def test_trials_may_be_resumed(tmp_path: Path, overrides: tuple[str, ...], resumes: bool) -> None:
    assert may_resume(study(tmp_path, *overrides)) == resumes
