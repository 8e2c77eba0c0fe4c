"""The searched parameters that a trainer does not use, each with the name that was probably meant."""

import pytest

from hpsearch.core.messages import Unread
from hpsearch.study.space import Choice, Space
from hpsearch.trainer.parameter_reads import nearest, unused

SPACE = Space((Choice("learning_rate", (0.1, 0.2)), Choice("hidden", (3, 4))))


def test_a_parameter_that_is_not_among_the_used_names() -> None:
    found = unused(SPACE, {"lr", "hidden"}, {"learning_rate", "hidden"})
    assert found == {"learning_rate": Unread(("learning_rate",), ("lr",))}


def test_the_source_does_not_show_what_is_used() -> None:
    assert unused(SPACE, None, {"learning_rate", "hidden"}) == {}


@pytest.mark.parametrize(
    ("name", "others", "meant"),
    [
        ("learning_rate", {"lr", "hidden"}, "lr"),
        ("lr", {"learning_rate", "hidden"}, "learning_rate"),
        ("weight_decay", {"wd", "decoder"}, "wd"),
        ("batchsize", {"batch_size"}, "batch_size"),
        ("batch_size", {"batch"}, "batch"),
        ("dropuot", {"dropout", "depth"}, "dropout"),
        ("learningRate", {"learning_rate"}, "learning_rate"),
        ("hidden", {"lr", "momentum"}, ""),
        ("x", set(), ""),
    ],
)
def test_the_name_that_was_meant(name: str, others: set[str], meant: str) -> None:
    assert nearest(name, others) == meant
