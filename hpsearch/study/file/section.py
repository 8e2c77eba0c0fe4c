"""The base of all tables of a study file, and the class of a table that has several, by its key `method`."""

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from hpsearch.core.trial import EPOCH
from hpsearch.study.file import other_tools
from hpsearch.study.file.faults import Faults, did_you_mean, listed, show, translate, unknown
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.space import Space

Problems = Iterator[tuple[KeyPath, str]]
"""The key that has a fault, and the message."""


Lists = Mapping[str, Sequence[Any]]
"""The lists of a table, by their keys. An element that has a fault itself is None."""


@dataclass(frozen=True)
class OtherTables:
    """Values of other tables. space, epochs (trainer.epochs), metric (study.metric): None if they have faults.

    readable: the entries of [space] without faults, without their conditions and constraints. names: the keys of
    [space], also those with faults. is_program: whether the trainer is a command or a script.
    unit: of `epochs`, see `Objective.unit`. epochs_key: the key of `epochs` in the file.
    """

    names: Collection[str]
    readable: Space
    space: Space | None
    epochs: int | None
    metric: str | None = None
    is_program: bool = False
    unit: str = EPOCH
    epochs_key: str = "trainer.epochs"


SomeSection = TypeVar("SomeSection", bound="Section")


class Section(BaseModel):
    """Frozen and strict: unknown keys, "3" for 3, 3.0 for a whole number and infinite values are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    def problems(self, others: OtherTables) -> Problems:
        """Faults that concern several values."""
        yield from ()

    def problems_of_part(self, others: OtherTables) -> Problems:
        """The faults of a section whose other keys have faults themselves: none that follow from their absence."""
        yield from self.problems(others)

    @classmethod
    def problems_in_lists(cls, lists: Lists, others: OtherTables) -> Problems:
        """Faults of single elements of its lists. They are found even if other values of the table have faults."""
        yield from ()


def readable(kind: type[SomeSection], table: Mapping[str, Any], path: KeyPath, faults: Faults) -> SomeSection | None:
    """The section of the table at `path`. If keys have faults, they are added to `faults`, and the section is that of
    the other keys, so that these can be checked; None if a required key has a fault."""
    try:
        return kind.model_validate(table)
    except ValidationError as refused:
        translate(refused, kind, path, faults)
        rest = _without(table, refused)
    try:
        return kind.model_validate(rest)
    except ValidationError:
        return None


def _without(table: Mapping[str, Any], refused: ValidationError) -> dict[str, Any]:
    """The table without the keys that are refused. An element of a list is refused with the list."""
    rest = copy.deepcopy(dict(table))
    for error in refused.errors(include_url=False, include_context=False, include_input=False):
        inner: Any = rest
        for place, part in enumerate(error["loc"]):
            if not isinstance(inner, dict) or part not in inner:
                break
            if place + 1 == len(error["loc"]) or not isinstance(inner[part], dict):
                del inner[part]
                break
            inner = inner[part]
    return rest


def lists_of(name: str, kind: type[Section] | None, table: Mapping[str, Any], faults: Faults) -> Lists:
    """The lists of the table `name`, under keys of its class. None are given once there are too many faults to list:
    the rest is not checked."""
    known = {key for key in table if kind is None or key in kind.model_fields}
    found = {key: value for key, value in table.items() if isinstance(value, list) and key in known and not faults.full}
    return {
        key: [None if faults.has((name, key, place)) else one for place, one in enumerate(value)]
        for key, value in found.items()
    }


def kinds(union: Any) -> dict[str, type[Section]]:
    """`method` -> class, of Search or Prune."""
    classes = get_args(get_args(union)[0])
    return {get_args(kind.model_fields["method"].annotation)[0]: kind for kind in classes}


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
