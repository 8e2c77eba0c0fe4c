"""Several trainings of one configuration, side by side in one trial, epoch by epoch: folds, seeds, or both.

A trial's report is the mean over its trainings, so pruners and early stopping work as for a single training, and all
trainings can be stopped after a few epochs. One after another, the first training would run to its end before any
comparison. The cost is n times the memory. docs/decisions/0006-folds.md has the numbers.

A report also has the standard error of the study's metric, `val_loss_se` of `val_loss`, and the value of each training:
`val_loss_fold1`, `val_loss_repeat1`, `val_loss_fold1_repeat1`, … The error is over folds where there are any, else over
repeats. Folds share training data, so the error is somewhat too small (Bengio and Grandvalet 2004, JMLR 5: there is no
unbiased estimate).
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from hpsearch.core.messages import Unread
from hpsearch.core.replicates import Replicate, Replicates
from hpsearch.core.seeds import replicate_seed
from hpsearch.core.trial import Params, Report
from hpsearch.trainer import state
from hpsearch.trainer.open_trial import OpenTrial
from hpsearch.trainer.training_run import Run, Trainer


def side_by_side(train: Trainer, replicates: Replicates, metric: str, searched: Collection[str] = ()) -> Trainer:
    """A trainer that runs the given one for each replicate (>= 2). The first has the trial's own seed.

    searched: the names of the parameters that the trainer should read; `Run.unread` has those that it does not.

    It ends when all trainings have ended. A training that ends earlier counts with its last value of each metric.
    """

    def train_all(params: Params, run: Run) -> Iterator[Report]:
        trainings = [_ReplicateTraining(train, params, run, replicate, searched) for replicate in replicates]
        run.track(**{training.name: training for training in trainings})
        with ExitStack() as stack:
            for training in trainings:
                stack.callback(training.close)
            for epoch in run.epochs():
                if epoch <= max(training.step for training in trainings):
                    continue  # the trainings report only every few steps
                reports = [training.report() for training in trainings]
                run.unread = _unread([training.unread for training in trainings])
                if all(training.ended for training in trainings):
                    return
                if not any(training.run.tracked for training in trainings):
                    run.tracked.clear()  # without tracked objects, a trial is trained again from its beginning
                step = max(training.step for training in trainings)
                yield Report(step, combined(reports, replicates, metric))

    return train_all


def _unread(each: Sequence[Unread | None]) -> Unread | None:
    """The parameters that no training has read; None if there are none, or if the reads of a training are unknown."""
    known = [one for one in each if one is not None]
    names = set.intersection(*(set(one.names) for one in known)) if len(known) == len(each) else set()
    missing = {name for one in known for name in one.missing}
    return Unread(tuple(sorted(names)), tuple(sorted(missing))) if names else None


def combined(reports: Sequence[Mapping[str, float]], replicates: Replicates, metric: str) -> dict[str, float]:
    """The mean of each reported metric; for the study's metric also the standard error and each value."""
    shared = [name for name in reports[0] if all(name in report for report in reports)]
    means = {name: _mean([report[name] for report in reports]) for name in shared}
    if metric not in means:
        return means
    own = [report[metric] for report in reports]
    named = {replicate.of(metric): value for replicate, value in zip(replicates, own, strict=True)}
    of_folds = [_mean(own[fold :: replicates.folds]) for fold in range(replicates.folds)]
    return {**means, f"{metric}_se": _standard_error(of_folds or own), **named}


def _mean(values: Sequence[float]) -> float:
    """Unlike `statistics.fmean`, it accepts infinities of both signs."""
    return sum(values) / len(values)


def _standard_error(values: Sequence[float]) -> float:
    """Standard error of the mean of n >= 2 values: their standard deviation (over n - 1) divided by √n."""
    middle = _mean(values)
    return math.sqrt(sum((value - middle) * (value - middle) for value in values) / (len(values) - 1) / len(values))


class _ReplicateTraining:
    """One training, with its own Run and random states. The trial's checkpoint has it as one object, by its name.

    run: the argument of its trainer. ended: its trainer has returned.
    """

    def __init__(self, train: Trainer, params: Params, whole: Run, replicate: Replicate, searched: Collection[str]):
        self.name = replicate.name
        self.ended = False
        self._train, self._params, self._whole, self._fold = train, params, whole, replicate.fold
        self._searched = searched
        self._seed = replicate_seed(whole.seed, replicate.place)
        self.run = self._run(None)
        self._trial: OpenTrial | None = None
        self._random: Mapping[str, Any] = {}
        self._last = Report(0, {})
        self._known: dict[str, float] = {}
        self._given: Mapping[str, Any] | None = None

    def _run(self, restored: state.Snapshot | None) -> Run:
        whole = self._whole
        run = Run(
            self._seed,
            whole.last_possible_epoch,
            device=whole.device,
            threads=whole.threads,
            data_dir=whole.data_dir or None,
            scratch_dir=whole.scratch_dir / self.name,
            restored=restored,
            fold=self._fold,
            metric=whole.metric,
            space=whole.space,
            number=whole.number,
            measure=whole.measurements is not None,
        )
        run.data_hashes, run.warnings = whole.data_hashes, whole.warnings
        return run

    @property
    def step(self) -> int:
        """The step of its last report."""
        return self._last.step

    @property
    def unread(self) -> Unread | None:
        """The searched parameters that its trainer has not read so far; None also before the trainer was called."""
        return self._trial.unread if self._trial is not None else None

    def report(self) -> Mapping[str, float]:
        """Train to the next report and return its metrics; after the end, the last value of each metric."""
        if not self.ended:
            report = self._next_report()
            self.ended = report is None
            self._last = report or self._last
            self._whole.epochs_were_read |= self.run.epochs_were_read
            self._known.update(self._last.metrics)
        return self._known if self.ended else self._last.metrics

    def _next_report(self) -> Report | None:
        name = f"{self.name}, of seed {self._seed}"
        if self._trial is None:
            self._trial = OpenTrial(
                self._train,
                dict(self._params),
                self.run,
                step=self._last.step,
                name=f"{name},",
                searched=self._searched,
            )
        else:
            state.set_random_state(self._random)
        try:
            return self._trial.next_report()
        except Exception as problem:
            problem.add_note(f"in {name}")
            raise
        finally:
            self._random = state.random_state()

    def close(self) -> None:
        if self._trial is not None:
            self._trial.close()

    def state_dict(self) -> Mapping[str, Any]:
        """For a training that had ended before the trial was resumed: the restored state."""
        if self._trial is None and self._given is not None:
            return self._given
        return {
            "step": self._last.step,
            "metrics": dict(self._known),
            "ended": self.ended,
            "objects": {name: state.state_of(thing) for name, thing in self.run.tracked.items()},
            "random": self._random,
        }

    def weights_dict(self) -> Mapping[str, Any]:
        """Without the state that only training needs, unless the training had ended before the trial was resumed."""
        if self._trial is None and self._given is not None:
            return {**self._given, "random": {}}
        return {**self.state_dict(), "objects": state.weights_of(self.run.tracked), "random": {}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._given = state
        self.ended = state["ended"]
        self._last, self._known = Report(state["step"], state["metrics"]), dict(state["metrics"])
        self.run = self._run(_part(state))


def parts(snapshot: state.Snapshot, replicates: Replicates) -> list[state.Snapshot]:
    """A checkpoint for each training, in the form of a trial's; for a single training, the trial's checkpoint."""
    if len(replicates) == 1:
        return [snapshot]
    return [_part(snapshot.objects[replicate.name]) for replicate in replicates]


def _part(own: Mapping[str, Any]) -> state.Snapshot:
    return state.Snapshot("", own["step"], math.inf, own["objects"], own["random"])
