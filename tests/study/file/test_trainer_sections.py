"""[trainer] with a command: what is refused, each at its key."""

from collections.abc import Mapping
from typing import Any

import pytest

from hpsearch import Study, StudyFileError
from hpsearch.study.program import Program

COMMAND = ["python", "train.py", "--lr", "{lr}"]
METRICS = {"val_loss": "val_loss {number}"}


def study(trainer: Mapping[str, Any], space: Mapping[str, Any] | None = None, **sections: Any) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "s", "metric": "val_loss", "goal": "minimize"},
            "trainer": {"epochs": 3, **trainer},
            "space": space or {"lr": {"low": 1e-3, "high": 1.0}},
            "search": {"method": "random", "trials": 2},
            **sections,
        }
    )


def faults(trainer: Mapping[str, Any], space: Mapping[str, Any] | None = None, **sections: Any) -> set[str]:
    """The keys at fault."""
    with pytest.raises(StudyFileError) as raised:
        study(trainer, space, **sections)
    return {fault.key for fault in raised.value.faults}


def test_a_command() -> None:
    made = study({"command": COMMAND, "metrics": METRICS, "resume": ["--from", "{checkpoint_dir}"], "cwd": "scratch"})
    expected = Program(tuple(COMMAND), metrics=METRICS, resume=("--from", "{checkpoint_dir}"), in_scratch=True)
    assert made.trainer.program == expected


@pytest.mark.parametrize(
    ("use", "words"), [("train.py", ("python", "train.py")), ("bin/run.sh", ("bash", "bin/run.sh"))]
)
def test_a_script(use: str, words: tuple[str, ...]) -> None:
    made = study({"use": use})
    assert made.trainer.program == Program(words, "auto")


def test_a_function_is_no_program() -> None:
    assert study({"use": "mine:train"}).trainer.program is None
    assert study({"use": "mine.py:train"}).trainer.program is None


def test_what_is_recorded_is_the_same_study() -> None:
    made = study({"command": COMMAND, "metrics": METRICS})
    parts = {name: table for name, table in made.spec().items() if name not in ("journal", "tracking")}
    assert Study.from_dict(parts).trainer == made.trainer


def test_a_study_without_a_command_is_recorded_as_before() -> None:
    assert study({"use": "mine:train"}).spec()["trainer"].keys() == {"use", "epochs", "repeats", "options"}


TWO = {"lr": {"low": 1e-3, "high": 1.0}, "width": [1, 2]}


@pytest.mark.parametrize(
    ("trainer", "keys"),
    [
        ({"command": ["train", "--lr", "{lrr}"]}, {"trainer.command.2", "space.lr"}),
        ({"command": ["train", "{lr}", "{epochs ** 2}"]}, {"trainer.command.2"}),
        ({"command": ["train", "{lr}", "{__import__('os')}"]}, {"trainer.command.2"}),
        ({"command": ["train"]}, {"space.lr"}),
        ({"command": [*COMMAND], "options": {"depth": 3}}, {"trainer.options.depth"}),
        ({"command": [*COMMAND], "use": "mine:train"}, {"trainer.use"}),
        ({"command": []}, {"trainer.command"}),
        ({"command": COMMAND, "metrics": {"loss": "{number}"}}, {"trainer.metrics"}),
        ({"command": COMMAND, "metrics": {"val_loss": "val_loss"}}, {"trainer.metrics.val_loss"}),
        ({"command": COMMAND, "metrics": {"val_loss": "({number}"}}, {"trainer.metrics.val_loss"}),
        ({"command": COMMAND, "report": "SPS"}, {"trainer.report"}),
        ({"command": COMMAND, "metrics": METRICS, "take": "max"}, {"trainer.take"}),
        ({"command": COMMAND, "metrics_file": "*/metrics.csv"}, {"trainer.metrics_file"}),
        ({"command": COMMAND, "metrics": METRICS, "metrics_file": "train.log"}, {"trainer.metrics_file"}),
        ({"command": [*COMMAND, "{config_file}"]}, {f"trainer.command.{len(COMMAND)}"}),
        ({"command": COMMAND, "config": "base.yaml"}, {"trainer.config"}),
        ({"command": [*COMMAND, "{config_file}"], "config": "base.xml"}, {"trainer.config"}),
        ({"command": COMMAND, "resume": ["{lr}"]}, {"trainer.resume.0"}),
        ({"command": COMMAND, "repeats": 3}, {"trainer.repeats"}),
        ({"command": COMMAND, "validation": {"folds": 3}}, {"trainer.validation"}),
        ({"command": COMMAND, "style": "yaml"}, {"trainer.style"}),
        ({"use": "mine:train", "terminal": True, "metrics": METRICS}, {"trainer.terminal", "trainer.metrics"}),
        ({}, set()),
    ],
)
def test_a_fault(trainer: dict[str, Any], keys: set[str]) -> None:
    if keys:
        assert faults(trainer) == keys


def test_all_unused_parameters_are_named() -> None:
    assert faults({"command": ["train"]}, TWO) == {"space.lr", "space.width"}
    study({"command": ["train"], "style": "argparse"}, TWO)
    study({"command": ["train", "{params_file}"]}, TWO)
    study({"use": "train.py"}, TWO)


def test_a_parameter_with_the_name_of_a_placeholder() -> None:
    space = {"seed": [1, 2]}
    assert faults({"command": ["train", "{seed}"]}, space) == {"space.seed"}
    study({"use": "train.py"}, space)
    study({"use": "train.py", "options": {"epochs": "{epochs}"}})


def test_what_needs_a_model_in_python() -> None:
    auto = {"lr": {"auto": True}}
    assert faults({"command": COMMAND}, auto) == {"space.lr"}
    assert faults({"command": COMMAND}, lr_range={}) == {"lr_range"}


def test_placeholders_that_repeats_and_folds_need() -> None:
    study({"command": [*COMMAND, "{seed}"], "repeats": 3})
    study({"use": "train.py", "options": {"fold": "{fold}"}, "validation": {"folds": 3}})


def test_neither() -> None:
    with pytest.raises(StudyFileError) as raised:
        study({"use": "hpsearch:command"})
    assert [fault.key for fault in raised.value.faults] == ["trainer.use"]


def test_lists_and_tables_as_options() -> None:
    options = {"layers": [64, [1, True]], "optimizer": {"name": "sgd", "betas": [0.9]}}
    made = study({"use": "trainer:train", "options": options})
    assert made.trainer.options == options
    assert made.spec()["trainer"]["options"] == options


def test_tables_as_options_of_a_program() -> None:
    """A dot in the name of an option is one of the name, quoted or not."""
    options = {"layers": [64, 32], "optimizer": {"name": "sgd", "adam": {"betas": [0.9]}}, "steps": "{epochs}"}
    made = study({"use": "train.py", "options": options})
    assert made.trainer.options == {
        "layers": [64, 32],
        "optimizer.name": "sgd",
        "optimizer.adam.betas": [0.9],
        "steps": "{epochs}",
    }
