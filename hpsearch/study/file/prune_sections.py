"""[prune] of a study file: a class for each method."""

from typing import Annotated, Literal

from pydantic import Field

from hpsearch.study.file.kinds import (
    Count,
    Options,
    OwnUse,
    Whole,
)
from hpsearch.study.file.section import OtherTables, Problems, Section


class PruneSection(Section):
    method: str

    @property
    def label(self) -> str:
        """The name of the method in messages."""
        return self.method

    def problems(self, others: OtherTables) -> Problems:
        """The pruner's first decision must come before the last epoch."""
        for key in ("min_epochs", "warmup_epochs"):
            first = getattr(self, key, 0)
            if others.epochs is None or first < others.epochs:
                continue
            if key in self.model_fields_set:
                yield ("prune", key), f"must be < {others.epochs}, {others.epochs_key}, got {first}"
            else:
                length = f"{others.epochs_key} = {others.epochs}"
                yield ("prune", "method"), f"cannot stop a trial earlier, with {length}; leave out [prune]"


class NeverPrune(PruneSection):
    method: Literal["never"]


class MedianPrune(PruneSection):
    """Stops trials that are worse than the median of the others at the same epoch."""

    method: Literal["median"]
    startup_trials: Whole = Field(5, description="number of trials that must have reached the epoch first")
    warmup_epochs: Whole = Field(1, description="number of first epochs without a decision")
    interval: Count = Field(1, description="number of epochs between two decisions")


class HalvingPrune(PruneSection):
    """Asynchronous successive halving."""

    method: Literal["halving"]
    min_epochs: Count = Field(1, description="the first rung")
    eta: int = Field(3, ge=2, description="one in eta trials continues at each rung")
    promote: bool = Field(True, description="pause the others, and resume the best later; false: stop them")


class HyperbandPrune(PruneSection):
    """Successive halving in several brackets."""

    method: Literal["hyperband"]
    min_epochs: Count = Field(1, description="the first rung of the strictest bracket")
    eta: int = Field(3, ge=2, description="one in eta trials continues at each rung")
    promote: bool = Field(True, description="pause the others, and resume the best later; false: stop them")


class PatiencePrune(PruneSection):
    """Stops trials without an improvement for some epochs."""

    method: Literal["patience"]
    patience: Count = Field(description="number of epochs without an improvement")
    min_delta: float = Field(0.0, ge=0, description="an improvement is larger than this")


class ThresholdPrune(PruneSection):
    """Stops trials whose metric leaves the bounds."""

    method: Literal["threshold"]
    lower: float | None = Field(None, description="lowest value of the metric that does not stop a trial")
    upper: float | None = Field(None, description="highest value of the metric that does not stop a trial")
    warmup_epochs: Whole = Field(0, description="number of first epochs without a decision")

    def problems(self, others: OtherTables) -> Problems:
        if self.lower is None and self.upper is None:
            yield ("prune",), "must have lower, upper or both"
        elif self.lower is not None and self.upper is not None and self.lower >= self.upper:
            yield ("prune", "lower"), f"must be < upper, got lower = {self.lower}, upper = {self.upper}"
        yield from super().problems(others)


class OwnPrune(PruneSection):
    """The user's own pruner, named by `use`. In Python it is passed to `Study.from_dict` as an object."""

    method: Literal["own"] = "own"
    use: OwnUse = Field(description='"module:Class", the module beside the study file or installed')
    options: Options = Field({}, description="keyword arguments of the class")

    @property
    def label(self) -> str:
        return self.use


Prune = Annotated[
    NeverPrune | MedianPrune | HalvingPrune | HyperbandPrune | PatiencePrune | ThresholdPrune | OwnPrune,
    Field(discriminator="method"),
]
