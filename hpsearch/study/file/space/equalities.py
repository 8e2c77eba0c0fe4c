"""Constraints such as "a + b + c == 1" between real numbers, which no random point fulfils: what to write instead."""

import math
import random

from hpsearch.core.constraints import Absent, Constraint, NotComputable
from hpsearch.core.trial import Params
from hpsearch.study.space import Float, Space

TRIED = 8
"""Random points at which an equality is compared with the linear one."""


def equality_advice(space: Space, constraint: Constraint) -> str:
    """ "" if it is not an equality with a real number."""
    real = [one for one in space.parameters if isinstance(one, Float) and one.count is None]
    if "==" not in constraint.text or not any(one.name in constraint.names for one in real):
        return ""
    text = "; real numbers are never exactly equal: "
    last = next(one for one in reversed(real) if one.name in constraint.names)
    if (solved := _solved(space, constraint, last.name)) is None:
        return f"{text}compute one of them from the others in the trainer"
    bounds = f"{last.low:.12g} <= {solved} <= {last.high:.12g}"
    return f'{text}remove {last.name}, write "{bounds}", and compute {last.name} = {solved} in the trainer'


def _solved(space: Space, constraint: Constraint, last: str) -> str | None:
    """The parameter as a linear function of the others, "1 - a - b"; None if the equality is not linear."""
    names = [name for name in dict.fromkeys(one.name for one in space.parameters) if name in constraint.names]
    zero: Params = {**space.fixed, **dict.fromkeys(names, 0.0)}
    start = _difference(constraint, zero)
    slopes = {name: _difference(constraint, {**zero, name: 1.0}) - start for name in names}
    generator = random.Random(0)
    for _ in range(TRIED):
        point = {name: generator.random() for name in names}
        linear = start + sum(slopes[name] * value for name, value in point.items())
        if not math.isclose(_difference(constraint, {**zero, **point}), linear, abs_tol=1e-9):
            return None
    if not slopes[last]:
        return None
    terms = {name: -slope / slopes[last] for name, slope in slopes.items() if name != last and slope}
    constant = -start / slopes[last]
    parts = [f"{constant:.12g}"] if constant or not terms else []
    for name, factor in terms.items():
        sign = "- " if factor < 0 else "+ " if parts else ""
        parts.append(f"{sign}{'' if abs(factor) == 1 else f'{abs(factor):.12g} * '}{name}")
    return " ".join(parts)


def _difference(constraint: Constraint, params: Params) -> float:
    """NaN if it is not an equality, or cannot be computed there."""
    try:
        found = constraint.difference(params)
    except (Absent, NotComputable):
        return math.nan
    return math.nan if found is None else found
