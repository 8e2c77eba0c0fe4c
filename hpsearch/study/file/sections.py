"""The tables of a study file, one class each; `studies/study.schema.json` is generated from them.

[study] is in study_section.py, [trainer] in trainer_sections.py, the entries of [space] in space_forms.py, [prune] in
prune_sections.py, and [search] in search_sections.py, which describes how to add a search method. The types of single
values are in kinds.py.
"""

from typing import Annotated, Literal

from pydantic import Field

from hpsearch.core.metric_names import goal_of, is_never_negative
from hpsearch.core.parameter_roles import learning_rate_of
from hpsearch.core.trial import MAX_ENSEMBLE_TRIALS, Objective, Value
from hpsearch.study.file.faults import did_you_mean
from hpsearch.study.file.kinds import (
    Address,
    Bytes,
    Count,
    Gpus,
    MetricName,
    RecordableName,
    Seconds,
    Whole,
)
from hpsearch.study.file.section import OtherTables, Problems, Section
from hpsearch.study.space import Choice, Float, Int, Parameter, Space

# [preflight], [lr_range], [metrics] ──────────────────────────────────────────────────────────────


CheckName = Literal[
    "metrics",
    "inputs",
    "outputs",
    "loss at start",
    "loss sign",
    "initial weights",
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
        yield from self.problems_of_part(others)

    def problems_of_part(self, others: OtherTables) -> Problems:
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


def searched_rate(space: Space) -> tuple[str | None, bool]:
    """The name of the learning rate that a study searches, and whether the range test finds its range (`auto = true`).
    None if no learning rate is searched in one range above 0, or if several parameters may be the learning rate."""
    ranges = [one for one in space.parameters if isinstance(one, Float)]
    for one in ranges:
        if one.auto:
            return one.name, True
    return learning_rate_of(one.name for one in ranges if not one.axis and one.low > 0), False


def _is_positive(found: Parameter | Value) -> bool:
    if isinstance(found, Choice):
        return all(map(_is_positive, found.values))
    if isinstance(found, Float | Int):
        return found.low > 0
    return not isinstance(found, str | bool | list | dict) and found > 0


# [resources], [limits], [checkpoints], [journal], [tracking], [notify] ───────────────────────────


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


class Notify(Section):
    """A message when a run of the study ends."""

    url: str = Field(description="webhook that gets a JSON object with `text`; usually ${env:NAME}, as it is a secret")


# [early_stopping] ────────────────────────────────────────────────────────────────────────────────


class EarlyStopping(Section):
    patience: Count = Field(description="number of epochs without an improvement after which a trial ends")
    min_delta: float = Field(0.0, ge=0, description="an improvement is larger than this")
    metric: MetricName | None = Field(None, description="the metric that must improve; default: study.metric")
    goal: Literal["minimize", "maximize"] | None = Field(
        None, description='"minimize" or "maximize" that metric; default: derived from its name'
    )
    from_epoch: Count | None = Field(None, description="earlier epochs are ignored; default: 1")

    def other_metric(self, of_study: str) -> Objective | None:
        """The metric that must improve; None if it is the study's."""
        if self.metric is None or self.metric == of_study:
            return None
        return Objective(self.metric, self.goal or goal_of(self.metric) or "minimize")

    def problems(self, others: OtherTables) -> Problems:
        if self.goal is not None and self.metric in (None, others.metric):
            yield ("early_stopping", "goal"), "is only for another metric than the study's: remove it"
        elif self.metric not in (None, others.metric) and self.goal is None and goal_of(self.metric or "") is None:
            text = f'is missing: the name `{self.metric}` does not show whether a higher value is better; write "'
            yield ("early_stopping", "goal"), f'{text}minimize" or "maximize"'
        yield from self.problems_of_part(others)

    def problems_of_part(self, others: OtherTables) -> Problems:
        if self.from_epoch is not None and others.epochs is not None and self.from_epoch >= others.epochs:
            text = f"must be < {others.epochs}, {others.epochs_key}, got {self.from_epoch}"
            yield ("early_stopping", "from_epoch"), text
