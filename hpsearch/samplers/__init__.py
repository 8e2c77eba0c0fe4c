"""Samplers propose parameters: pure functions from a study's history to the next proposal."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch.samplers.optuna.adapter import Adapted

__all__ = ["from_optuna"]


def from_optuna(sampler: Any) -> "Adapted":
    """A sampler object of Optuna for `Study.from_dict(…, sampler=…)`, or for `search.use` to name.

    The study's seed replaces the sampler's own. BadInput: the sampler cannot be used (docs/own-samplers.md has a list).
    """
    from hpsearch.samplers.optuna.adapter import adapted

    return adapted(sampler)
