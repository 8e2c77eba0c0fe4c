"""The forms of an entry of [space]: a range, values, and a learning rate with auto = true; and the keys `prior`,
`was` and `renamed`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from hpsearch.core.trial import Value
from hpsearch.study.earlier_names import Earlier
from hpsearch.study.file.faults import Faults, literal
from hpsearch.study.file.kinds import (
    Allowed,
    NestedValue,
    Number,
    RecordableName,
    Yes,
)
from hpsearch.study.file.known_points import must_be
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.file.section import Section
from hpsearch.study.priors import Prior
from hpsearch.study.space import Float, Parameter, Space, holds_value

WHEN = 'active only if other parameters have these values, or values such as ">= 3"'

AUTO_LOW, AUTO_HIGH = 1e-7, 10.0
"""Default bounds of the learning-rate range test."""

Searched = TypeVar("Searched", bound=Parameter)


class EarlierKeys(BaseModel):
    """For earlier results. Of ranges, choices and learning rates with auto = true."""

    was: NestedValue | None = Field(
        None, description="the value before this parameter was added, for earlier results that do not have it"
    )
    renamed: RecordableName | None = Field(None, description="the former name of this parameter, in earlier results")


class PriorEntry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    value: NestedValue = Field(description="the value that you expect to be good")
    weight: Literal["weak", "strong"] = Field("weak", description='how sure you are: "weak" or "strong"')


class PriorKey(BaseModel):
    """Of ranges and choices."""

    prior: PriorEntry | None = Field(
        None, description='the expected value: { value = 1e-3, weight = "strong" }; the first trials are near it'
    )


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


# Keys with values of the parameter: they are checked when the parameter is known ────────────────


def with_prior(parameter: Searched, entry: PriorEntry | None, path: KeyPath, faults: Faults) -> Searched:
    """The parameter with its prior; without it if the prior has a fault, which is added to `faults`."""
    if entry is None:
        return parameter
    value: Value = float(entry.value) if isinstance(parameter, Float) and type(entry.value) is int else entry.value
    if parameter.count == 1:
        faults.add((*path, "prior"), "has no effect: the parameter has one value only")
    elif not holds_value(parameter, value):
        faults.add((*path, "prior", "value"), must_be([parameter], value))
    else:
        return replace(parameter, prior=Prior(value, entry.weight))
    return parameter


def with_earlier(space: Space, table: Mapping[str, Any], names: Collection[str], faults: Faults) -> dict[str, Earlier]:
    """The keys `was` and `renamed`, by the name of the parameter or family. space: without entries that have faults.
    table: [space] with whole names. names: of all entries."""
    found: dict[str, Earlier] = {}
    former: dict[str, str] = {}
    members = {one.name: one.members[0] for one in space.families}
    for name, raw in table.items():
        for at, entry in _entries(raw):
            was, renamed = entry.get("was"), entry.get("renamed", "")
            if not isinstance(renamed, str):
                continue
            own = [one for one in space.parameters if one.name == members.get(name, name)]
            if was is not None and own and not any(holds_value(one, was) for one in own):
                faults.add(("space", name, *at, "was"), must_be(own, was))
            if renamed and renamed in names:
                faults.add(("space", name, *at, "renamed"), f"is the name of another parameter, got {literal(renamed)}")
            elif former.setdefault(renamed, name) != name and renamed:
                problem = f"is the former name of `{former[renamed]}` too, got {literal(renamed)}"
                faults.add(("space", name, *at, "renamed"), problem)
            if was is not None or renamed:
                before = found.get(name, Earlier())
                found[name] = Earlier(before.was if was is None else was, renamed or before.renamed)
    return found


def written_earlier(earlier: Earlier | None) -> dict[str, Any]:
    """The keys `was` and `renamed` of an entry."""
    table = {"was": earlier.was, "renamed": earlier.renamed or None} if earlier else {}
    return {key: value for key, value in table.items() if value is not None}


def _entries(raw: object) -> Iterator[tuple[Sequence[int], Mapping[str, Any]]]:
    if isinstance(raw, dict):
        yield (), raw
    elif isinstance(raw, list):
        yield from (((place,), one) for place, one in enumerate(raw) if isinstance(one, dict) and "when" in one)
