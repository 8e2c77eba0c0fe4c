"""[space] of a study file: converts its tables, lists and scalars to a Space, and back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from hpsearch.core.trial import Value
from hpsearch.study.families import Family
from hpsearch.study.file.faults import Faults, did_you_mean, show
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.file.space.space_conditions import check_alternatives, check_condition, check_cycles, condition_text
from hpsearch.study.file.space.space_constraints import with_constraints
from hpsearch.study.file.space.space_entry import parse_entry
from hpsearch.study.file.space.space_forms import AUTO_HIGH, AUTO_LOW, with_earlier, written_earlier
from hpsearch.study.file.space.space_names import CONSTRAINTS, flat, has_alternatives, is_constraints, is_family
from hpsearch.study.recorded_rules import none_is_implied
from hpsearch.study.space import Choice, Float, Int, Parameter, Space

MAX_PARAMETERS = 1_000
"""Maximum number of searched parameters."""

UNKNOWN_MEMBERS = 100
"""Other keys may name so many members of a family that has a fault: how many it has is not known."""


@dataclass(frozen=True)
class ReadSpace:
    """space: None if [space] has faults. readable: its entries without faults, without conditions and constraints, for
    checks of other tables."""

    space: Space | None
    readable: Space


NOTHING = ReadSpace(None, Space(()))


def parse(table: Mapping[str, Any], faults: Faults) -> Space | None:
    """The space; None if it has faults, which are added to `faults`."""
    return read(table, faults).space


def read(table: Mapping[str, Any], faults: Faults, hint: str = "") -> ReadSpace:
    """hint: what to write into an empty table."""
    texts = table.get(CONSTRAINTS, [])
    table = flat(table)
    found = _Entries({name: raw for name, raw in table.items() if not is_family(raw)}, faults)
    found.add_families({name: raw for name, raw in table.items() if is_family(raw)})
    parameters = found.parameters
    if not parameters and not faults.has(("space",)):
        advice = "give at least one range { low = …, high = … } or list of values"
        faults.add(("space",), f"has nothing to search: {advice}{hint}")
    if len(parameters) > MAX_PARAMETERS:
        faults.add(("space",), f"must have at most {MAX_PARAMETERS:,} parameters to search, got {len(parameters):,}")
        return NOTHING
    for path, parameter in found.placed:
        check_condition(parameter, found.names, found.fixed, found.searched, (*path, "when"), faults)
    check_alternatives(found.placed, faults)
    check_cycles(parameters, faults)
    rates = [parameter.name for parameter in parameters if isinstance(parameter, Float) and parameter.auto]
    for name in rates[1:]:
        faults.add(("space", name), f"auto = true is already set for `{rates[0]}`; only one parameter may have it")
    unconditional = [replace(one, when={}, axis="") for one in parameters]
    readable = Space(tuple(unconditional), found.fixed, tuple(found.families))
    earlier = with_earlier(readable, table, found.names, faults)
    given = texts if is_constraints(texts) else []
    if faults.has(("space",)):
        with_constraints(readable, given, found.names, faults)
        return ReadSpace(None, readable)
    space = Space(tuple(parameters), found.fixed, tuple(found.families), earlier=earlier)
    return ReadSpace(with_constraints(space, given, found.names, faults), readable)


def written(space: Space) -> dict[str, Any]:
    """The inverse of `parse`: the table of this space, without defaults."""
    members = {name: family for family in space.families for name in family.members}
    table: dict[str, Any] = {}
    for parameter in space.parameters:
        if parameter.name in members:
            family = members[parameter.name]
            own = {"count": family.count} | _written_member(parameter, family)
            table.setdefault(family.name, own | written_earlier(space.earlier.get(family.name)))
        elif parameter.axis:
            before = {} if parameter.name in table else written_earlier(space.earlier.get(parameter.name))
            table.setdefault(parameter.name, []).append(_table(parameter) | before)
        elif before := written_earlier(space.earlier.get(parameter.name)):
            table[parameter.name] = _table(parameter) | before
        else:
            table[parameter.name] = _written(parameter)
    constraints = {CONSTRAINTS: [one.text for one in space.constraints]} if space.constraints else {}
    return table | dict(space.fixed) | constraints


def _written(parameter: Parameter) -> dict[str, Any] | list[Value]:
    table = _table(parameter)
    return table["values"] if table.keys() == {"values"} else table


def _table(parameter: Parameter) -> dict[str, Any]:
    names = [field.name for field in fields(parameter) if field.name not in ("name", "axis", "short", "implied")]
    given = {name: getattr(parameter, name) for name in names}
    given["prior"] = asdict(parameter.prior) if parameter.prior else None
    keeps_text = False
    if isinstance(parameter, Choice):
        given["none"] = parameter.none and not parameter.implied
        keeps_text = not parameter.none and none_is_implied(parameter.values)
    given["when"] = {name: list(values) for name, values in parameter.when.items()}
    plainly = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    if isinstance(parameter, Float) and parameter.auto:
        implied = {"low": AUTO_LOW, "high": AUTO_HIGH, "log": True}
        plainly = {"auto": True} | {key: value for key, value in plainly.items() if value != implied.get(key)}
    plainly = {
        key: value for key, value in plainly.items() if value not in (None, False, [], {}) or key in ("low", "high")
    }
    return {**plainly, "none": False} if keeps_text else plainly


def _written_member(parameter: Parameter, family: Family) -> dict[str, Any]:
    own = replace(parameter, when={name: some for name, some in parameter.when.items() if name != family.count})
    return _table(own)


# Entries ─────────────────────────────────────────────────────────────────────────────────────────


class _Entries:
    """The parameters in the entries of the table, with the faults of each entry.

    searched: by name; a name with alternatives has several. placed: each parameter with the key of its entry.
    names: all names that a condition may use.
    """

    def __init__(self, table: Mapping[str, Any], faults: Faults):
        self.searched: dict[str, list[Parameter]] = {}
        self.placed: list[tuple[KeyPath, Parameter]] = []
        self.fixed: dict[str, Value] = {}
        self.families: list[Family] = []
        self.names = set(table)
        self._faults = faults
        for name, raw in table.items():
            if has_alternatives(raw):
                for place, own in enumerate(raw):
                    self._add_alternative(name, ("space", name, place), own)
            elif isinstance(entry := parse_entry(name, raw, ("space", name), faults), Parameter):
                self._add(entry, ("space", name))
            elif entry is not None:
                self.fixed[name] = entry

    @property
    def parameters(self) -> list[Parameter]:
        return [parameter for own in self.searched.values() for parameter in own]

    def _add(self, parameter: Parameter, path: KeyPath) -> None:
        self.searched.setdefault(parameter.name, []).append(parameter)
        self.placed.append((path, parameter))

    def _add_alternative(self, name: str, path: KeyPath, raw: object) -> None:
        """Add one of several ranges or choices of a parameter."""
        if not isinstance(raw, dict):
            self._faults.add(path, f"must be a range or a choice with a `when`, as others of the list, got {show(raw)}")
            return
        if not raw.get("when"):
            self._faults.add(
                path, f"needs a `when`: the ranges of `{name}` must have conditions that exclude each other"
            )
            return
        entry = parse_entry(name, raw, path, self._faults)
        if isinstance(entry, Float | Int | Choice):
            self._add(replace(entry, axis=f"{name} ({condition_text(entry.when)})"), path)

    def add_families(self, table: Mapping[str, Mapping[str, Any]]) -> None:
        """Add the members `NAME_1`, `NAME_2`, … of each family."""
        for name, raw in table.items():
            path, count = ("space", name), raw["count"]
            most, least = self._counts(count)
            is_counted = not (isinstance(count, str) and self._faults.has(("space", count)))
            if is_counted and (problem := self._problem_of_count(name, count, most, least)) is not None:
                self._faults.add((*path, "count"), problem)
                is_counted = False
            one = None
            if "auto" in raw:
                self._faults.add((*path, "auto"), "is not possible with `count`; give low and high")
            else:
                one = parse_entry(name, {key: part for key, part in raw.items() if key != "count"}, path, self._faults)
            if not is_counted or not isinstance(one, Float | Int | Choice):
                self.names |= {name, *(f"{name}_{place}" for place in range(1, UNKNOWN_MEMBERS + 1))}
                continue
            members = tuple(f"{name}_{place}" for place in range(1, most + 1))
            if taken := [member for member in members if member in self.names]:
                self._faults.add(path, f"has a member `{taken[0]}`, which is already in [space]")
            for place, member in enumerate(members, 1):
                when = {count: (f">= {place}",)} if place > least else {}
                self._add(replace(one, name=member, when={**one.when, **when}), path)
            self.names |= {name, *members}
            self.families.append(Family(name, count, members))

    def _counts(self, name: object) -> tuple[int, int]:
        """The largest length of a list, and the smallest (0 if the parameter can be inactive); -1 if a value is not a
        whole number."""
        if not isinstance(name, str):
            return -1, -1
        own, least = self.searched.get(name, []), 0
        values: list[Value] = [self.fixed[name]] if name in self.fixed else []
        for one in own:
            values += [one.low, one.high] if isinstance(one, Int) else one.values if isinstance(one, Choice) else [0.5]
        if not values or any(type(value) is not int for value in values):
            return -1, -1
        if not any(one.when for one in own):
            least = min(values)
        return max(values), least

    def _problem_of_count(self, name: str, count: object, most: int, least: int) -> str | None:
        if not isinstance(count, str):
            return f"must be the name of a parameter, got {show(count)}"
        if count not in self.names:
            return f"`{count[:60]}` is not a parameter of [space]{did_you_mean(count, self.names)}"
        if most < 1 or least < 0:
            return f"`{count}` must be a range or a choice of whole numbers from 0, the length of the list `{name}`"
        if most > MAX_PARAMETERS:
            return f"`{count}` may be {most:,}, and a family has at most {MAX_PARAMETERS:,} members"
        return None
