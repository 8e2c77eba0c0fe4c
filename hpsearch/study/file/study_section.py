"""[study] of a study file."""

from typing import Any, Literal

from pydantic import Field, model_validator

from hpsearch.core import requirements
from hpsearch.core.trial import TrialSeeds
from hpsearch.study.file.kinds import JudgedAt, MetricName, StudyName, Whole
from hpsearch.study.file.section import Lists, OtherTables, Problems, Section

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
        "same", description='"same": every trial trains with study.seed; "different": each with its own seed'
    )
    numbers: Literal["short", "full"] = Field(
        "short",
        description="how values of float ranges without digits are rounded: to few significant digits, such as 0.2278 "
        '("short"), or not ("full")',
    )
    at: JudgedAt = Field(
        "best",
        description='the value of a trial: the best of all epochs ("best"), that of the last epoch ("last"), or the '
        'mean of the last values ("mean of last 5")',
    )
    failed: Literal["keep", "drop"] = Field(
        "keep", description='whether the results of a failed trial, before it failed, are used ("keep") or not ("drop")'
    )
    require: tuple[str, ...] | None = Field(
        None,
        strict=False,
        min_length=1,
        description='conditions on reported metrics that the best trial must meet: "latency_ms <= 20"',
    )

    objectives: tuple[OneGoal, ...] | None = Field(
        None,
        strict=False,
        description="two or three goals, in place of metric and goal: { metric = …, goal = … } each",
    )

    @model_validator(mode="before")
    @classmethod
    def _with_first_goal(cls, table: Any) -> Any:
        """Without `metric` and `goal`, the first goal becomes these: it selects the epoch of a trial."""
        if not isinstance(table, dict) or "objectives" not in table or "metric" in table or "goal" in table:
            return table
        goals = table["objectives"]
        first = goals[0] if isinstance(goals, list | tuple) and goals and isinstance(goals[0], dict) else {}
        metric, goal = first.get("metric"), first.get("goal")
        if not isinstance(metric, str) or goal not in ("minimize", "maximize"):
            metric, goal = "objective", "minimize"  # valid, so that only `objectives` is reported as faulty
        return {**table, "metric": metric, "goal": goal}

    def problems(self, others: OtherTables) -> Problems:
        yield from self._problems_of_goals()
        if len(self.require or ()) > MAX_REQUIREMENTS:
            yield ("study", "require"), f"must have at most {MAX_REQUIREMENTS} entries, got {len(self.require or ()):,}"

    @classmethod
    def problems_in_lists(cls, lists: Lists, others: OtherTables) -> Problems:
        texts = lists.get("require", [])
        known = enumerate(texts if len(texts) <= MAX_REQUIREMENTS else ())
        for place, text in ((place, text) for place, text in known if text is not None):
            try:
                requirements.read(text)
            except ValueError as problem:
                yield ("study", "require", place), str(problem)
        names = [one and one["metric"] for one in lists.get("objectives", ())]
        for place, name in enumerate(names):
            if name and name in names[:place]:
                yield ("study", "objectives", place, "metric"), f"`{name}` is already an objective"

    def _problems_of_goals(self) -> Problems:
        if self.objectives is None:
            return
        goals = self.objectives
        if not 2 <= len(goals) <= 3:
            yield (
                ("study", "objectives"),
                f"must be two or three goals, got {len(goals)}; write one goal as metric and goal",
            )
        elif (self.metric, self.goal) != (goals[0].metric, goals[0].goal):
            yield ("study", "objectives"), "contains all goals: leave out study.metric and study.goal"


class Provenance(Section):
    diff: bool = Field(
        True, description="record the text of uncommitted changes; false: only their number of lines and SHA-256"
    )
