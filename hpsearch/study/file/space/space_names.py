"""The entries of [space] by their full names: names with dots, families, and ranges with conditions."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hpsearch.study.file import other_tools
from hpsearch.study.file.faults import did_you_mean

KEYS_OF_ENTRIES = ("low", "high", "values", "auto", "count")
"""A table is a parameter if it has one of these keys, with a value that is not a table."""


CONSTRAINTS = "constraints"


def is_constraints(raw: object) -> bool:
    """Whether the entry `constraints` has constraints, and is no parameter with this name. A comparison among other
    values, or alone, is a constraint in a wrong form."""
    if isinstance(raw, list) and all(isinstance(one, str) for one in raw):
        return True
    values = raw if isinstance(raw, list) else [raw]
    texts = (text for one in values for text in (one if isinstance(one, list) else [one]))
    return any(isinstance(text, str) and any(sign in text for sign in "<>=") for text in texts)


def flat(table: Mapping[str, Any]) -> dict[str, Any]:
    """The entries by their full names: `optimizer.lr`, from the table [space.optimizer] or from a key with dots.

    Conditions get full names too. The constraints are left out.
    """
    found = {name: raw for name, raw in _entries(table) if not (name == CONSTRAINTS and is_constraints(raw))}
    return {name: _with_flat_condition(raw, found) for name, raw in found.items()}


def _entries(table: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, Any]]:
    for name, raw in table.items():
        if _is_group(raw):
            yield from _entries(raw, f"{group}{name}.")
        else:
            yield f"{group}{name}", raw


def _is_group(raw: object) -> bool:
    """Whether a table contains parameters, and is not a parameter itself. A table without a list or a table in it
    contains nothing to search, so it is a parameter with wrong keys."""
    if not isinstance(raw, dict) or any(key in raw and not isinstance(raw[key], dict) for key in KEYS_OF_ENTRIES):
        return False
    if any(_is_parameter(value) for key, value in raw.items() if key not in ("when", "prior")):
        return True
    if any(_is_key_of_another_tool(key, value) for key, value in raw.items()):
        return False
    if any(isinstance(value, dict) for key, value in raw.items() if key != "when"):
        return True
    lists = [key for key, value in raw.items() if isinstance(value, list)]
    return bool(lists) and not any(did_you_mean(key, ["values"]) for key in lists)


def _is_key_of_another_tool(key: str, value: object) -> bool:
    """`type = ["sgd", "adam"]` is a choice: other tools have one text there. Only a list of values is a list there."""
    if other_tools.entry_key(key, value) == "":
        return False
    return not isinstance(value, list) or other_tools.has_list(key)


def _is_parameter(raw: object) -> bool:
    return isinstance(raw, dict) and any(key in raw for key in KEYS_OF_ENTRIES)


def _with_flat_condition(raw: Any, entries: Mapping[str, Any]) -> Any:
    if has_alternatives(raw):
        return [_with_flat_condition(one, entries) for one in raw]
    if not isinstance(raw, dict) or not isinstance(raw.get("when"), dict):
        return raw
    when = dict(_flat_condition(raw["when"], entries))
    return {**raw, "when": {name: _without_text(allowed, entries.get(name)) for name, allowed in when.items()}}


def _without_text(allowed: Any, entry: Any) -> Any:
    """For "!= sgd", where "sgd" is a value of the choice `entry`: its other values."""
    values = entry.get("values") if isinstance(entry, dict) else entry
    text = allowed[2:].strip().strip("'\"") if isinstance(allowed, str) and allowed.startswith("!=") else None
    if text is None or not isinstance(values, list) or text not in values or allowed in values:
        return allowed
    return [one for one in values if one != text]


def _flat_condition(table: Mapping[str, Any], names: Collection[str], group: str = "") -> Iterator[tuple[str, Any]]:
    for name, allowed in table.items():
        if isinstance(allowed, dict) and f"{group}{name}" not in names:
            yield from _flat_condition(allowed, names, f"{group}{name}.")
        else:
            yield f"{group}{name}", allowed


def is_family(raw: object) -> bool:
    return isinstance(raw, dict) and "count" in raw and not isinstance(raw["count"], dict)


def has_alternatives(raw: object) -> bool:
    """Whether a list has a range or a choice with a condition: then all its elements must be such."""
    return isinstance(raw, list) and any(_is_parameter(one) and "when" in one for one in raw)
