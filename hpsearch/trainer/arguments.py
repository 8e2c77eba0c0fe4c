"""From a trial's parameters to the argument of a trainer: a mapping, or a checked dataclass."""

import dataclasses
import difflib
import inspect
import typing
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params, Plain
from hpsearch.provenance.sources import code_holder
from hpsearch.trainer.forms import Trainer


def params_argument(trainer: Trainer, params: Params) -> Any:
    """The argument for the trainer's first parameter: a mapping, or an instance of the dataclass that annotates it."""
    params_class = dataclass_of(trainer)
    if params_class is None:
        return dict(params)
    _check_names(params_class, set(params))
    types = typing.get_type_hints(params_class)
    return params_class(
        **{name: _converted(params_class, name, value, types.get(name)) for name, value in params.items()}
    )


def _check_names(params_class: Any, given: set[str]) -> None:
    """TrainerError where a parameter has no field, or a field without a default has no parameter."""
    fields = {field.name: field for field in dataclasses.fields(params_class) if field.init}
    faults = []
    for name in sorted(given - set(fields)):
        near = difflib.get_close_matches(name, fields, n=1)
        faults.append(
            f"has no `{name}`" + (f"; did you mean `{near[0]}`?" if near else f" (it has {', '.join(fields)})")
        )
    missing = [
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING and name not in given
    ]
    faults += [f"needs `{name}`, which neither [space] nor trainer.options gives" for name in missing]
    if faults:
        raise TrainerError("\n".join(f"{params_class.__module__}.{params_class.__name__} {fault}" for fault in faults))


def dataclass_of(trainer: Trainer) -> type | None:
    """The dataclass that annotates the trainer's first parameter, if any. TrainerError where it is not defined."""
    first = first_parameter(trainer)
    annotation = first.annotation
    if isinstance(annotation, str):  # `from __future__ import annotations`; some names may be imported for types only
        holder = code_holder(trainer)
        function: Any = holder.__call__ if isinstance(holder, type) else holder
        try:
            annotation = eval(annotation, function.__globals__)
        except NameError as missing:
            raise TrainerError(
                f"the annotation `{first}` of {holder.__module__} is not known there: {missing}"
            ) from None
    return annotation if isinstance(annotation, type) and dataclasses.is_dataclass(annotation) else None


def first_parameter(trainer: Trainer) -> inspect.Parameter:
    return next(iter(inspect.signature(trainer).parameters.values()))


def field_types(params_class: type) -> dict[str, Any]:
    """The types of a dataclass's fields."""
    return typing.get_type_hints(params_class)


def _converted(owner: type, name: str, value: Plain, hint: Any) -> Plain:
    """The value, an int made a float where the field is one. TrainerError where it does not fit the field's type."""
    allowed = typing.get_args(hint) if typing.get_origin(hint) is typing.Literal else None
    if allowed is not None and value not in allowed:
        raise TrainerError(f"{owner.__name__}.{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    if hint is float and type(value) is int:
        return float(value)
    if hint in (int, float, str, bool) and type(value) is not hint:
        raise TrainerError(f"{owner.__name__}.{name} must be {hint.__name__}, got {value!r}")
    return value
