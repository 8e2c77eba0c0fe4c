"""[study] of a study file."""

from typing import Any, Literal

from pydantic import Field, model_validator

from hpsearch.core import requirements
from hpsearch.core.trial import TrialSeeds
from hpsearch.study.file.kinds import JudgedAt, MetricName, StudyName, Whole
from hpsearch.study.file.sections import OtherTables, Problems, Section

MAX_REQUIREMENTS = 20


class OneGoal(Section):
    """One of several goals."""

    metric: MetricName = Field(description="a metric that the trainer reports")
    goal: Literal["minimize", "maximize"] = Field(description='"minimize" or "maximize" the metric')


class StudySection(Section):
    name: StudyName = Field(description="name of the study")
    metric: MetricName = Field(description="the metric to optimize: a name that the trainer reports")
    goal: Literal["minimize", "maximize"] = Field(description='"minimize" or "maximize" the metric')
    seed: Whole = Field(0, description="seed of all random numbers of the study")
    trial_seeds: TrialSeeds = Field(
        "same", description='"same": every trial trains with study.seed; "different": each with a seed of its own'
    )
    numbers: Literal["short", "full"] = Field(
        "short",
        description="how values of float ranges without digits are rounded: to few significant digits, such as 0.2278 "
        '("short"), or not ("full")',
    )
    at: JudgedAt = Field(
        "best",
        description='the value that counts: of the epoch with the best value ("best"), of the last epoch ("last"), or '
        'the mean of the last values ("mean of last 5")',
    )
    failed: Literal["keep", "drop"] = Field(
        "keep", description="whether the results of a trial before it failed count as the study's: yes, or no"
    )
    require: tuple[str, ...] | None = Field(
        None,
        strict=False,
        min_length=1,
        description='what a trial must meet to be the best, over reported metrics: "latency_ms <= 20"',
    )

    objectives: tuple[OneGoal, ...] | None = Field(
        None,
        strict=False,
        description="two or three goals, in place of metric and goal: { metric = …, goal = … } each",
    )

    @model_validator(mode="before")
    @classmethod
    def _with_first_goal(cls, table: Any) -> Any:
        """The first goal is `metric` and `goal` too, where these are not written: a trial's epoch is chosen by it."""
        if not isinstance(table, dict) or "objectives" not in table or "metric" in table or "goal" in table:
            return table
        goals = table["objectives"]
        first = goals[0] if isinstance(goals, list | tuple) and goals and isinstance(goals[0], dict) else {}
        metric, goal = first.get("metric"), first.get("goal")
        if not isinstance(metric, str) or goal not in ("minimize", "maximize"):
            metric, goal = "objective", "minimize"  # it is a fault of `objectives`, and only of them
        return {**table, "metric": metric, "goal": goal}

    def problems(self, others: OtherTables) -> Problems:
        yield from self._problems_of_goals()
        if len(self.require or ()) > MAX_REQUIREMENTS:
            yield ("study", "require"), f"must have at most {MAX_REQUIREMENTS} entries, got {len(self.require or ()):,}"
            return
        for place, text in enumerate(self.require or ()):
            try:
                requirements.read(text)
            except ValueError as problem:
                yield ("study", "require", place), str(problem)

    def _problems_of_goals(self) -> Problems:
        if self.objectives is None:
            return
        goals = self.objectives
        if not 2 <= len(goals) <= 3:
            yield (
                ("study", "objectives"),
                f"must be two or three goals, got {len(goals)}; one is metric and goal",
            )
        elif (self.metric, self.goal) != (goals[0].metric, goals[0].goal):
            yield ("study", "objectives"), "has all goals: leave out study.metric and study.goal"
        names = [one.metric for one in goals]
        for place, name in enumerate(names):
            if name in names[:place]:
                yield ("study", "objectives", place, "metric"), f"`{name}` is an objective already"
