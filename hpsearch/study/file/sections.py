"""The tables of a study file, one class each; `studies/study.schema.json` is generated from them.

[study] is in study_section.py, [trainer] in trainer_sections.py, [search] in search_sections.py, which describes how to
add a search method. The types of single values are in kinds.py.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from hpsearch.core.trial import EPOCH, MAX_ENSEMBLE_TRIALS, Value
from hpsearch.study.file.earlier_keys import EarlierKeys
from hpsearch.study.file.faults import did_you_mean
from hpsearch.study.file.kinds import (
    Address,
    Allowed,
    Bytes,
    Count,
    Gpus,
    MetricName,
    NestedValue,
    Number,
    Options,
    OwnUse,
    RecordableName,
    Seconds,
    Whole,
    Yes,
)
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.file.prior_entry import PriorKey
from hpsearch.study.metric_names import is_never_negative
from hpsearch.study.searched_rate import searched_rate
from hpsearch.study.space import Choice, Float, Int, Parameter, Space

Problems = Iterator[tuple[KeyPath, str]]
"""The key that has a fault, and the message."""


@dataclass(frozen=True)
class OtherTables:
    """Values of other tables. space, epochs (trainer.epochs), metric (study.metric): None if they have faults.

    names: the keys of [space], also those with faults. is_program: whether the trainer is a command or a script.
    unit: of `epochs`, see `Objective.unit`. epochs_key: the key of `epochs` in the file.
    """

    names: Collection[str]
    space: Space | None
    epochs: int | None
    metric: str | None = None
    is_program: bool = False
    unit: str = EPOCH
    epochs_key: str = "trainer.epochs"


class Section(BaseModel):
    """Frozen and strict: unknown keys, "3" for 3, 3.0 for a whole number and infinite values are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    def problems(self, others: OtherTables) -> Problems:
        """Faults that concern several values."""
        yield from ()


# [space] ─────────────────────────────────────────────────────────────────────────────────────────


WHEN = 'active only if other parameters have these values, or values such as ">= 3"'


class Range(Section, EarlierKeys, PriorKey):
    """A range of numbers; of whole numbers if low, high and step are whole."""

    low: Number = Field(description="lowest value")
    high: Number = Field(description="highest value")
    log: bool = Field(False, description="log-uniform")
    scale: Literal["log", "logit", "reverse-log"] | None = Field(None, description="uniform on this scale")
    step: Number | None = Field(None, description="only the values low, low + step, …")
    powers_of: Annotated[int, Field(ge=2)] | None = Field(
        None, description="only whole powers of this number, evenly on a log scale"
    )
    when: dict[str, Allowed] = Field({}, description=WHEN)
    grid: tuple[Number, ...] = Field((), strict=False, description="values in a grid search")
    points: Annotated[int, Field(ge=2, le=10_000)] | None = Field(None, description="number of values in a grid search")
    expand: bool = Field(False, description="a search in rounds may move the range beyond low and high")
    digits: Annotated[int, Field(ge=1, le=15)] | None = Field(
        None, description="significant digits of each value; default: few, such as 0.2278 (see study.numbers)"
    )


AUTO_LOW, AUTO_HIGH = 1e-7, 10.0
"""Default bounds of the learning-rate range test."""


class Auto(Section, EarlierKeys):
    """A learning rate; the range test finds its search range before the first trial."""

    auto: Yes = Field(description="take the range from the range test")
    low: Number = Field(AUTO_LOW, description="lowest learning rate of the test")
    high: Number = Field(AUTO_HIGH, description="highest learning rate of the test")
    when: dict[str, Allowed] = Field({}, description=WHEN)
    points: Annotated[int, Field(ge=2, le=10_000)] | None = Field(None, description="number of values in a grid search")
    expand: bool = Field(False, description="a search in rounds may move the range beyond what the test found")


class Values(Section, EarlierKeys, PriorKey):
    """A choice, written as a table: it may have a condition and names."""

    values: tuple[NestedValue, ...] = Field(strict=False, min_length=1, description="the values to choose from")
    when: dict[str, Allowed] = Field({}, description=WHEN)
    names: tuple[str, ...] = Field((), strict=False, description="a short name for each value, for screens and plots")
    none: bool | None = Field(
        None,
        description='the trainer gets None for the value "none"; default: true if no other value is a string',
    )


# [prune] ───────────────────────────────────────────────────────────────────────────────────────


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
    "eval mode",
    "overfits",
    "labels",
]


class Preflight(Section):
    """Checks whether the trainer can learn, before the first trial."""

    limit: Seconds = Field(600.0, description="time limit of all checks together")
    skip: tuple[CheckName, ...] = Field((), strict=False, description="checks to leave out")


class LrRange(Section):
    """Measures at which learning rates the loss falls, before the first trial."""

    parameter: RecordableName = Field("lr", description="the learning rate in [space]; default: found by its name")
    iterations: Annotated[int, Field(ge=30, le=100_000)] = Field(150, description="optimizer steps of one test")
    tests: Annotated[int, Field(ge=1, le=50)] = Field(
        4, description="maximum number of tests; each is for other choices of the other parameters"
    )
    limit: Seconds = Field(600.0, description="time limit of all tests together")

    def for_rate(self, rate: str | None, is_auto: bool) -> "LrRange":
        """The section for this parameter, unless it names another. is_auto: the range test finds its range."""
        given = "parameter" in self.model_fields_set and not is_auto
        return self if rate is None or given else self.model_copy(update={"parameter": rate})

    def problems(self, others: OtherTables) -> Problems:
        """Its parameter must be the one with auto = true if there is one, else have positive values only."""
        if others.is_program:
            yield ("lr_range",), "needs a trainer in Python: hpsearch cannot change the learning rate of a program"
        if others.space is None or others.is_program:
            return
        space = others.space
        name = self.for_rate(searched_rate(space)[0], is_auto=False).parameter
        auto = [one.name for one in space.parameters if isinstance(one, Float) and one.auto]
        known = {**space.fixed, **{one.name: one for one in space.parameters}}
        if auto and name not in auto:
            if "parameter" in self.model_fields_set:
                yield ("lr_range", "parameter"), f"is `{name}`, but auto = true is set for `{auto[0]}`"
        elif name not in known:
            names = [*(one.name for one in space.parameters), *space.fixed]
            yield ("lr_range", "parameter"), f"`{name}` is not a parameter of [space]{did_you_mean(name, names)}"
        elif not _is_positive(known[name]):
            yield ("lr_range", "parameter"), f"`{name}` must be a range above 0, to be a learning rate"


def _is_positive(found: Parameter | Value) -> bool:
    if isinstance(found, Choice):
        return all(map(_is_positive, found.values))
    if isinstance(found, Float | Int):
        return found.low > 0
    return not isinstance(found, str | bool | list | dict) and found > 0


# [resources], [limits], [checkpoints], [journal], [tracking] ─────────────────────────────────────


class PerTrial(Section):
    cpus: float = Field(1, gt=0, description="CPUs of a trial; also its number of threads")
    gpus: Gpus = Field(0, description="GPUs of a trial: a fraction of one, or a whole number")
    memory: Bytes | None = Field(None, description="host memory of a trial")


class Resources(Section):
    workers: Count | None = Field(None, description="trials in parallel; default: as many as fit")
    address: Address = Field(
        "local",
        description='"local": starts its own Ray; "auto", "ray://HOST:PORT": a running cluster; '
        '"none": in this process, without Ray',
    )
    per_trial: PerTrial = PerTrial()
    isolation: Literal["process", "none"] = Field(
        "process",
        description='"process": each trial has its own process; "none": the trials of a worker share its process; '
        'address = "none" implies it',
    )


class Limits(Section):
    study: Seconds | None = Field(None, description="wall-clock time of the study")
    gpu_hours: float | None = Field(None, gt=0, description="GPU hours of all trials together")
    trial: Seconds | None = Field(None, description="wall-clock time of a trial")
    stall: Seconds | None = Field(None, description="longest time without a report of a trial")
    trials: Count | None = Field(None, description="maximum number of trials")
    epochs: Count | None = Field(None, description="maximum number of epochs of all trials together")
    target: float | None = Field(None, description="the study stops when the value of a trial is this good")
    retries: Whole = Field(2, description="how often a trial is started again after its worker was lost")
    max_failures: Count = Field(5, description="number of failed trials in a row after which the study stops")
    max_failure_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="the study stops when more than this share of a run's trials have failed; checked from 20 ended "
        "trials on",
    )
    infeasible: Whole = Field(
        100,
        description="number of infeasible trials that a random or bayesian search replaces by other trials: they are "
        "not counted in search.trials and limits.trials, further ones are. A grid and a search in rounds count all",
    )

    def problems(self, others: OtherTables) -> Problems:
        if self.target is not None and self.target < 0 and is_never_negative(others.metric or ""):
            yield ("limits", "target"), f"must be >= 0: {others.metric} is never negative; got {self.target}"


class MetricMeanings(Section):
    """The names of the metrics that the diagnosis of curves uses, if they are not the usual ones."""

    train_loss: MetricName | None = Field(None, description="the loss on the training split")
    val_loss: MetricName | None = Field(None, description="the same loss on the validation split")
    train_accuracy: MetricName | None = Field(
        None, description="an accuracy (or F1, AUROC, …) on the training split, a fraction or in percent"
    )
    val_accuracy: MetricName | None = Field(None, description="the same on the validation split")
    lr: MetricName | None = Field(None, description="the learning rate of the epoch")
    grad_norm: MetricName | None = Field(None, description="the norm of the gradient")
    weight_norm: MetricName | None = Field(None, description="the norm of the weights")
    update_ratio: MetricName | None = Field(None, description="the norm of one step divided by the norm of the weights")

    @property
    def given(self) -> dict[str, str]:
        """The name of a metric by its role."""
        return self.model_dump(exclude_none=True)

    def problems(self, others: OtherTables) -> Problems:
        """A metric must not have two roles."""
        first: dict[str, str] = {}
        for role, name in self.given.items():
            if name in first:
                yield ("metrics", role), f"`{name}` is already given as {first[name]}; a metric has one meaning"
            first.setdefault(name, role)


class Checkpoints(Section):
    """Which checkpoints of ended trials stay on the disk. Trials that may be continued always keep theirs."""

    keep: Literal["finalists", "best", "all"] = Field(
        "finalists",
        description="the ended trials that keep the checkpoint of their best epoch: the best (number: finalists), "
        "only the best one, or all",
    )
    finalists: Count = Field(MAX_ENSEMBLE_TRIALS, description='number of best trials for keep = "finalists"')
    weights_only: bool = Field(
        False,
        description="leave the state of optimizers, schedules and random generators out of the best epoch's checkpoint",
    )

    @property
    def most(self) -> int | None:
        """How many ended trials keep a checkpoint; None: all."""
        return {"finalists": self.finalists, "best": 1, "all": None}[self.keep]


class JournalSection(Section):
    url: str | None = Field(None, description="sqlite:///FILE, or postgresql://…; default: in .hpsearch/")
    wait: Seconds = Field(600.0, description="how long the database may be unreachable before the study stops")


class Tracking(Section):
    mlflow: str | None = Field(None, description='sqlite:///FILE, http://HOST:PORT, … or "none"')


def kinds(union: Any) -> dict[str, type[Section]]:
    """`method` -> class, of Search or Prune."""
    classes = get_args(get_args(union)[0])
    return {get_args(kind.model_fields["method"].annotation)[0]: kind for kind in classes}
