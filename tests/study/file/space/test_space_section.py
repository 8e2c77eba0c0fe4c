"""[space] is written to the journal as it is read from there."""

import json

from hypothesis import given

from hpsearch.study.file.faults import Faults
from hpsearch.study.file.lines import Lines
from hpsearch.study.file.space import space_section
from hpsearch.study.space import Choice, Float, Int, Space
from tests.study.test_space import spaces


def parsed(table: object) -> Space | None:
    faults = Faults("here", Lines())
    space = space_section.parse(table, faults)
    faults.end()
    return space


@given(spaces().filter(lambda space: space.dimensions > 0))
def test_what_is_written_is_read_as_the_same_space(space):
    assert parsed(json.loads(json.dumps(space_section.written(space)))) == space


def test_all_that_a_parameter_may_say_is_written():
    space = Space(
        (
            Choice("kind", ("a", 2, 0.5, False)),
            Choice("other", ("x", "y"), when={"kind": ("a", 2)}),
            Float("lr", 1e-5, 1.0, log=True, points=4, expand=True),
            Float("drop", 0.0, 0.6, step=0.1, grid=(0.0, 0.5), when={"kind": (False,), "fixed": ("f",)}),
            Int("units", 0, 8, step=2),
        ),
        {"fixed": "f", "flag": False, "nothing": 0},
    )
    table = space_section.written(space)
    assert table == {
        "kind": ["a", 2, 0.5, False],
        "other": {"values": ["x", "y"], "when": {"kind": ["a", 2]}},
        "lr": {"low": 1e-05, "high": 1.0, "log": True, "points": 4, "expand": True},
        "drop": {
            **{"low": 0.0, "high": 0.6, "step": 0.1, "grid": [0.0, 0.5]},
            "when": {"kind": [False], "fixed": ["f"]},
        },
        "units": {"low": 0, "high": 8, "step": 2},
        **{"fixed": "f", "flag": False, "nothing": 0},
    }
    assert parsed(table) == space
