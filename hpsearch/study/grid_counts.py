"""The number of points of a grid, counted without listing them if possible."""

from collections.abc import Iterator
from dataclasses import replace

from hpsearch.core.trial import Params, Value, value_key
from hpsearch.study.conditions import is_comparison, matches
from hpsearch.study.space import Choice, Parameter, Space, is_active, offers

_MAX_COUNTING_STEPS = 100_000


def grid_size(space: Space) -> int | None:
    """The number of points of `grid`; None if counting takes too long, because of conditions or constraints."""
    if _compared_values(space) > _MAX_COUNTING_STEPS:
        return None
    if space.constraints:
        size = grid_size(replace(space, constraints=()))
        return None if size is None or size > _MAX_COUNTING_STEPS else sum(1 for _ in space.grid())
    named = _named_by_conditions(space)
    total, waiting = 0, [(0, dict(space.fixed), 1)]
    for _ in range(_MAX_COUNTING_STEPS):
        if not waiting:
            return total
        index, params, share = waiting.pop()
        if index == len(space.parameters):
            total += share
        else:
            parts = _parts(space.parameters[index], params, tuple(named.get(space.parameters[index].name, {}).values()))
            waiting.extend((index + 1, chosen, share * count) for chosen, count in parts if count)
    return None


def _compared_values(space: Space) -> int:
    """The number of values of the parameters that conditions compare, such as with ">= 3"."""
    compared = {name for p in space.parameters for name, some in p.when.items() if any(map(is_comparison, some))}
    return sum(one.count or 0 for one in space.parameters if one.name in compared)


def _named_by_conditions(space: Space) -> dict[str, dict[str, Value]]:
    """The values of each parameter in conditions; for a comparison, all values of the parameter in a grid."""
    named: dict[str, dict[str, Value]] = {}
    for name, allowed in ((name, one) for p in space.parameters for name, some in p.when.items() for one in some):
        values = [allowed]
        if is_comparison(allowed):
            own = (p for p in space.parameters if p.name == name)
            values = [value for one in own for value in one.grid_values()]
        named.setdefault(name, {}).update({value_key(value): value for value in values})
    return named


def _parts(parameter: Parameter, params: Params, named: tuple[Value, ...]) -> Iterator[tuple[dict[str, Value], int]]:
    """The parts of a grid by the values of this parameter, each with its number of values: one part for each value that
    a condition names, and one, without the parameter, for all other values."""
    if not is_active(parameter, params):
        yield dict(params), 1
        return
    spelled_out = isinstance(parameter, Choice) or parameter.grid or parameter.points is not None
    values = parameter.grid_values() if spelled_out else ()
    here = [v for v in named if (any(matches(one, v) for one in values) if spelled_out else offers(parameter, v))]
    for value in here:
        yield {**params, parameter.name: value}, 1
    yield dict(params), (len(values) if spelled_out else parameter.count or 0) - len(here)
