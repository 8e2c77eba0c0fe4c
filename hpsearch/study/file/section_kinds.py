"""The class of a table that has several, by its key `method`: [search] and [prune]."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from hpsearch.study.file import other_tools
from hpsearch.study.file.faults import Faults, did_you_mean, listed, show, translate, unknown
from hpsearch.study.file.section import Section


def kind_of_method(
    name: str, table: Mapping[str, Any], methods: Mapping[str, type[Section]], faults: Faults
) -> type[Section] | None:
    """The class for its method; None if it has none, which is added to `faults` with the other faults of the table."""
    method = table.get("method")
    if "use" in table and method in (None, "own"):
        return methods["own"]
    if isinstance(method, str) and method in methods:
        if "use" in table:
            faults.add((name, "use"), f"is beside method = {show(method)}; leave one of them out")
        return methods[method]
    names = listed(one for one in methods if one != "own")
    if "method" not in table:
        faults.add((name, "method"), f'is missing (one of {names}; or use = "module:Class" in its place)')
    else:
        faults.add((name, "method"), f"must be one of {names}, got {show(method)}{_suggestion(name, method, methods)}")
    _check_without_method(name, table, methods, faults)
    return None


def _check_without_method(
    name: str, table: Mapping[str, Any], methods: Mapping[str, type[Section]], faults: Faults
) -> None:
    """The other faults of a table without a known method: keys that no method has, and values that are invalid for
    every method with the key."""
    known = {key: field for kind in methods.values() for key, field in kind.model_fields.items()}
    for key, value in table.items():
        kinds = [kind for kind in methods.values() if key in kind.model_fields]
        if not kinds:
            faults.add((name, key), unknown((name, key), value, known))
        elif key != "method":
            refusals = [refused for kind in kinds if (refused := _refusal(kind, key, value))]
            if len(refusals) == len(kinds):
                translate(refusals[0], kinds[0], (name,), faults, only=key)


def _refusal(kind: type[Section], key: str, value: object) -> ValidationError | None:
    """The validation error of a section with this key alone; None if it is not about the key."""
    try:
        kind.model_validate({key: value})
    except ValidationError as refused:
        return refused if any(error["loc"][:1] == (key,) for error in refused.errors()) else None
    return None


def _suggestion(table: str, method: object, methods: Mapping[str, type[Section]]) -> str:
    if not isinstance(method, str):
        return ""
    translated = other_tools.method(table, method)
    return f"; {translated}" if translated else did_you_mean(method, methods)
