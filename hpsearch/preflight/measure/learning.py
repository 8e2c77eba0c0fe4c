"""All measurements of a preflight: several trainings, one after the other, each from its start."""

import time
from dataclasses import dataclass, replace

from hpsearch.core.trial import Params
from hpsearch.preflight.judge.chance import ChanceComparison, compare, hardly_falls
from hpsearch.preflight.measure import epochs, first_steps, overfit
from hpsearch.preflight.measure.batches import BatchFilter, ShuffledTargets, unchanged
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest
from hpsearch.preflight.measurements import Measurements, OverfitAttempt, TrainedEpochs
from hpsearch.trainer.open_trial import TrainerContext

SHORT, LONG, LONGEST = 3, 10, 30
"""Epochs after which the metric should be better than chance. LONG is tried if it is not after SHORT. LONGEST is tried
if the training loss hardly falls in LONG epochs either: some tasks are learnt suddenly."""

SHUFFLED_RUNS, MAX_SHUFFLED_RUNS = 2, 8
"""Numbers of trainings on shuffled labels. Their spread measures the effect of chance. Two of them can both be good by
chance, so more are trained if only the metric is in doubt."""

TIME_FRACTION = 0.4
"""The fraction of the time limit that one measurement may take."""


@dataclass(frozen=True, slots=True)
class LearningMeasurement:
    """Measures whether the trainer can learn with these parameters.

    epochs: the most epochs that a trial of the study trains. seconds: the time limit for all measurements.
    skip: names of skipped checks. Measurements that only they need are not made.
    """

    params: Params
    seed: int
    epochs: int
    seconds: float = 600.0
    skip: tuple[str, ...] = ()

    def measure(self, context: TrainerContext) -> Measurements:
        """The measurements. Exceptions of the trainer are not raised but are part of them."""
        began, idle = time.monotonic(), epochs.host_memory()
        deadline = began + self.seconds
        trainer = TrainerUnderTest(context, self.params, self.seed, self.epochs)
        steps, failure = first_steps.measure_first_steps(trainer, began + TIME_FRACTION * self.seconds)
        if failure is not None:
            return Measurements(steps, failure=failure, seconds=time.monotonic() - began)
        made: tuple[OverfitAttempt, ...] = ()
        if steps.can_repeat and "overfits" not in self.skip:
            made = overfit.attempts(trainer, time.monotonic() + TIME_FRACTION * self.seconds, fed=steps.fed)
        trainings = EpochTrainings(trainer, deadline)
        trained = trainings.train(1.0, SHORT, sized=True)
        found = Measurements(steps, made, trained, memory=epochs.memory(context.device, idle), sizes=trained.sizes)
        learns = not steps.without_step and (not made or made[-1].memorised)
        if learns and steps.fed and trained.reports and not trained.problem and "labels" not in self.skip:
            found = trainings.against_chance(found)
        return replace(found, seconds=time.monotonic() - began)


class EpochTrainings:
    """Trains whole epochs, with the original labels and with shuffled ones."""

    def __init__(self, trainer: TrainerUnderTest, deadline: float):
        self._trainer, self._deadline, self._objective = trainer, deadline, trainer.context.objective

    def train(self, factor: float, most: int, *, sized: bool = False, regularized: bool = True) -> TrainedEpochs:
        """If the training diverges, it is repeated with a tenth of the learning rate: the trainer is not at fault."""
        trained = self._epochs(factor, most, sized=sized, regularized=regularized)
        slower = self._epochs(factor / 10, most, sized=sized, regularized=regularized) if trained.diverged else trained
        return trained if slower.diverged else slower

    def against_chance(self, found: Measurements) -> Measurements:
        """Compare with shuffled labels. If there is no difference, repeat it with the learning rate at which the
        examples were memorised, then with more epochs, and finally without regularisation."""
        trained = found.trained
        assert trained is not None
        memorised = next((one.factor for one in found.attempts if one.memorised), trained.factor)
        factors = dict.fromkeys((trained.factor, memorised))
        plan = [(factor, most, True) for most in (SHORT, LONG, LONGEST) for factor in factors]
        for factor, most, regularized in (*plan, (memorised, SHORT, False)):
            if most == LONGEST and found.trained is not None and hardly_falls(found.trained) is None:
                continue
            tried = self._compared(found, factor, most, regularized)
            if tried is None:
                break
            comparison = self._comparison(tried)
            if comparison.learns and comparison.better:
                return tried
            found = tried if regularized else found
        if not found.shuffled or found.trained is None or not self._comparison(found).learns:
            return found
        more = [self._shuffled(found.trained, seed) for seed in range(len(found.shuffled), MAX_SHUFFLED_RUNS)]
        return replace(found, shuffled=(*found.shuffled, *(one for one in more if one is not None)))

    def _comparison(self, found: Measurements) -> ChanceComparison:
        assert found.trained is not None
        return compare(self._objective, found.trained, found.shuffled)

    def _compared(self, found: Measurements, factor: float, most: int, regularized: bool) -> Measurements | None:
        """None if it is not possible: the batch has no recognisable labels, or the time limit was reached."""
        trained = found.trained if not found.shuffled else self.train(factor, most, regularized=regularized)
        assert trained is not None
        shuffled = [one for seed in range(SHUFFLED_RUNS) if (one := self._shuffled(trained, seed)) is not None]
        if len(shuffled) < SHUFFLED_RUNS or (found.shuffled and len(trained.reports) < most):
            return None
        return replace(found, trained=trained, shuffled=tuple(shuffled))

    def _shuffled(self, like: TrainedEpochs, seed: int) -> TrainedEpochs | None:
        feed = ShuffledTargets(seed)
        trained = self._epochs(like.factor, len(like.reports), feed, regularized=like.regularized)
        return trained if feed.possible and len(trained.reports) == len(like.reports) else None

    def _epochs(
        self, factor: float, most: int, feed: BatchFilter = unchanged, *, sized: bool = False, regularized: bool = True
    ) -> TrainedEpochs:
        trainer = replace(self._trainer, epochs=max(self._trainer.epochs, most))
        return epochs.train_epochs(trainer, most, factor, self._deadline, feed, sized, regularized)
