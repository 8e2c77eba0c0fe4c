"""What a study optimizes, from its table [study]."""

from collections.abc import Mapping
from typing import Any

from hpsearch.core import requirements
from hpsearch.core.goals import Goal
from hpsearch.core.trial import Objective


def objective_of(about: Mapping[str, Any]) -> Objective:
    """about: [study] as it is recorded, without faults; one of an earlier version has fewer keys."""
    require = tuple(map(requirements.read, about.get("require", ())))
    others = tuple(Goal(one["metric"], one["goal"]) for one in about.get("objectives", ())[1:])
    return Objective(about["metric"], about["goal"], about["at"], about.get("failed", "keep"), require, others)
