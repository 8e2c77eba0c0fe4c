"""From the recorded parameters of a trial to the argument of its trainer: a mapping, or a checked dataclass."""

import dataclasses
import difflib
import inspect
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params, Report
from hpsearch.provenance.sources import code_holder
from hpsearch.study.space import Choice, Space
from hpsearch.trainer.training_run import Run, Trainer

NONE = "none"
"""The text that a trainer receives as None, if the study file (`none = true`) or an annotation requires it. It is
recorded as text, since None in a table means that the trial does not have the parameter."""


def delivered(space: Space, params: Params) -> dict[str, Any]:
    """The parameters with a list for each family, and None for the value "none" of a choice with none = true."""
    optional = {one.name for one in space.parameters if isinstance(one, Choice) and one.none and one.is_in(params)}
    found = {name: None if name in optional and value == NONE else value for name, value in params.items()}
    for family in space.families:
        members = [found.pop(name) for name in family.members if name in found]
        if members or family.count in params:
            found[family.name] = members
    return found


def delivered_names(space: Space, names: Iterable[str]) -> set[str]:
    """The names under which a trainer gets these parameters."""
    lists = {member: family.name for family in space.families for member in family.members}
    return {lists.get(name, name) for name in names}


def head(name: str) -> str:
    """The part before the first dot: "optimizer" for "optimizer.lr"."""
    return name.partition(".")[0]


def nested(params: Mapping[str, Any]) -> dict[str, Any]:
    """{"optimizer.lr": 0.1} -> {"optimizer": {"lr": 0.1}}, at any depth."""
    found: dict[str, Any] = {}
    for name, value in params.items():
        *groups, last = name.split(".")
        place = found
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return found


def grouped(params: Params, known: Collection[str]) -> dict[str, Any]:
    """The parameters by argument; known: the names of the arguments. "optimizer.lr" becomes `lr` in a table `optimizer`
    if `optimizer` is an argument and "optimizer.lr" is not."""
    inner: dict[str, dict[str, Any]] = {}
    found: dict[str, Any] = {}
    for name, value in params.items():
        group, dot, rest = name.partition(".")
        if dot and name not in known and group in known:
            found.setdefault(group, inner.setdefault(group, {}))[rest] = value
        else:
            found[name] = value
    return found


class AdaptedTrainer(ABC):
    """A trainer that was adapted to the form of a generator, which is called as (argument, run)."""

    @property
    @abstractmethod
    def params_class(self) -> type | None:
        """The dataclass of its parameters, if any."""

    @abstractmethod
    def argument(self, params: Params) -> Any:
        """The first argument of a call. TrainerError if the parameters do not fit."""

    def names_read(self, argument: Any) -> frozenset[str] | None:  # noqa: ARG002
        """The names of the parameters that it reads, where it takes each as its own argument; None where the reads of
        `argument` show it."""
        return None

    @abstractmethod
    def __call__(self, argument: Any, run: Run) -> Iterator[Report]: ...


def params_argument(trainer: Trainer, params: Params) -> Any:
    """The argument for the trainer's first parameter: a mapping, or an instance of the dataclass that annotates it."""
    if isinstance(trainer, AdaptedTrainer):
        return trainer.argument(params)
    return params_as(dataclass_of(trainer), params)


def params_as(params_class: type | None, params: Params) -> Any:
    """The parameters as a mapping, or as an instance of the dataclass, if any. TrainerError if they do not fit."""
    if params_class is None:
        return dict(params)
    hints = typing.get_type_hints(params_class)
    given = grouped(params, hints)
    _check_names(params_class, set(given))
    return params_class(
        **{name: converted(params_class.__name__, name, value, hints.get(name)) for name, value in given.items()}
    )


def _check_names(params_class: Any, given: set[str]) -> None:
    """TrainerError where a parameter has no field, or a field without a default has no parameter."""
    fields = {field.name: field for field in dataclasses.fields(params_class) if field.init}
    required = {
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    check_names(f"{params_class.__module__}.{params_class.__name__}", given, fields, required)


def check_names(owner: str, given: set[str], known: Collection[str], required: set[str]) -> None:
    """TrainerError where a given parameter is not known, or a required one is not given. owner: of the parameters."""
    faults = []
    for name in sorted(given - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        faults.append(
            f"has no `{name}`" + (f"; did you mean `{near[0]}`?" if near else f" (it has {', '.join(known)})")
        )
    missing = [name for name in known if name in required - given]
    faults += [f"needs `{name}`, which is neither in [space] nor in trainer.options" for name in missing]
    if faults:
        raise TrainerError("\n".join(f"{owner} {fault}" for fault in faults))


def dataclass_of(trainer: Trainer) -> type | None:
    """The dataclass that annotates the trainer's first parameter, if any. TrainerError where it is not defined."""
    if isinstance(trainer, AdaptedTrainer):
        return trainer.params_class
    return dataclass_at(first_parameter(trainer), trainer)


def dataclass_at(first: inspect.Parameter, function: Any) -> type | None:
    """The dataclass that annotates a parameter of the function, if any. TrainerError where it is not defined."""
    annotation = first.annotation
    if isinstance(annotation, str):  # `from __future__ import annotations`; some names may be imported for types only
        holder = code_holder(function)
        code: Any = holder.__call__ if isinstance(holder, type) else holder
        try:
            annotation = eval(annotation, code.__globals__)
        except NameError as missing:
            raise TrainerError(
                f"the annotation `{first}` in {holder.__module__} cannot be evaluated: {missing}"
            ) from None
    return annotation if isinstance(annotation, type) and dataclasses.is_dataclass(annotation) else None


def first_parameter(trainer: Trainer) -> inspect.Parameter:
    return next(iter(inspect.signature(trainer).parameters.values()))


def field_types(params_class: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return typing.get_type_hints(params_class)


def converted(owner: str, name: str, value: Any, hint: Any) -> Any:
    """The value as the field's type: an int becomes a float, a list a tuple, a table a dataclass, and "none" None.

    TrainerError if it does not fit.
    """
    if typing.get_origin(hint) in (typing.Union, types.UnionType) and types.NoneType in typing.get_args(hint):
        if value is None or value == NONE:
            return None
        others = [one for one in typing.get_args(hint) if one is not types.NoneType]
        return converted(owner, name, value, others[0]) if len(others) == 1 else value
    if isinstance(value, dict) and isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return params_as(hint, value)
    if isinstance(value, list) and (typing.get_origin(hint) or hint) is tuple:
        return tuple(value)
    allowed = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else None
    if allowed is not None and value not in allowed:
        raise TrainerError(f"{owner}.{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    if hint is float and type(value) is int:
        return float(value)
    if hint in (int, float, str, bool) and type(value) is not hint:
        is_none = isinstance(value, str) and value.lower() in ("none", "null")
        hint_none = '; the value that arrives as None is written "none"' if is_none else ""
        raise TrainerError(f"{owner}.{name} must be {hint.__name__}, got {value!r}{hint_none}")
    return value
