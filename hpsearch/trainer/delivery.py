"""From the recorded parameters of a trial to the values that its trainer gets."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hpsearch.core.trial import Params
from hpsearch.study.space import Choice, Space

NONE = "none"
"""The text that a trainer receives as None, if the study file (`none = true`) or an annotation requires it. It is
recorded as text, since None in a table means that the trial does not have the parameter."""


def delivered(space: Space, params: Params) -> dict[str, Any]:
    """The parameters with a list for each family, and None for the value "none" of a choice with none = true."""
    optional = {one.name for one in space.parameters if isinstance(one, Choice) and one.none and one.is_in(params)}
    found = {name: None if name in optional and value == NONE else value for name, value in params.items()}
    for family in space.families:
        members = [found.pop(name) for name in family.members if name in found]
        if members or family.count in params:
            found[family.name] = members
    return found


def delivered_names(space: Space, names: Iterable[str]) -> set[str]:
    """The names under which a trainer gets these parameters."""
    lists = {member: family.name for family in space.families for member in family.members}
    return {lists.get(name, name) for name in names}


def head(name: str) -> str:
    """The part before the first dot: "optimizer" for "optimizer.lr"."""
    return name.partition(".")[0]


def nested(params: Mapping[str, Any]) -> dict[str, Any]:
    """{"optimizer.lr": 0.1} -> {"optimizer": {"lr": 0.1}}, at any depth."""
    found: dict[str, Any] = {}
    for name, value in params.items():
        *groups, last = name.split(".")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return found


def grouped(params: Params, known: Collection[str]) -> dict[str, Any]:
    """The parameters by argument; known: the names of the arguments. "optimizer.lr" becomes `lr` in a table `optimizer`
    if `optimizer` is an argument and "optimizer.lr" is not."""
    inner: dict[str, dict[str, Any]] = {}
    found: dict[str, Any] = {}
    for name, value in params.items():
        group, dot, rest = name.partition(".")
        if dot and name not in known and group in known:
            found.setdefault(group, inner.setdefault(group, {}))[rest] = value
        else:
            found[name] = value
    return found
