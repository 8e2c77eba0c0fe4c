"""Parameter sets in a study file (search.first): completed, and checked against the space."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from hpsearch.core.trial import Params, Value
from hpsearch.study.file.faults import did_you_mean, literal
from hpsearch.study.space import Choice, Float, Parameter, Space, holds_value, is_active


def points(space: Space, given: Sequence[Mapping[str, Any]] | None) -> tuple[Params, ...]:
    """The parameters of the first trials, from search.first."""
    return tuple(completed(space, one) for one in given or ())


def completed(space: Space, given: Mapping[str, Any]) -> dict[str, Value]:
    """The parameters of a trial, with fixed values, dotted names, and a value for each member of a family."""
    return {**space.fixed, **{name: _typed(space, name, value) for name, value in flat(space, given)}}


def flat(space: Space, given: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, Value]]:
    """The values by dotted names, lists of families as one value for each member."""
    names = {*space.fixed, *(one.name for one in space.parameters)}
    families = {one.name: one.members for one in space.families}
    for key, value in given.items():
        name = f"{group}{key}"
        if name in families and isinstance(value, list) and len(value) <= len(families[name]):
            yield from zip(families[name], value, strict=False)
        elif isinstance(value, dict) and name not in names:
            yield from flat(space, value, f"{name}.")
        else:
            yield name, value


def single_problems(readable: Space, given: Mapping[str, Any], names: Collection[str]) -> Iterator[tuple[str, str]]:
    """The faults of single values, each with the name of the parameter, for a [space] that has faults itself.

    readable: its entries without faults. names: of all its entries.
    """
    groups = {name[: place + 1] for name in names for place, letter in enumerate(name) if letter == "."}
    for name in given:
        if name not in names and name.rpartition("_")[0] not in names and f"{name}." not in groups:
            yield name, f"`{name[:60]}` is not a parameter of [space]{did_you_mean(name, names)}"
    families = {member: one.name for one in readable.families for member in one.members}
    for name, value in completed(readable, given).items():
        own = [one for one in readable.parameters if one.name == name]
        if name in readable.fixed:
            if literal(value) != literal(readable.fixed[name]):
                yield name, _is_fixed(readable, name, value)
        elif own and not any(holds_value(one, value) for one in own):
            yield families.get(name, name), must_be(own, value)


def _is_fixed(space: Space, name: str, value: Value) -> str:
    return f"[space] fixes it at {literal(space.fixed[name])}, got {literal(value)}"


def must_be(own: Sequence[Parameter], value: Value) -> str:
    """The message for a value that none of these parameters has. own: the alternatives of one parameter."""
    return f"must be {' or '.join(dict.fromkeys(map(_values_text, own)))}, got {literal(value)}"


def _typed(space: Space, name: str, value: Value) -> Value:
    """A whole number becomes a float for a float parameter."""
    own = [one for one in space.parameters if one.name == name]
    return float(value) if type(value) is int and own and all(isinstance(one, Float) for one in own) else value


def problems(space: Space, params: Params) -> Iterator[tuple[str, str]]:
    """Each fault of a completed set, with the name of the parameter, or "" if it concerns several."""
    families = {member: one.name for one in space.families for member in one.members}
    names = [*dict.fromkeys(families.get(one.name, one.name) for one in space.parameters), *space.fixed]
    active = {one.name: one for one in space.parameters if is_active(one, params)}
    searched = {one.name for one in space.parameters}
    for name, value in params.items():
        key = families.get(name, name)
        if name in space.fixed:
            if literal(value) != literal(space.fixed[name]):
                yield key, _is_fixed(space, name, value)
        elif family := next((one for one in space.families if one.name == name), None):
            yield key, f"must be a list of `{family.count}` values, at most {len(family.members)}, got {literal(value)}"
        elif name not in searched:
            yield key, f"`{name[:60]}` is not a parameter of [space]{did_you_mean(name, names)}"
        elif name not in active:
            yield key, "is not active with the other values (`when`); leave it out"
        elif not holds_value(active[name], value):
            yield key, must_be([active[name]], value)
    lists = {one.name: sum(member in params for member in one.members) for one in space.families}
    for name in dict.fromkeys(
        families.get(name, name) for name in active if name not in params and families.get(name) not in params
    ):
        if given := lists.get(name):
            length = sum(families.get(member) == name for member in active)
            yield name, f"must have {length} values, got {given}"
        else:
            yield "", f"needs a value for `{name}`"
    for constraint in space.constraints:
        if not constraint.holds(params):
            yield "", f"breaks the constraint `{constraint.text[:60]}`"


def _values_text(parameter: Parameter) -> str:
    """The values that a parameter may have."""
    if isinstance(parameter, Choice):
        return f"one of {', '.join(map(literal, parameter.values[:20]))}"
    step = f", in steps of {parameter.step}" if parameter.step else ""
    return f"a number from {parameter.low} to {parameter.high}{step}"
