"""How far a trial is from meeting each requirement of its study, as the constraints of an Optuna trial.

In Optuna 5 they are an argument of `create_trial`. In Optuna 4 they are a list among the system attributes, which
Optuna 5 reads too, and samplers only use it if they have a `constraints_func`.
"""

from collections.abc import Sequence
from functools import cache
from inspect import signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

KEY = "constraints"


def constraints(excess: Sequence[float]) -> dict[str, Any]:
    """The argument of `create_trial`; empty if the study has no requirements."""
    if not excess:
        return {}
    if not _are_arguments():
        return {"system_attrs": {KEY: list(excess)}}
    return {"constraints": {str(place): value for place, value in enumerate(excess)}}


def constraints_function() -> dict[str, Any]:
    """The argument with which a sampler uses the constraints of its trials."""
    return {} if _are_arguments() else {"constraints_func": _recorded}


def _recorded(trial: "FrozenTrial") -> Sequence[float]:
    found: Sequence[float] = trial.system_attrs.get(KEY, ())
    return found


@cache
def _are_arguments() -> bool:
    from optuna.trial import create_trial

    return "constraints" in signature(create_trial).parameters
