"""trainer.steps: a length in training steps, and the defaults that follow from it."""

from typing import Any

import pytest

from hpsearch import Study, StudyFileError
from hpsearch.study.placeholders import built_in, is_known, used
from hpsearch.study.schedule import STEP, BudgetSchedule, first_rung


def study(trainer: dict[str, Any], **sections: Any) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "s", "metric": "val_loss", "goal": "minimize"},
            "trainer": trainer if "command" in trainer else {"use": "mine:train", **trainer},
            "space": {"lr": {"low": 1e-3, "high": 1.0}},
            "search": {"method": "random", "trials": 2},
            **sections,
        }
    )


def faults(trainer: dict[str, Any], **sections: Any) -> set[str]:
    with pytest.raises(StudyFileError) as raised:
        study(trainer, **sections)
    return {fault.key for fault in raised.value.faults}


def test_steps_are_the_length_and_the_word() -> None:
    made = study({"steps": 10_000})
    assert (made.trainer.epochs, made.trainer.word, made.objective.unit) == (10_000, "step", "step")
    assert study({"epochs": 9}).objective.unit == "epoch"
    assert study({"epochs": 9, "unit": "evaluation"}).objective.unit == "evaluation"
    assert study({"steps": 9, "unit": "evaluation"}).trainer.word == "evaluation"


def test_what_is_recorded_is_the_same_length_and_word() -> None:
    made = study({"steps": 10_000})
    again = Study.from_dict({name: made.spec()[name] for name in ("study", "trainer", "space", "search")})
    assert (again.trainer.epochs, again.trainer.word) == (10_000, "step")
    assert again.identity() == made.identity() == study({"epochs": 10_000}).identity()


@pytest.mark.parametrize(
    ("trainer", "keys"),
    [
        ({"steps": 100, "epochs": 5}, {"trainer.steps"}),
        ({"steps": 0}, {"trainer.steps"}),
        ({"steps": 1.5}, {"trainer.steps"}),
        ({"steps": True}, {"trainer.steps"}),
        ({"steps": 100, "unit": "steps"}, {"trainer.unit"}),
        ({"unit": "step"}, {"trainer.epochs"}),
    ],
)
def test_wrong_forms(trainer: dict[str, Any], keys: set[str]) -> None:
    assert faults(trainer) == keys


def test_messages_name_the_key_that_the_file_has() -> None:
    rounds = {"method": "coarse-to-fine", "rounds": [{"trials": 2, "epochs": 200}]}
    with pytest.raises(StudyFileError, match=r"<= 100, trainer\.steps"):
        study({"steps": 100}, search=rounds)


@pytest.mark.parametrize(
    ("prune", "key", "in_steps", "in_epochs"),
    [
        ({"method": "halving"}, "min_epochs", 123, 1),
        ({"method": "hyperband", "eta": 4}, "min_epochs", 39, 1),
        ({"method": "halving", "min_epochs": 7}, "min_epochs", 7, 7),
        ({"method": "median"}, "warmup_epochs", 100, 1),
        ({"method": "median", "warmup_epochs": 0}, "warmup_epochs", 0, 0),
    ],
)
def test_defaults_of_prune(prune: dict[str, Any], key: str, in_steps: int, in_epochs: int) -> None:
    assert getattr(study({"steps": 10_000}, prune=prune).prune, key) == in_steps
    assert getattr(study({"epochs": 10_000}, prune=prune).prune, key) == in_epochs
    assert getattr(study({"steps": 10_000, "unit": "evaluation"}, prune=prune).prune, key) == in_epochs


def test_rungs_are_shares_of_the_steps() -> None:
    assert BudgetSchedule(200_000, 10_000, STEP).resources == (1111, 3333, 10_000)
    assert BudgetSchedule(200, 10_000).resources[0] == 5
    assert first_rung(10, STEP, 3) == 1


def test_the_placeholder() -> None:
    command = {"command": ["train", "--lr", "{lr}", "--steps={steps}", "{steps // 2}"]}
    assert study({**command, "steps": 100}).trainer.program is not None
    assert faults({**command, "epochs": 100}) == {"trainer.command.3", "trainer.command.4"}
    space = {"lr": {"low": 1e-3, "high": 1.0}, "steps": [1, 2]}
    assert faults({**command, "steps": 100}, space=space) == {"space.steps"}
    own = {"command": ["train", "--lr", "{lr}", "{steps}"], "epochs": 100}
    assert study(own, space=space).trainer.program is not None
    assert is_known("steps * 2", (), built_in(in_steps=True))
    assert used("{steps * 2} {steps}") == {"steps"}
