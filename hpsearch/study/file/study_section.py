"""[study] of a study file."""

from typing import Literal

from pydantic import Field

from hpsearch.core import requirements
from hpsearch.core.trial import TrialSeeds
from hpsearch.study.file.kinds import JudgedAt, MetricName, StudyName, Whole
from hpsearch.study.file.sections import OtherTables, Problems, Section

MAX_REQUIREMENTS = 20


class StudySection(Section):
    name: StudyName = Field(description="name of the study")
    metric: MetricName = Field(description="the metric to optimize: a name that the trainer reports")
    goal: Literal["minimize", "maximize"] = Field(description='"minimize" or "maximize" the metric')
    seed: Whole = Field(0, description="seed of all random numbers of the study")
    trial_seeds: TrialSeeds = Field(
        "same", description='"same": every trial trains with study.seed; "different": each with a seed of its own'
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

    def problems(self, others: OtherTables) -> Problems:  # noqa: ARG002
        if len(self.require or ()) > MAX_REQUIREMENTS:
            yield ("study", "require"), f"must have at most {MAX_REQUIREMENTS} entries, got {len(self.require or ()):,}"
            return
        for place, text in enumerate(self.require or ()):
            try:
                requirements.read(text)
            except ValueError as problem:
                yield ("study", "require", place), str(problem)
