"""What a worker can be asked to measure with a study's trainer, beside training trials."""

from typing import Protocol, TypeVar

from hpsearch.trainer.open_trial import TrainerContext

Result_co = TypeVar("Result_co", covariant=True)


class Measurement(Protocol[Result_co]):
    """A frozen value that travels to a worker and is measured there. seconds: the most that it may take."""

    @property
    def seconds(self) -> float: ...

    def measure(self, context: TrainerContext) -> Result_co:
        """In the worker's process. Nothing of it outlives the call."""
        ...
