"""[early_stopping]: ends a trial when its own curve no longer improves."""

from typing import Literal

from pydantic import Field

from hpsearch.core.metric_names import goal_of
from hpsearch.core.trial import Objective
from hpsearch.study.file.kinds import Count, MetricName
from hpsearch.study.file.section import OtherTables, Problems, Section


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
        if self.from_epoch is not None and others.epochs is not None and self.from_epoch >= others.epochs:
            text = f"must be < {others.epochs}, {others.epochs_key}, got {self.from_epoch}"
            yield ("early_stopping", "from_epoch"), text
