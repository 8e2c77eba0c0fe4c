"""[space] constraints: reads them, and checks them against the parameters."""

import json
import math
import random
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from hpsearch.core.constraints import Absent, Constraint, Lists, NotComputable, read
from hpsearch.core.odd_names import odd_names
from hpsearch.core.trial import Params
from hpsearch.study import feasible
from hpsearch.study.file.faults import Faults, did_you_mean, show
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.file.space.space_names import CONSTRAINTS
from hpsearch.study.space import Choice, Float, Space

MAX_CONSTRAINTS = 100

SAMPLES = 200
"""Random points for which a constraint is tried, to find constraints that can never be computed."""

TRIED = 8
"""Random points at which an equality is compared with the linear one."""


def with_constraints(space: Space, raw: Any, names: Collection[str], faults: Faults) -> Space | None:
    """The space with its constraints; None if [space] has faults. raw: the entry of the file. names: of all entries of
    [space], also of those with faults, which `space` does not have."""
    path = ("space", CONSTRAINTS)
    if isinstance(raw, list) and len(raw) > MAX_CONSTRAINTS:
        faults.add(path, f"must have at most {MAX_CONSTRAINTS} constraints, got {len(raw):,}")
        return None
    own = [*dict.fromkeys(one.name for one in space.parameters), *space.fixed]
    families = {one.name: one.members for one in space.families}
    known = [*own, *(name for name in names if name not in own and name not in families)]
    choices = (value for one in space.parameters if isinstance(one, Choice) for value in one.values)
    texts = {value for value in choices if isinstance(value, str)}
    placed = check_texts(raw, known, faults, families, texts)
    for key, one in placed:
        if not one.names <= set(own):
            continue
        if reason := _why_never_computed(space, one):
            faults.add(key, f"cannot be computed: {reason}")
        for name, text in one.compared_texts():
            if fault := _why_never_equal(space, name, text):
                faults.add(key, fault)
    found = [one for _, one in placed]
    if faults.has(("space",)):
        return None
    constrained = replace(space, constraints=tuple(found))
    if broken := feasible.impossible(constrained):
        alone = [one for one in broken if feasible.impossible(replace(space, constraints=(one,)))]
        broken = tuple(alone[:1]) or broken
        place = min(found.index(one) for one in broken)
        together = f" together with `{broken[-1].text[:60]}`" if len(broken) > 1 else ""
        tried = f"{feasible.SHARE_DRAWS:,} random points were tried"
        advice = next(filter(None, (equality_advice(constrained, one) for one in broken)), "")
        faults.add((*path, place), f"no point of the space fulfils it{together}: {tried}{advice}")
        return None
    return constrained


def check_texts(
    raw: Any, known: Collection[str], faults: Faults, lists: Lists | None = None, texts: Collection[str] = ()
) -> list[tuple[KeyPath, Constraint]]:
    """The constraints without faults, each with its key. Unreadable ones and unknown names are added to `faults`.

    lists: the families. texts: the values of choices, which need quotes.
    """
    found: list[tuple[KeyPath, Constraint]] = []
    if not isinstance(raw, list):
        faults.add(("space", CONSTRAINTS), f"must be a list: constraints = [{json.dumps(raw, ensure_ascii=False)}]")
        return found
    odd = [name for name in odd_names([*known, *(lists or {})]) if name not in texts]
    for place, text in enumerate(raw):
        path: KeyPath = ("space", CONSTRAINTS, place)
        if not isinstance(text, str):
            faults.add(path, f'must be a text such as "hidden_2 <= hidden_1", got {show(text)}')
            continue
        try:
            one = read(text, lists, odd)
        except ValueError as problem:
            faults.add(path, str(problem))
            continue
        unknown = [name for name in sorted(one.names) if name not in known]
        for name in unknown:
            hint = f"; a text is in quotes: '{name}'" if name in texts else did_you_mean(name, known)
            faults.add(path, f"`{name[:60]}` is not a parameter of [space]{hint}")
        if not unknown:
            found.append((path, one))
    return found


def _why_never_equal(space: Space, name: str, text: str) -> str:
    """The fault of a comparison with a text that is no value of the choice; "" if it is a value."""
    axes = [one for one in space.parameters if one.name == name]
    values = [value for one in axes if isinstance(one, Choice) for value in one.values]
    if not values or text in values or not all(isinstance(one, Choice) for one in axes):
        return ""
    hint = did_you_mean(text, [value for value in values if isinstance(value, str)])
    return f"{name} is one of {', '.join(map(show, values[:20]))}, never {show(text)}{hint}"


def _why_never_computed(space: Space, constraint: Constraint) -> str:
    """The last reason; "" if it can be computed for a random point."""
    generator, reason = random.Random(0), ""
    for _ in range(SAMPLES):
        try:
            constraint.check(space.from_unit([generator.random() for _ in space.parameters]))
            return ""
        except NotComputable as problem:
            reason = str(problem)
    return reason


# Equalities of real numbers ──────────────────────────────────────────────────────────────────────


def equality_advice(space: Space, constraint: Constraint) -> str:
    """How to write an equality with a real number, which no random point fulfils; "" for other constraints."""
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
