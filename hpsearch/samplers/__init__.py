"""Samplers propose parameters: pure functions from a study's history to the next proposal."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch.samplers.optuna.adapter import Adapted

__all__ = ["from_optuna"]


def from_optuna(sampler: Any) -> "Adapted":
    """Adapt a sampler object of Optuna, for `Study.from_dict(…, sampler=…)` or for `search.use`.

    The study's seed replaces the seed of the sampler. BadInput: the sampler cannot be used (see docs/own-samplers.md).
    """
    from hpsearch.samplers.optuna.adapter import adapted

    return adapted(sampler)
