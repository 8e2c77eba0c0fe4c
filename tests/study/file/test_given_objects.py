"""A Python object in a section of the study: the message names the argument for it."""

import inspect
from typing import Any

import pytest

from hpsearch.core.errors import StudyFileError
from hpsearch.study.definition import Study


def train(params: Any, run: Any) -> None: ...


class Sampler:
    def ask(self, history: Any) -> None: ...


SECTIONS: dict[str, Any] = {
    "study": {"name": "given", "metric": "val_loss", "goal": "minimize"},
    "trainer": {"use": "module:train", "epochs": 2},
    "space": {"lr": [0.1, 0.2]},
    "search": {"method": "random", "trials": 2},
}


@pytest.mark.parametrize(
    ("section", "content", "key", "argument"),
    [
        ("trainer", {"use": train, "epochs": 2}, "trainer.use", "trainer=train"),
        ("trainer", {"command": train, "epochs": 2}, "trainer.command", "trainer=train"),
        ("trainer", train, "trainer", "trainer=train"),
        ("search", {"use": Sampler()}, "search.use", "sampler=Sampler"),
        ("search", Sampler, "search", "sampler=Sampler"),
        ("prune", {"use": Sampler}, "prune.use", "pruner=Sampler"),
    ],
)
def test_the_argument_for_an_object(section: str, content: Any, key: str, argument: str) -> None:
    with pytest.raises(StudyFileError) as raised:
        Study.from_dict({**SECTIONS, section: content})
    fault = next(one for one in raised.value.faults if one.key == key)
    assert argument in fault.message


def test_help_does_not_print_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for function in (Study.from_dict, Study.load):
        assert "PATH" not in str(inspect.signature(function))
