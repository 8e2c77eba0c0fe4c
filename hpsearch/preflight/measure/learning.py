"""All that a preflight measures, one training after the other, each from its beginning."""

import time
from dataclasses import dataclass, replace

from hpsearch.core.trial import Params
from hpsearch.preflight.judge.chance import ChanceComparison, compare
from hpsearch.preflight.measure import epochs, first_steps, overfit
from hpsearch.preflight.measure.batches import Feed, Shuffled, as_given
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest
from hpsearch.preflight.measurements import Measured, OverfitAttempt, TrainedEpochs
from hpsearch.trainer.open_trial import TrainerContext

SHORT, LONG = 3, 10
"""Epochs after which the metric is to be better than chance; where it is not, more are given."""

ARMS, MOST_ARMS = 2, 8
"""Trainings on shuffled labels: how far they lie apart says what chance does. Two may lie well by chance, both of them:
more are trained where the metric alone is in doubt."""

SHARE = 0.4
"""Of the time for everything, for one of its parts."""


@dataclass(frozen=True, slots=True)
class LearningMeasurement:
    """Find out whether the trainer can learn, with these parameters.

    epochs: the most that a trial of the study trains. seconds: the most that all of it may take.
    skip: names of checks that are not wanted, so that nothing is measured for them alone.
    """

    params: Params
    seed: int
    epochs: int
    seconds: float = 600.0
    skip: tuple[str, ...] = ()

    def measure(self, context: TrainerContext) -> Measured:
        """Never raises for the trainer's sake: what it raised is in the answer."""
        began, idle = time.monotonic(), epochs.host_memory()
        deadline = began + self.seconds
        trainer = TrainerUnderTest(context, self.params, self.seed, self.epochs)
        steps, failure = first_steps.look(trainer, began + SHARE * self.seconds)
        if failure is not None:
            return Measured(steps, failure=failure, seconds=time.monotonic() - began)
        made: tuple[OverfitAttempt, ...] = ()
        if steps.fed and steps.losses and "overfits" not in self.skip:
            made = overfit.attempts(trainer, time.monotonic() + SHARE * self.seconds)
        school = _School(trainer, deadline)
        trained = school.train(1.0, SHORT)
        found = Measured(steps, made, trained, memory=epochs.memory(context.device, idle))
        learns = not made or made[-1].memorised
        if learns and steps.fed and trained.reports and not trained.problem and "labels" not in self.skip:
            found = school.against_chance(found)
        return replace(found, seconds=time.monotonic() - began)


class _School:
    """Trains whole epochs, on the labels as they are and on shuffled ones."""

    def __init__(self, trainer: TrainerUnderTest, deadline: float):
        self._trainer, self._deadline, self._objective = trainer, deadline, trainer.context.objective

    def train(self, factor: float, most: int) -> TrainedEpochs:
        """Where it diverges, once more with a tenth of the learning rate: that is no fault of the trainer."""
        trained = self._epochs(factor, most)
        slower = self._epochs(factor / 10, most) if trained.diverged else trained
        return trained if slower.diverged else slower

    def against_chance(self, found: Measured) -> Measured:
        """Compare with shuffled labels; where that does not settle it, at the learning rate at which examples were
        learned by heart, and at last for longer."""
        trained = found.trained
        assert trained is not None
        memorised = next((one.factor for one in found.attempts if one.memorised), trained.factor)
        for factor, most in ((trained.factor, SHORT), (memorised, SHORT), (trained.factor, LONG), (memorised, LONG)):
            if (factor, most) != (trained.factor, len(trained.reports)) or not found.shuffled:
                tried = self._compared(found, factor, most)
                if tried is None:
                    break
                found, comparison = tried, self._comparison(tried)
                if comparison.learns and comparison.better:
                    return found
        if not found.shuffled or found.trained is None or not self._comparison(found).learns:
            return found
        arms = [self._shuffled(found.trained, seed) for seed in range(len(found.shuffled), MOST_ARMS)]
        return replace(found, shuffled=(*found.shuffled, *(arm for arm in arms if arm is not None)))

    def _comparison(self, found: Measured) -> ChanceComparison:
        assert found.trained is not None
        return compare(self._objective, found.trained, found.shuffled)

    def _compared(self, found: Measured, factor: float, most: int) -> Measured | None:
        """None where it cannot be done: labels cannot be found among the inputs, or time is up."""
        trained = found.trained if not found.shuffled else self.train(factor, most)
        assert trained is not None
        arms = [arm for seed in range(ARMS) if (arm := self._shuffled(trained, seed)) is not None]
        if len(arms) < ARMS or (found.shuffled and len(trained.reports) < most):
            return None
        return replace(found, trained=trained, shuffled=tuple(arms))

    def _shuffled(self, like: TrainedEpochs, seed: int) -> TrainedEpochs | None:
        feed = Shuffled(seed)
        arm = self._epochs(like.factor, len(like.reports), feed)
        return arm if feed.possible and len(arm.reports) == len(like.reports) else None

    def _epochs(self, factor: float, most: int, feed: Feed = as_given) -> TrainedEpochs:
        trainer = replace(self._trainer, epochs=max(self._trainer.epochs, most))
        return epochs.some(trainer, most, factor, self._deadline, feed)
