"""Converts results of other studies and other programs to trials of a study's space, or gives the reason why not."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hpsearch.core.format import many, number, value_text
from hpsearch.core.trial import Params, Value
from hpsearch.study.cells import value_of
from hpsearch.study.space import Choice, Parameter, Space, is_active, offers


class Why(StrEnum):
    """Why an earlier result is not used. The values are part of `--json`.

    MISSING: it has no value of a searched parameter. KIND: a value has another kind, such as a text for a number.
    OUTSIDE: a value is outside of its range. DROPPED: a value is not one of the choice. FIXED: the study has another
    fixed value. CONSTRAINT: it breaks a constraint. FAILED: its training failed. NO_VALUE: it never reported the
    metric. DUPLICATE: an earlier result has the same parameters and value. SHORTER: it was trained for fewer epochs
    than the others.
    """

    MISSING = "missing"
    KIND = "kind"
    OUTSIDE = "outside"
    DROPPED = "dropped"
    FIXED = "fixed"
    CONSTRAINT = "constraint"
    FAILED = "failed"
    NO_VALUE = "no_value"
    DUPLICATE = "duplicate"
    SHORTER = "shorter"


@dataclass(frozen=True)
class Unusable:
    """about: the parameter or the constraint; "" for none. limit: the range or the fixed value."""

    kind: Why
    about: str = ""
    limit: str = ""

    @property
    def text(self) -> str:
        match self.kind:
            case Why.MISSING:
                return (
                    f"no value of `{self.about}`; if it was constant then, write `was = VALUE` in its entry of [space]"
                )
            case Why.KIND:
                return f"`{self.about}` is not {self.limit}"
            case Why.OUTSIDE:
                return f"`{self.about}` is outside of {self.limit}"
            case Why.DROPPED:
                return f"`{self.about}` is not one of {self.limit}"
            case Why.FIXED:
                return f"`{self.about}` is not {self.limit}, its fixed value in [space]"
            case Why.CONSTRAINT:
                return f"breaks the constraint `{self.about}`"
            case Why.FAILED:
                return "failed"
            case Why.NO_VALUE:
                return f"no value of the metric `{self.about}`"
            case Why.SHORTER:
                return "trained for fewer epochs than the others"
        return "the same parameters and value as an earlier one"


@dataclass(frozen=True)
class LeftOut:
    """The earlier results that cannot be used for one reason."""

    reason: Unusable
    trials: int

    def document(self) -> dict[str, Any]:
        return {"reason": self.reason.kind.value, "about": self.reason.about, "trials": self.trials}

    @property
    def text(self) -> str:
        return f"{many(self.trials, 'trial')}: {self.reason.text}"


def counted(reasons: Iterable[Unusable]) -> tuple[LeftOut, ...]:
    """The most frequent first."""
    return tuple(LeftOut(reason, count) for reason, count in Counter(reasons).most_common())


def fitted(space: Space, given: Params, searched: Collection[str] | None = None) -> dict[str, Value] | Unusable:
    """The parameters of an earlier result in this space, or the reason why it cannot be used.

    Former names are translated, and missing parameters get the value of `was`. Parameters that the space does not have
    are left out. searched: the parameters that were searched then; None: all. Only for these the value must equal a
    fixed value of the space: results that all have another batch size can be used.
    """
    values = _renamed(space, given)
    params: dict[str, Value] = dict(space.fixed)
    for name, value in space.fixed.items():
        was_searched = searched is None or name in searched
        if was_searched and name in values and value_of(Choice(name, (value,)), values[name]) is None:
            return Unusable(Why.FIXED, name, value_text(value))
    families = {member: one.name for one in space.families for member in one.members}
    for parameter in space.parameters:
        if not is_active(parameter, params):
            continue
        name = parameter.name
        earlier = space.earlier.get(families.get(name, name))
        cell = values.get(name, earlier.was if earlier else None)
        if cell is None and not (isinstance(parameter, Choice) and name in values):
            return Unusable(Why.MISSING, name)
        found = _value(parameter, cell)
        if isinstance(found, Unusable):
            return found
        params[name] = found
    for constraint in space.constraints:
        if not constraint.holds(params):
            return Unusable(Why.CONSTRAINT, constraint.text)
    return params


def _value(parameter: Parameter, cell: Any) -> Value | Unusable:
    value = value_of(parameter, cell)
    if isinstance(parameter, Choice):
        if value is None or not offers(parameter, value):
            return Unusable(Why.DROPPED, parameter.name, ", ".join(map(value_text, parameter.values[:20])))
        return value
    if value is None:
        whole = "a whole number" if isinstance(parameter.low, int) else "a number"
        return Unusable(Why.KIND, parameter.name, whole)
    slack = 1e-9 * max(abs(parameter.low), abs(parameter.high))
    if not parameter.low - slack <= value <= parameter.high + slack:
        return Unusable(Why.OUTSIDE, parameter.name, f"[{number(parameter.low)}, {number(parameter.high)}]")
    return value


def ignored(space: Space, given: Params) -> list[str]:
    """The parameters of an earlier result that the space does not have."""
    names = {*space.fixed, *(one.name for one in space.parameters)}
    return [name for name in _renamed(space, given) if name not in names]


def _renamed(space: Space, given: Params) -> Mapping[str, Value]:
    """With the present names. An axis such as "lr (optimizer = sgd)" gets the name of its parameter."""
    families = {one.name: one for one in space.families}
    today = {one.axis: one.name for one in space.parameters if one.axis}
    for name, earlier in space.earlier.items():
        if earlier.renamed and name in families:
            members = enumerate(families[name].members, 1)
            today |= {f"{earlier.renamed}_{place}": member for place, member in members}
        elif earlier.renamed:
            today[earlier.renamed] = name
    return {today.get(name, name): value for name, value in sorted(given.items(), key=lambda one: one[0] not in today)}
