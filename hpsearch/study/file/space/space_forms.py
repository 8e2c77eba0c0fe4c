"""The forms of an entry of [space]: a range, values, and a learning rate with auto = true."""

from typing import Annotated, Literal

from pydantic import Field

from hpsearch.study.file.kinds import (
    Allowed,
    NestedValue,
    Number,
    Yes,
)
from hpsearch.study.file.section import Section
from hpsearch.study.file.space.earlier_keys import EarlierKeys
from hpsearch.study.file.space.prior_entry import PriorKey

WHEN = 'active only if other parameters have these values, or values such as ">= 3"'


class Range(Section, EarlierKeys, PriorKey):
    """A range of numbers; of whole numbers if low, high and step are whole."""

    low: Number = Field(description="lowest value")
    high: Number = Field(description="highest value")
    log: bool = Field(False, description="log-uniform")
    scale: Literal["log", "logit", "reverse-log"] | None = Field(None, description="uniform on this scale")
    step: Number | None = Field(None, description="only the values low, low + step, …")
    powers_of: Annotated[int, Field(ge=2)] | None = Field(
        None, description="only whole powers of this number, evenly on a log scale"
    )
    when: dict[str, Allowed] = Field({}, description=WHEN)
    grid: tuple[Number, ...] = Field((), strict=False, description="values in a grid search")
    points: Annotated[int, Field(ge=2, le=10_000)] | None = Field(None, description="number of values in a grid search")
    expand: bool = Field(False, description="a search in rounds may move the range beyond low and high")
    digits: Annotated[int, Field(ge=1, le=15)] | None = Field(
        None, description="significant digits of each value; default: few, such as 0.2278 (see study.numbers)"
    )


AUTO_LOW, AUTO_HIGH = 1e-7, 10.0
"""Default bounds of the learning-rate range test."""


class Auto(Section, EarlierKeys):
    """A learning rate; the range test finds its search range before the first trial."""

    auto: Yes = Field(description="take the range from the range test")
    low: Number = Field(AUTO_LOW, description="lowest learning rate of the test")
    high: Number = Field(AUTO_HIGH, description="highest learning rate of the test")
    when: dict[str, Allowed] = Field({}, description=WHEN)
    points: Annotated[int, Field(ge=2, le=10_000)] | None = Field(None, description="number of values in a grid search")
    expand: bool = Field(False, description="a search in rounds may move the range beyond what the test found")


class Values(Section, EarlierKeys, PriorKey):
    """A choice, written as a table: it may have a condition and names."""

    values: tuple[NestedValue, ...] = Field(strict=False, min_length=1, description="the values to choose from")
    when: dict[str, Allowed] = Field({}, description=WHEN)
    names: tuple[str, ...] = Field((), strict=False, description="a short name for each value, for screens and plots")
    none: bool | None = Field(
        None,
        description='the trainer gets None for the value "none"; default: true if no other value is a string',
    )
