"""The key `prior` of a range or a choice in [space]: the value that the user expects to be good."""

from dataclasses import replace
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from hpsearch.core.trial import Value
from hpsearch.study.file.faults import Faults, literal
from hpsearch.study.file.kinds import NestedValue
from hpsearch.study.file.known_points import values_text
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.priors import Prior
from hpsearch.study.space import Float, Parameter, holds_value

Searched = TypeVar("Searched", bound=Parameter)


class PriorEntry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    value: NestedValue = Field(description="the value that you expect to be good")
    weight: Literal["weak", "strong"] = Field("weak", description='how sure you are: "weak" or "strong"')


class PriorKey(BaseModel):
    prior: PriorEntry | None = Field(
        None, description='the expected value: { value = 1e-3, weight = "strong" }; the first trials are near it'
    )


def with_prior(parameter: Searched, entry: PriorEntry | None, path: KeyPath, faults: Faults) -> Searched:
    """The parameter with its prior; without it if the prior has a fault, which is added to `faults`."""
    if entry is None:
        return parameter
    value: Value = float(entry.value) if isinstance(parameter, Float) and type(entry.value) is int else entry.value
    if parameter.count == 1:
        faults.add((*path, "prior"), "has no effect: the parameter has one value only")
    elif not holds_value(parameter, value):
        faults.add((*path, "prior", "value"), f"must be {values_text(parameter)}, got {literal(value)}")
    else:
        return replace(parameter, prior=Prior(value, entry.weight))
    return parameter
