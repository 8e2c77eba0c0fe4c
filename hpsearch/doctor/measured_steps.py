"""The measurements of a trial's steps (`trainer/measurements/`) in the form that the doctor's signs use."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median

from hpsearch.core.metric_names import PREFIX
from hpsearch.doctor.series import Series

DESCENDS = 0.15
"""The limit of the mean cosine; trainings with 300 times a good rate are below 0.1."""


@dataclass(frozen=True)
class MeasuredSteps:
    """Series by the names of the measurements, without their prefix, for the optimizer that was tracked first."""

    found: Mapping[str, Series]

    @classmethod
    def of(cls, found: Mapping[str, Series]) -> "MeasuredSteps":
        return cls({name.removeprefix(PREFIX): one for name, one in found.items() if name.startswith(PREFIX)})

    @cached_property
    def descent(self) -> float | None:
        """The mean cosine between a step and the negative gradient after it; None with fewer than three samples."""
        one = self.found.get("descent")
        return fmean(one.values) if one is not None and len(one) > 2 else None

    @property
    def descends(self) -> bool:
        """Whether the loss still falls in the direction of the step after it, so that the step was not too large."""
        return self.descent is not None and self.descent > DESCENDS

    def descent_until(self, step: int) -> float | None:
        """The mean cosine of the samples up to a step, or the first one after it; None without samples."""
        one = self.found.get("descent")
        if one is None:
            return None
        return fmean(v for s, v in zip(one.steps, one.values, strict=True) if s <= max(step, one.steps[0]))

    @property
    def is_idle(self) -> bool:
        """Whether no optimizer made a step in any epoch, and the weights are unchanged."""
        counts = [one for name, one in self.found.items() if name.split("/")[0] == "steps"]
        return bool(counts) and not any(any(one.values) for one in counts) and self._is_constant

    @property
    def moves_nothing(self) -> bool:
        """Whether the optimizer made steps, but no measured step changed a weight."""
        return "update_ratio" in self.found and not self.moves and self._is_constant

    @property
    def moves(self) -> bool:
        """Whether a measured step changed a weight."""
        one = self.found.get("update_ratio")
        return one is not None and any(one.values)

    @property
    def _is_constant(self) -> bool:
        weights = self.found.get("weight_norm")
        return weights is not None and len(weights) > 1 and min(weights.values) == max(weights.values)

    def first(self, name: str) -> float | None:
        one = self.found.get(name)
        return one.first if one is not None else None

    def typical(self, name: str) -> float | None:
        one = self.found.get(name)
        return median(one.values) if one is not None else None

    def layers(self, name: str) -> dict[str, float]:
        """The median of a measurement of single layers, by the name of the layer."""
        prefix = f"{name}/"
        return {key.removeprefix(prefix): self.typical(key) or 0.0 for key in self.found if key.startswith(prefix)}
