"""What a worker can be asked to measure with a study's trainer, beside training trials."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from hpsearch.core.replicates import ONE, Replicates
from hpsearch.core.trial import Objective, Params

Result_co = TypeVar("Result_co", covariant=True)


@dataclass(frozen=True)
class MeasurementContext:
    """The trainer that is measured, and what all its trainings have in common.

    use: "module:name". folder: the trainer's module is looked for there first. options: the trainer's fixed
    parameters. objective: its metric must be in every report. threads: CPU threads of a training.
    replicates: what a trial of the study trains side by side.
    """

    use: str
    folder: Path
    options: Params
    objective: Objective
    device: str = "cpu"
    threads: int = 1
    data_dir: Path | None = None
    replicates: Replicates = ONE


class Measurement(Protocol[Result_co]):
    """A frozen value that travels to a worker and is measured there. seconds: the most that it may take."""

    @property
    def seconds(self) -> float: ...

    def measure(self, context: MeasurementContext) -> Result_co:
        """In the worker's process. Nothing of it outlives the call."""
        ...
