"""Checks of the conditions in [space]: unknown names, impossible values, alternatives, cycles."""

import graphlib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from hpsearch.core.format import value_text
from hpsearch.core.trial import Params, Value
from hpsearch.study.conditions import Condition, compares, exclude_each_other, is_comparison, matches, near_bounds
from hpsearch.study.file.faults import Faults, did_you_mean, literal, literals, show
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.space import Choice, Float, Int, Parameter, offers


def check_condition(
    parameter: Parameter,
    names: Collection[str],
    fixed: Params,
    searched: Mapping[str, Sequence[Parameter]],
    path: KeyPath,
    faults: Faults,
) -> None:
    """Add the faults of a parameter's condition. path: the key of the condition. names: all names in [space]."""
    for name, allowed in parameter.when.items():
        if name not in names:
            message = f"`{name[:60]}` is not a parameter of [space]{did_you_mean(name, names)}"
            faults.add((*path, name), message)
        elif name in fixed:
            for value in allowed:
                if not matches(fixed[name], value):
                    message = f"{name} is always {show(fixed[name])}, never {literal(value)}"
                    faults.add((*path, name), message)
        elif own := searched.get(name):
            for value in allowed:
                if (problems := [_impossible(name, one, value) for one in own]) and all(problems):
                    faults.add((*path, name), str(problems[0]))


def check_alternatives(placed: Sequence[tuple[KeyPath, Parameter]], faults: Faults) -> None:
    """Add a fault for each alternative whose condition can hold together with that of an earlier alternative."""
    for place, (path, one) in enumerate(placed):
        before = [other for _, other in placed[:place] if one.axis and other.name == one.name]
        if found := next((other for other in before if not exclude_each_other(one.when, other.when)), None):
            both = f"{condition_text(found.when)}, and {condition_text(one.when)}"
            faults.add((*path, "when"), f"must not hold together with an earlier condition, got {both}")


def _impossible(name: str, entry: Parameter, value: Value) -> str:
    """Why the parameter can never have this value, or a value of this comparison; "" if it can."""
    equates = is_comparison(value) and "==" in value and isinstance(entry, Float) and entry.count is None
    if is_comparison(value) and not offers(entry, value) and not equates:
        can_be = any(compares(one, value) for one in numbers_to_compare(entry, [value]))
        return "" if can_be else f"{name} is {_values(entry)}, never {value}"
    if isinstance(entry, Choice):
        return "" if offers(entry, value) else f"{name} is one of {literals(entry.values)}, never {literal(value)}"
    if isinstance(entry, Float) and entry.count is None:
        return (
            f"{name} is a continuous range, so a condition cannot name one value; write a comparison such as "
            f'">= {entry.low}", give {name} a step, or make it a choice'
        )
    hint = ': a comparison is written ">= 3"' if isinstance(value, str) and any(sign in value for sign in "<>=") else ""
    return "" if offers(entry, value) else f"{name} is {_values(entry)}, never {literal(value)}{hint}"


def numbers_to_compare(entry: Parameter, comparisons: Iterable[str]) -> list[float]:
    """Values of the parameter. If any of its values meets the comparisons, or does not, one of these does the same."""
    if isinstance(entry, Choice):
        return [one for one in entry.values if type(one) in (int, float)]
    near = [number for one in comparisons for number in near_bounds(one)]
    if isinstance(entry, Int):
        near = [
            whole
            for one in near
            for whole in (math.floor(one), math.ceil(one), math.floor(one) + 1, math.ceil(one) - 1)
        ]
    return [entry.low, entry.high, *(one for one in near if entry.low <= one <= entry.high)]


def condition_text(when: Condition) -> str:
    """ "optimizer = sgd, depth >= 3"."""
    return ", ".join(
        f"{name} {' or '.join(str(one) if is_comparison(one) else f'= {value_text(one)}' for one in allowed)}"
        for name, allowed in when.items()
    )


def _values(entry: Parameter) -> str:
    if isinstance(entry, Choice):
        return f"one of {literals(entry.values)}"
    step = f" in steps of {entry.step}" if entry.step else ""
    return f"between {entry.low} and {entry.high}{step}"


def check_cycles(parameters: list[Parameter], faults: Faults) -> None:
    graph: dict[str, list[str]] = {}
    for parameter in parameters:
        graph.setdefault(parameter.name, []).extend(parameter.when)
    while cycle := _cycle(graph):
        faults.add(("space", cycle[0], "when"), f"the conditions form a cycle: {' -> '.join([*cycle, cycle[0]])}")
        for name in cycle:
            del graph[name]


def _cycle(graph: Mapping[str, list[str]]) -> list[str]:
    """A cycle: each name depends on the next, and the last on the first. It starts with the first name in `graph`."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as found:
        cycle: list[str] = found.args[1][:0:-1]
        start = next(cycle.index(name) for name in graph if name in cycle)
        return cycle[start:] + cycle[:start]
    return []
