"""The objective of a study, from its tables [study] and [trainer]."""

from collections.abc import Mapping
from typing import Any

from hpsearch.core import requirements
from hpsearch.core.goals import Goal
from hpsearch.core.trial import EPOCH, Objective


def objective_of(about: Mapping[str, Any], trainer: Mapping[str, Any]) -> Objective:
    """about, trainer: the recorded tables [study] and [trainer], without faults. Records of earlier versions have fewer
    keys."""
    require = tuple(map(requirements.read, about.get("require", ())))
    others = tuple(Goal(one["metric"], one["goal"]) for one in about.get("objectives", ())[1:])
    unit = trainer.get("unit", EPOCH)
    return Objective(about["metric"], about["goal"], about["at"], about.get("failed", "keep"), require, others, unit)
