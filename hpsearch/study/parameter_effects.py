"""Searched parameters without an effect, according to `WHEN` of the trainer's dataclass.

WHEN = {"momentum": {"optimizer": ("sgd", "rmsprop")}}: momentum has an effect only if the optimizer has one of these
values. In place of values, "nonzero" stands for any number but 0 or a text, "zero" for 0 or the empty text. A list of
such tables: one of them is enough; an empty list: the parameter never has an effect. The names "run.device" and
"study.metric" refer to the study.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hpsearch.core.trial import Value, value_key
from hpsearch.study.conditions import Condition
from hpsearch.study.definition import Study
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.space import Choice, Parameter, is_active

Need = tuple[Any, ...] | str
"""Values, one of which is needed; or "nonzero", "zero"."""

Alternative = Mapping[str, Need]

MAX_VALUES, MAX_SETS = 12, 5_000
"""The most values of one parameter, and the most sets of values, that are examined."""

METRIC = "study.metric"


@dataclass(frozen=True)
class ParameterEffects:
    """when: as WHEN, with a list of alternatives for each parameter. defaults: default values by parameter."""

    when: Mapping[str, Sequence[Alternative]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


def without_effect(study: Study, effects: ParameterEffects) -> Iterator[tuple[KeyPath, str]]:
    """The key in the study file, and the message."""
    if not effects.when:
        return
    settings = {
        **effects.defaults,
        **study.trainer.options,
        **study.space.fixed,
        METRIC: study.study.metric,
        "run.device": "cuda" if study.resources.per_trial.gpus or study.resources.address == "none" else "cpu",
    }
    searched = {one.name: one for one in study.space.parameters}
    for name, one in searched.items():
        if name in effects.when and (message := _message(one, effects.when[name], searched, settings)):
            yield ("space", name), message
    for table, fixed in ((("trainer", "options"), study.trainer.options), (("space",), study.space.fixed)):
        for name, value in fixed.items():
            alternatives = effects.when.get(name)
            is_set = value and value != effects.defaults.get(name)
            if alternatives is not None and is_set and not any("." in other for one in alternatives for other in one):
                sets = list(_sets(Choice(name, (value,)), _named(name, {}, alternatives, searched), settings))
                if not any(_acts(alternatives, values) for values in sets):
                    text = f"has no effect: {_needed(_missing(alternatives, sets), alternatives, effects.defaults)}"
                    yield (*table, name), f"{text}; leave it out"


def _message(
    one: Parameter, alternatives: Sequence[Alternative], searched: Mapping[str, Parameter], settings: Mapping[str, Any]
) -> str:
    """ "" if the parameter has an effect, or if a `when` cannot express with which values it has one."""
    named = _named(one.name, one.when, alternatives, searched)
    sets = list(_sets(one, named, settings))
    acting = [values for values in sets if _acts(alternatives, values)]
    if not acting:
        missing = _missing(alternatives, sets)
        return f"has no effect: {_needed(missing, alternatives, settings)}{_never(one, missing, settings)}"
    needed, idle = {}, {}
    for other in named:
        own = {value_key(values[other.name]): values[other.name] for values in sets if other.name in values}
        useful = {value_key(values[other.name]): values[other.name] for values in acting if other.name in values}
        if len(useful) < len(own):
            needed[other.name] = list(useful.values())
            idle[other.name] = [value for key, value in own.items() if key not in useful]
    if not needed:
        return ""
    where = " or ".join(f"{name} = {_listed(values)}" for name, values in idle.items())
    return f"has no effect with {where}: {_with_when(one, needed)}"


def _missing(alternatives: Sequence[Alternative], sets: Sequence[Mapping[str, Any]]) -> list[Alternative]:
    """The needs of each alternative that no set of values fulfils; without alternatives that miss more than another."""
    found = [
        {name: need for name, need in one.items() if not any(_fulfils(values, name, need) for values in sets)}
        for one in alternatives
    ]
    return [
        one
        for place, one in enumerate(found)
        if one not in found[:place] and not any(other.items() < one.items() for other in found)
    ]


def _acts(alternatives: Sequence[Alternative], values: Mapping[str, Any]) -> bool:
    return any(all(_fulfils(values, name, need) for name, need in one.items()) for one in alternatives)


def _fulfils(values: Mapping[str, Any], name: str, need: Need) -> bool:
    """Also true if the value is not known."""
    if name not in values:
        return True
    value = values[name]
    return value in need if isinstance(need, tuple) else bool(value) == (need == "nonzero")


def _named(
    name: str, when: Condition, alternatives: Sequence[Alternative], searched: Mapping[str, Parameter]
) -> list[Parameter]:
    """The searched parameters that decide whether this one has an effect, and the parameters in their conditions; in
    the order of the space."""
    names = {name for alternative in alternatives for name in alternative} | set(when)
    while more := {name for other in names if other in searched for name in searched[other].when} - names:
        names |= more
    return [other for own, other in searched.items() if own in names and own != name]


def _sets(one: Parameter, named: Sequence[Parameter], settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The combinations of values of these parameters with which this one is active, and the settings. A range with many
    values is represented by its highest value, which is not zero."""
    waiting, steps = [(0, dict(settings))], 0
    while waiting and (steps := steps + 1) < MAX_SETS:
        index, values = waiting.pop()
        if index == len(named):
            if is_active(one, values):
                yield values
        elif is_active(named[index], values):
            waiting += [(index + 1, {**values, named[index].name: value}) for value in reversed(_values(named[index]))]
        else:
            waiting.append((index + 1, values))


def _values(parameter: Parameter) -> Sequence[Value]:
    if isinstance(parameter, Choice):
        return parameter.values
    few = parameter.count is not None and parameter.count <= MAX_VALUES
    return replace(parameter, grid=(), points=None).grid_values() if few else (parameter.high,)


# Texts ─────────────────────────────────────────────────────────────────────────────────────────────


def _needed(missing: Sequence[Alternative], alternatives: Sequence[Alternative], defaults: Mapping[str, Any]) -> str:
    if not alternatives:
        return "this trainer does not use it"
    if all(need == () for one in alternatives for need in one.values()):
        return "it does not change the metric"
    needs = (" and ".join(_need(name, need, defaults.get(name)) for name, need in one.items()) for one in missing)
    return f"it only has one with {', or with '.join(needs)}"


def _need(name: str, need: Need, default: Any) -> str:
    if isinstance(need, tuple):
        return f"{name} = {_listed(need)}"
    if isinstance(default, str):
        return f'{name} other than ""' if need == "nonzero" else f'{name} = ""'
    return f"{name} > 0" if need == "nonzero" else f"{name} = 0"


def _never(one: Parameter, missing: Sequence[Alternative], settings: Mapping[str, Any]) -> str:
    """The second half of the message: what to write instead."""
    values = {
        name: need
        for name, need in min(missing, key=len, default={}).items()
        if isinstance(need, tuple) and "." not in name
    }
    if not values:
        return "; leave it out"
    has = " and ".join(f"{name} = {json.dumps(settings.get(name))}" for name in values)
    names = " and ".join(f"`{name}`" for name in values)
    return f", but the study has {has}; leave it out, or search {names} too and {_with_when(one, values)}"


def _with_when(one: Parameter, needed: Mapping[str, Sequence[Value]]) -> str:
    """The entry with this condition added to its own."""
    both = {**one.when, **needed}
    written = ", ".join(f"{name} = {_toml(values)}" for name, values in both.items())
    values = f"values = {json.dumps(list(one.values))}, " if isinstance(one, Choice) else ""
    return f"write {one.name} = {{ {values or '…, '}when = {{ {written} }} }}"


def _toml(values: Sequence[Value]) -> str:
    return json.dumps(values[0]) if len(values) == 1 else json.dumps(list(values))


def _listed(values: Sequence[Value]) -> str:
    *first, last = map(json.dumps, values)
    return f"{', '.join(first)} or {last}" if first else last
