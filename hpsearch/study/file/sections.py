"""The tables of a study file, one class each, as INTERFACE and `studies/study.schema.json` describe them.

Those of [search] are in search_sections.py, which says what a new search method takes. What one value may be is in
kinds.py.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from hpsearch.core.trial import Plain
from hpsearch.study.file.faults import meant
from hpsearch.study.file.kinds import (
    Address,
    Allowed,
    Bytes,
    Count,
    Gpus,
    Number,
    Options,
    OwnUse,
    PlainValue,
    RecordableName,
    Seconds,
    StudyName,
    Use,
    Whole,
    Yes,
)
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.space import Choice, Float, Parameter, Space

Problems = Iterator[tuple[KeyPath, str]]
"""Where something is wrong in the file, and what."""


@dataclass(frozen=True)
class Beside:
    """What else the file says. space, epochs (trainer.epochs): None where they are at fault themselves.

    names: the keys of [space], right or wrong.
    """

    names: Container[str]
    space: Space | None
    epochs: int | None


class Section(BaseModel):
    """Frozen and strict: no unknown key, no "3" for 3, no 3.0 for a whole number, nothing infinite."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    def problems(self, beside: Beside) -> Problems:
        """What is wrong with it that no value shows by itself."""
        yield from ()


# [study], [trainer] ──────────────────────────────────────────────────────────────────────────────


class About(Section):
    name: StudyName = Field(description="what the study is called, everywhere")
    metric: RecordableName = Field(description="what decides: a name that the trainer reports")
    goal: Literal["minimize", "maximize"] = Field(description='"minimize" or "maximize" the metric')
    seed: Whole = Field(0, description="where all random numbers of the study come from")
    at: Literal["best", "last"] = Field("best", description="the epoch at which a trial's curve is judged")


class Validation(Section):
    folds: Annotated[int, Field(ge=2, le=100)] = Field(
        description="so many networks train side by side in each trial, each validated on another part of the examples"
    )


ASK_AND_TELL = "hpsearch:Session"
"""As trainer.use: the trials are trained by a program that asks for them."""


class Trainer(Section):
    use: Use = Field(
        description='"module:function" or "file.py:function", a generator; or a ray.tune.Trainable, class or function'
    )
    from_python: Literal[True] | None = Field(
        None, description="hpsearch notes it: the trainer is a Python object of the program that ran the study"
    )
    epochs: Count = Field(description="the most that one trial may train")
    repeats: Annotated[int, Field(ge=1, le=100)] = Field(
        1, description="so many seeds train side by side in each trial, which reports their mean"
    )
    validation: Validation | None = Field(None, description="k-fold cross-validation inside each trial")
    options: dict[RecordableName, PlainValue] = Field({}, description="fixed values for the trainer")

    def problems(self, beside: Beside) -> Problems:
        for name in self.options:
            if name in beside.names:
                yield ("trainer", "options", name), f"`{name}` stands in [space] too; leave one out"


# [space] ─────────────────────────────────────────────────────────────────────────────────────────


class Range(Section):
    """A number between two others: whole where both ends and the step are."""

    low: Number = Field(description="the least value")
    high: Number = Field(description="the greatest value")
    log: bool = Field(False, description="spread evenly over the logarithm")
    step: Number | None = Field(None, description="only low, low + step, …")
    when: dict[str, Allowed] = Field({}, description="active only where other parameters have these values")
    grid: tuple[Number, ...] = Field((), strict=False, description="its values in a grid search")
    points: Annotated[int, Field(ge=2, le=10_000)] | None = Field(None, description="so many values in a grid search")
    expand: bool = Field(False, description="coarse-to-fine may look beyond low and high")


AUTO_LOW, AUTO_HIGH = 1e-7, 10.0
"""Between these a range test looks for a learning rate where the file does not say."""


class Auto(Section):
    """A learning rate whose range the learning-rate range test finds, before the first trial."""

    auto: Yes = Field(description="take the range from the range test")
    low: Number = Field(AUTO_LOW, description="the test begins here")
    high: Number = Field(AUTO_HIGH, description="the test ends here")
    when: dict[str, Allowed] = Field({}, description="active only where other parameters have these values")
    points: Annotated[int, Field(ge=2, le=10_000)] | None = Field(None, description="so many values in a grid search")
    expand: bool = Field(False, description="coarse-to-fine may look beyond what the test found")


class Values(Section):
    """A choice, as a table so that it can have a condition."""

    values: tuple[PlainValue, ...] = Field(strict=False, min_length=1, description="what to choose from")
    when: dict[str, Allowed] = Field({}, description="active only where other parameters have these values")


# [prune], [early_stopping] ───────────────────────────────────────────────────────────────────────


class PruneSection(Section):
    method: str

    @property
    def label(self) -> str:
        """What a person calls the method."""
        return self.method

    def problems(self, beside: Beside) -> Problems:
        """A pruner that would not get to judge before the last epoch is a mistake."""
        for key in ("min_epochs", "warmup_epochs"):
            first = getattr(self, key, 0)
            if beside.epochs is not None and first >= beside.epochs:
                yield ("prune", key), f"must be < {beside.epochs}, trainer.epochs, got {first}"


class NeverPrune(PruneSection):
    method: Literal["never"]


class MedianPrune(PruneSection):
    """Stop what is worse than the median of the others at the same epoch."""

    method: Literal["median"]
    startup_trials: Whole = Field(5, description="so many must have reached the epoch first")
    warmup_epochs: Whole = Field(1, description="no verdict in the first epochs")
    interval: Count = Field(1, description="a verdict every so many epochs")


class HalvingPrune(PruneSection):
    """Asynchronous successive halving."""

    method: Literal["halving"]
    min_epochs: Count = Field(1, description="the first rung")
    eta: int = Field(3, ge=2, description="one in eta trials continues at each rung")


class HyperbandPrune(PruneSection):
    """Successive halving in several brackets."""

    method: Literal["hyperband"]
    min_epochs: Count = Field(1, description="the first rung of the strictest bracket")
    eta: int = Field(3, ge=2, description="one in eta trials continues at each rung")


class PatiencePrune(PruneSection):
    """Stop what has not become better for some epochs."""

    method: Literal["patience"]
    patience: Count = Field(description="so many epochs")
    min_delta: float = Field(0.0, ge=0, description="less than this is not better")


class ThresholdPrune(PruneSection):
    """Stop what leaves the bounds."""

    method: Literal["threshold"]
    lower: float | None = Field(None, description="stop below this value of the metric")
    upper: float | None = Field(None, description="stop above this value of the metric")
    warmup_epochs: Whole = Field(0, description="no verdict in the first epochs")

    def problems(self, beside: Beside) -> Problems:
        if self.lower is None and self.upper is None:
            yield ("prune",), "must have lower, upper or both"
        elif self.lower is not None and self.upper is not None and self.lower >= self.upper:
            yield ("prune", "lower"), f"must be < upper, got lower = {self.lower}, upper = {self.upper}"
        yield from super().problems(beside)


class OwnPrune(PruneSection):
    """A pruner from outside hpsearch, named by `use`. `Study.from_dict` may be given the object itself."""

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


class EarlyStopping(Section):
    patience: Count = Field(description="a trial ends after so many epochs without a better one")
    min_delta: float = Field(0.0, ge=0, description="less than this is not better")


# [preflight], [lr_range] ────────────────────────────────────────────────────────────────────────


CheckName = Literal[
    "metrics",
    "inputs",
    "outputs",
    "loss at start",
    "loss sign",
    "gradients",
    "optimizer",
    "zero_grad",
    "overfits",
    "labels",
]


class Preflight(Section):
    """Before the first trial: whether the trainer can learn at all."""

    limit: Seconds = Field(600.0, description="the most that it may take")
    skip: tuple[CheckName, ...] = Field((), strict=False, description="checks that are not wanted")


class LrRange(Section):
    """Before the first trial: at which learning rates the loss falls."""

    parameter: RecordableName = Field("lr", description="which parameter of [space] is the learning rate")
    iterations: Annotated[int, Field(ge=30, le=100_000)] = Field(150, description="steps of a test")
    tests: Annotated[int, Field(ge=1, le=50)] = Field(4, description="the most tests, one for each choice of others")
    limit: Seconds = Field(600.0, description="the most that all tests together may take")

    def problems(self, beside: Beside) -> Problems:
        """Its parameter is the one that is auto, else any that can be a learning rate."""
        if beside.space is None:
            return
        space, name = beside.space, self.parameter
        auto = [one.name for one in space.parameters if isinstance(one, Float) and one.auto]
        known = {**space.fixed, **{one.name: one for one in space.parameters}}
        if auto and name not in auto:
            if "parameter" in self.model_fields_set:
                yield ("lr_range", "parameter"), f"is `{name}`, and auto = true stands at `{auto[0]}`"
        elif name not in known:
            names = [*(one.name for one in space.parameters), *space.fixed]
            yield ("lr_range", "parameter"), f"`{name}` is no parameter of [space]{meant(name, names)}"
        elif not _is_positive(known[name]):
            yield ("lr_range", "parameter"), f"`{name}` must be a range above 0, to be a learning rate"


def _is_positive(found: Parameter | Plain) -> bool:
    if isinstance(found, Choice):
        return all(not isinstance(value, str | bool) and value > 0 for value in found.values)
    if isinstance(found, Parameter):
        return found.low > 0
    return not isinstance(found, str | bool) and found > 0


# [resources], [limits], [journal], [tracking] ────────────────────────────────────────────────────


class PerTrial(Section):
    cpus: float = Field(1, gt=0, description="also the threads of a trial")
    gpus: Gpus = Field(0, description="a share of one, or several")
    memory: Bytes | None = Field(None, description="host memory")


class Resources(Section):
    workers: Count | None = Field(None, description="trials at once; omitted: what there is room for")
    address: Address = Field("local", description="which Ray")
    per_trial: PerTrial = PerTrial()


class Limits(Section):
    study: Seconds | None = Field(None, description="wall clock of the study")
    gpu_hours: float | None = Field(None, gt=0, description="GPU hours of all trials together")
    trial: Seconds | None = Field(None, description="wall clock of a trial")
    stall: Seconds | None = Field(None, description="longest silence of a trial")
    trials: Count | None = Field(None, description="most trials")
    epochs: Count | None = Field(None, description="most epochs of all trials together")
    retries: Whole = Field(2, description="times that a trial is given another worker")
    max_failures: Count = Field(5, description="trials whose trainer raised before the study stops")


class JournalSection(Section):
    url: str | None = Field(None, description="sqlite:///FILE, or postgresql://…; default: in .hpsearch/")
    wait: Seconds = Field(600.0, description="how long the database may be away before the study stops")


class Tracking(Section):
    mlflow: str | None = Field(None, description='sqlite:///FILE, http://HOST:PORT, … or "none"')


def kinds(union: Any) -> dict[str, type[Section]]:
    """`method` -> class, of Search or Prune."""
    classes = get_args(get_args(union)[0])
    return {get_args(kind.model_fields["method"].annotation)[0]: kind for kind in classes}
