from dataclasses import dataclass
from typing import Literal

import pytest

from trainers.kit import ranges
from trainers.kit.ranges import (
    Fraction,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
    Within,
)


@dataclass(frozen=True)
class Some(ranges.Settings):
    lr: PositiveFloat = 1.0
    decay: NonNegativeFloat = 0.0
    dropout: Fraction = 0.0
    flip: Probability = 0.0
    units: PositiveInt = 1
    layers: NonNegativeInt = 0
    momentum: Fraction | None = None
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class More(Some):
    lr: PositiveFloat = 2.0
    further: PositiveInt = 3


def test_values_in_their_ranges_are_taken_with_the_ends_that_belong_to_them():
    Some(lr=1e-9, decay=0, dropout=0.0, flip=1.0, units=1, layers=0, momentum=None, kind="b")
    assert More().lr == 2.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"lr": 0.0}, "lr must be > 0, got 0.0"),
        ({"decay": -1.0}, "decay must be >= 0, got -1.0"),
        ({"dropout": 1.0}, "dropout must be >= 0 and < 1, got 1.0"),
        ({"flip": 1.5}, "flip must be >= 0 and <= 1, got 1.5"),
        ({"units": 0}, "units must be >= 1, got 0"),
        ({"layers": -1}, "layers must be >= 0, got -1"),
        ({"momentum": 1.0}, "momentum must be >= 0 and < 1, got 1.0"),
        ({"lr": float("nan")}, "lr must be > 0, got nan"),
        ({"kind": "c"}, "kind must be one of 'a', 'b', got 'c'"),
    ],
)
@pytest.mark.parametrize("made", [Some, More])
def test_a_value_out_of_range_is_named_with_its_range(made, values, said):
    with pytest.raises(ValueError, match=r"test_ranges\.(Some|More): ") as refused:
        made(**values)
    assert said in str(refused.value)


def test_all_faults_are_said_at_once():
    with pytest.raises(ValueError, match=r"lr must .*; units must .*; further must "):
        More(lr=-1.0, units=0, further=0)


def test_a_range_with_both_ends_left_out():
    inside = Within(0, 1, above=True, below=True)
    assert [inside.contains(value) for value in (0, 0.5, 1)] == [False, True, False]
    assert str(inside) == "> 0 and < 1"
