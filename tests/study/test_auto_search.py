"""[search] method = "auto"."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import StudyFileError
from hpsearch.orchestrator.build import rules
from hpsearch.study.auto_search import SEARCHES, Situation, choose
from hpsearch.study.definition import Study

USUAL = Situation(budget=400, epochs=20, workers=2)
SAVING = replace(USUAL, saves_state=True)


@pytest.mark.parametrize(
    ("now", "search"),
    [
        (USUAL, "tpe"),
        (replace(USUAL, workers=None), "tpe"),
        (replace(USUAL, budget=80), "random"),
        (replace(USUAL, workers=16), "random"),
        (replace(USUAL, points=20), "grid"),
        (replace(USUAL, points=21), "tpe"),
        (SAVING, "freeze-thaw"),
        (replace(SAVING, workers=16), "freeze-thaw"),
        (replace(SAVING, workers=17), "random"),
        (replace(SAVING, workers=None), "tpe"),
        (replace(SAVING, budget=40), "freeze-thaw"),
        (replace(SAVING, budget=39), "random"),
        (replace(SAVING, prunes=True), "tpe"),
    ],
)
def test_the_choice(now: Situation, search: str) -> None:
    found, why = choose(now)
    assert found == search
    assert why


def study(folder: Path | None = None, budget: int = 90, **others: dict[str, Any]) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "auto", "metric": "val_loss", "goal": "minimize"},
            "trainer": {"use": "trainer:train", "epochs": 9},
            "space": {"lr": {"low": 0.1, "high": 1.0}},
            "search": {"method": "auto", "budget": {"epochs": budget}},
            **others,
        },
        folder=folder,
    )


def chosen(one: Study) -> tuple[str, str | None, int | None]:
    assert one.search.auto is not None
    return one.search.auto.search, one.prune and one.prune.method, one.limits.epochs


def test_the_study_has_the_search_the_pruning_and_the_limit_of_epochs() -> None:
    assert chosen(study()) == ("tpe", "halving", 90)
    assert chosen(study(budget=30)) == ("random", "halving", 30)
    assert chosen(study(space={"n": {"low": 1, "high": 3}})) == ("grid", None, 90)
    assert chosen(study(prune={"method": "median"})) == ("tpe", "median", 90)
    assert chosen(study(limits={"epochs": 50})) == ("tpe", "halving", 50)
    assert rules(study()).epochs_key == "search.budget.epochs"
    assert rules(study(limits={"epochs": 50})).epochs_key == "limits.epochs"


@pytest.mark.parametrize(
    ("text", "use", "search"),
    [
        ("run.track(model=m)", "trainer:train", "freeze-thaw"),
        ("run.track(model=m)", "trainer.py:train", "freeze-thaw"),
        ("run.epochs_total", "trainer:train", "tpe"),
    ],
)
def test_freeze_thaw_for_few_workers_and_a_trainer_that_saves_its_state(
    tmp_path: Path, text: str, use: str, search: str
) -> None:
    (tmp_path / "trainer.py").write_text(f"def train(params, run):\n    {text}\n", encoding="utf-8")
    trainer = {"use": use, "epochs": 9}
    assert chosen(study(tmp_path, trainer=trainer, resources={"workers": 1}))[0] == search


@pytest.mark.parametrize(("resume", "search"), [({}, "tpe"), ({"resume": ["--resume"]}, "freeze-thaw")])
def test_freeze_thaw_for_a_command_with_resume(resume: dict[str, list[str]], search: str) -> None:
    words = ["train", "{lr}", "{checkpoint_dir}"]
    command = {"command": words, "epochs": 9, "metrics": {"val_loss": "{number}"}, **resume}
    assert chosen(study(trainer=command, resources={"workers": 2}))[0] == search


@pytest.mark.parametrize("recorded", list(SEARCHES))
def test_a_recorded_study_keeps_its_choice(recorded: str) -> None:
    spec = study().spec()
    spec["search"]["auto"] |= {"search": recorded, "why": "of an earlier rule"}
    space = {"n": {"low": 1, "high": 300}}
    kept = study(budget=180, space=space).with_recorded_rules(spec)
    assert kept.search.auto is not None
    assert (kept.search.auto.search, kept.search.auto.why) == (recorded, "of an earlier rule")
    assert kept.search.method == SEARCHES[recorded]["method"]
    assert kept.limits.epochs == 180


def test_the_choice_changes_nothing_that_may_not_change() -> None:
    small, large = study(), study(budget=180)
    assert large.with_recorded_rules(small.spec()).identity() == small.identity()


@pytest.mark.parametrize("budget", [8, 0])
def test_a_budget_of_less_than_one_training_is_a_fault(budget: int) -> None:
    with pytest.raises(StudyFileError) as refused:
        study(budget=budget)
    assert [fault.key for fault in refused.value.faults] == ["search.budget.epochs"]


def test_a_budget_is_needed_and_trials_are_unknown() -> None:
    with pytest.raises(StudyFileError) as refused:
        study(search={"method": "auto", "trials": 20})
    assert {fault.key for fault in refused.value.faults} == {"search.budget", "search.trials"}
    assert all("budget = { epochs = 400 }" in fault.message for fault in refused.value.faults)
