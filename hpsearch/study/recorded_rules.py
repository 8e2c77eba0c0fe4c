"""Rules with a changed default: a recorded study keeps the rule that it was recorded with."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from hpsearch.core.trial import Value
from hpsearch.study.space import Choice, Float, Parameter, Space

Table = TypeVar("Table", bound=BaseModel | None)


def with_recorded_key(table: Table, key: str, recorded: Mapping[str, Any]) -> Table:
    """The table, with the recorded value of a key that the file does not have. recorded: the recorded table."""
    if table is None or key in table.model_fields_set or key not in type(table).model_fields or key not in recorded:
        return table
    return table.model_copy(update={key: recorded[key]})


def none_is_implied(values: Sequence[Value]) -> bool:
    """Whether "none" among the values of a choice means None if the study file has no key `none`."""
    return [value for value in values if isinstance(value, str)] == ["none"]


def with_numbers(space: Space, numbers: str) -> Space:
    """The space with the rule of study.numbers for ranges without digits. A space has "short" when it is read."""
    if numbers == "short":
        return space
    whole = (one for one in space.parameters if isinstance(one, Float) and one.short)
    return space.narrowed({one.key: replace(one, short=False) for one in whole})


def with_recorded_space(space: Space, numbers: str, recorded: Mapping[str, Any]) -> Space:
    """The space, with the recorded rules for keys that the file does not have. numbers: the recorded study.numbers.
    recorded: the recorded table [space]; see `add_former_rules` for "none"."""
    families = {member: one.name for one in space.families for member in one.members}
    texts: dict[str, Parameter] = {}
    for one in space.parameters:
        entry = recorded.get(families.get(one.name, one.name))
        own = entry if isinstance(entry, list) else [entry]
        if isinstance(one, Choice) and one.implied and any(isinstance(t, dict) and t.get("none") is False for t in own):
            texts[one.key] = replace(one, none=False, implied=False)
    return with_numbers(space.narrowed(texts), numbers)


def add_former_rules(document: dict[str, Any]) -> None:
    """Write the rules of an earlier version into a stored spec or identity without study.numbers: numbers have all
    their digits, and "none" is a text unless the key `none` is true."""
    about = document.get("study")
    if about is None or "numbers" in about:
        return
    about["numbers"] = "full"
    space = document.get("space", {})
    for name, entry in space.items():
        if isinstance(entry, list) and not any(isinstance(one, dict) for one in entry):
            if none_is_implied(entry):
                space[name] = {"values": entry, "none": False}
            continue
        for table in entry if isinstance(entry, list) else [entry]:
            if isinstance(table, dict) and none_is_implied(table.get("values", ())):
                table.setdefault("none", False)
