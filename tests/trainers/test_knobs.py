from dataclasses import dataclass
from typing import Literal

import pytest

from trainers.kit import knobs
from trainers.kit.knobs import Chance, Count, NotNegative, Positive, Share, Whole, Within


@dataclass(frozen=True)
class Some(knobs.Knobs):
    lr: Positive = 1.0
    decay: NotNegative = 0.0
    dropout: Share = 0.0
    flip: Chance = 0.0
    units: Count = 1
    layers: Whole = 0
    momentum: Share | None = None
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class More(Some):
    lr: Positive = 2.0
    further: Count = 3


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
def test_a_value_that_no_knob_takes_is_named_with_its_range(made, values, said):
    with pytest.raises(ValueError, match=r"test_knobs\.(Some|More): ") as refused:
        made(**values)
    assert said in str(refused.value)


def test_all_faults_are_said_at_once():
    with pytest.raises(ValueError, match=r"lr must .*; units must .*; further must "):
        More(lr=-1.0, units=0, further=0)


def test_a_range_with_both_ends_left_out():
    inside = Within(0, 1, above=True, below=True)
    assert [inside.holds(value) for value in (0, 0.5, 1)] == [False, True, False]
    assert str(inside) == "> 0 and < 1"
