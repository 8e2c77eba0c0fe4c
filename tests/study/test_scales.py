"""Scales of a range: the map to the unit cube, and the errors of the study file."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.study.file.space import space_section
from hpsearch.study.scales import CurvedScale
from hpsearch.study.space import Float, Space
from tests.study.file.space.test_space_section import parsed
from tests.support.study_text import LR, study_file_errors

UNIT = st.floats(0, 1)
LOGIT = Float("momentum", 0.001, 0.999, scale="logit")
REVERSE = Float("beta", 0.9, 0.9999, scale="reverse-log")


@pytest.mark.parametrize("parameter", [LOGIT, REVERSE])
@given(u=UNIT)
def test_values_are_in_the_range_and_map_back(parameter: Float, u: float) -> None:
    value = parameter.from_unit(u)
    assert parameter.low <= value <= parameter.high
    assert math.isclose(parameter.to_unit(value), u, abs_tol=1e-6)


def test_a_logit_range_has_as_many_values_near_0_as_near_1() -> None:
    assert LOGIT.from_unit(0.5) == pytest.approx(0.5)
    assert LOGIT.from_unit(0.25) == pytest.approx(1 - LOGIT.from_unit(0.75))
    assert LOGIT.from_unit(0.25) < 0.05


def test_a_reverse_log_range_has_as_many_values_in_each_decade_of_the_distance_to_1() -> None:
    assert [REVERSE.to_unit(value) for value in (0.99, 0.999)] == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize("scale", ["logit", "reverse-log"])
def test_values_outside_of_the_domain_are_outside_of_the_unit_cube(scale: CurvedScale) -> None:
    parameter = Float("x", 0.1, 0.9, scale=scale)
    assert parameter.to_unit(1.0) == math.inf
    assert parameter.to_unit(2.0) == math.inf
    assert parameter.to_unit(0.0) < 0


def test_is_written_and_read() -> None:
    space = Space((Float("x", 0.1, 0.9, scale="logit"), Float("y", 0.1, 1.0, log=True)))
    table = {"x": {"low": 0.1, "high": 0.9, "scale": "logit"}, "y": {"low": 0.1, "high": 1.0, "scale": "log"}}
    assert parsed(table) == space
    assert parsed(space_section.written(space)) == space


@pytest.mark.parametrize(
    "entry",
    [
        '{ low = 0.0, high = 0.5, scale = "logit" }',
        '{ low = 0.5, high = 1.0, scale = "logit" }',
        '{ low = 0.5, high = 1.0, scale = "reverse-log" }',
        '{ low = 0.0, high = 0.5, scale = "log" }',
        '{ low = 0, high = 5, scale = "reverse-log" }',
        '{ low = 0.1, high = 0.5, scale = "logit", log = true }',
        '{ low = 0.1, high = 0.5, scale = "logit", step = 0.1 }',
    ],
)
def test_faults(entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = study_file_errors((LR, entry))
    assert found.startswith("study.toml:10 space.lr:")
