"""`Run`, the second argument of a trainer, in a search and in a notebook."""

import importlib.util
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hpsearch.core.errors import TrainerError
from hpsearch.core.folders import make_private
from hpsearch.core.messages import Unread
from hpsearch.core.replicates import Fold
from hpsearch.core.trial import Report
from hpsearch.provenance import data_hashes
from hpsearch.study.space import Space
from hpsearch.trainer import reporting, state
from hpsearch.trainer.adapters import accelerate
from hpsearch.trainer.measurements.step_measurements import StepMeasurements

Batch = TypeVar("Batch")

Trainer = Callable[[Any, "Run"], Iterator[Report]]
"""The form of trainer that the loop uses; other forms are adapted to it."""

NO_EPOCH_LOOP = "the trainer does not loop over run.epochs()"


class Instrument(Protocol):
    """Observes and controls a training that preflight or the learning-rate range test measures.

    without_regularization: see `Run`.
    """

    @property
    def without_regularization(self) -> bool: ...

    def batches(self, batches: Iterable[Batch]) -> Iterable[Batch]:
        """The batches to train on in place of these."""
        ...

    def tracked(self, objects: Mapping[str, Any]) -> None:
        """Called with the objects of `Run.track`."""
        ...


class Run:
    """One training of one trial.

    seed: random, NumPy and torch have been seeded with it.
    epochs_total (also max_epochs, steps_total): the maximum number of epochs, or steps, of the trial, pauses included:
    the length of a learning-rate schedule. If trainer.epochs is raised later and the trainer reads this number, trials
    start again from epoch 1; otherwise they continue from their checkpoints.
    epoch: the last epoch that `epochs` has yielded; 0 before the first and after the last.
    device: "cpu", or "cuda" if the trial has a GPU or a fraction of one.
    threads: number of CPU threads of the trial.
    data_dir: the folder in HPSEARCH_DATA. If that is not set, data_dir is false, and using it as a path raises
    TrainerError.
    scratch_dir: a folder for the files of this trial.
    metric: the name of the study's metric; a number that a function returns is this metric. metrics: those of all
    goals, in the order in which a trainer returns a number for each.
    space: the study's; None without a search.
    is_continued: whether the trial continues from a checkpoint.
    takes_step_0: whether a program's report of step 0, before training, is recorded.
    reports: the reports of `report` in a run without a search (`Run.local`).
    number: of the trial; 0 outside of a search.
    measurements: of the steps of tracked optimizers; None if they are not measured.
    """

    def __init__(
        self,
        seed: int,
        epochs: int,
        *,
        device: str = "cpu",
        threads: int = 1,
        data_dir: Path | None = None,
        scratch_dir: Path | None = None,
        restored: state.Snapshot | None = None,
        instrument: Instrument | None = None,
        fold: Fold | None = None,
        metric: str = "value",
        further_metrics: Sequence[str] = (),
        space: Space | None = None,
        number: int = 0,
        measure: bool = False,
    ):
        self.seed, self.number = seed, number
        self.metric, self.space = metric, space
        self.metrics = (metric, *further_metrics)
        self.device = device
        self.threads = threads
        self.data_dir: Path = data_dir or _no_data_folder
        self._scratch_dir = scratch_dir
        self._epochs, self.epochs_were_read = epochs, False
        self._restored, self.is_continued = restored, restored is not None
        self._instrument = instrument
        self.measurements = StepMeasurements() if measure and instrument is None else None
        self._fold, self._fold_was_read = fold, False
        self.epoch = self.last_epoch = 0
        self._last: Report | None = None
        self._reporter: Callable[[Report], None] | None = None
        self.reports: list[Report] = []
        self._epochs_began, self._tracked_late = False, False
        self.tracked: dict[str, Any] = {}
        self.data_hashes: dict[str, str] = {}
        self.warnings: list[str] = []
        self.unread: Unread | None = None
        self.without_checkpoints = ""
        self.takes_step_0 = False

    @classmethod
    def local(
        cls,
        epochs: int,
        seed: int = 0,
        device: str | None = None,
        data_dir: Path | None = None,
        fold: Fold | None = None,
    ) -> "Run":
        """A run without a search: `for report in train(params, Run.local(epochs=3)): …`. It sets the seed."""
        state.seed_everything(seed)
        run = cls(seed, epochs, device=device or best_device(), data_dir=data_dir, fold=fold)
        run.send_reports_to(run.reports.append)
        return run

    @property
    def epochs_total(self) -> int:
        self.epochs_were_read = True
        return self._epochs

    @property
    def max_epochs(self) -> int:
        return self.epochs_total

    @property
    def steps_total(self) -> int:
        """The same, for a study with trainer.steps in place of trainer.epochs."""
        return self.epochs_total

    @property
    def last_possible_epoch(self) -> int:
        """`epochs_total`, for hpsearch's own code: reading it here does not count as a read by the trainer."""
        return self._epochs

    @property
    def fold(self) -> Fold | None:
        """The fold to validate on in a cross-validation; None: use the trainer's own split."""
        self._fold_was_read = True
        return self._fold

    def check_fold_was_read(self) -> None:
        """TrainerError if a trainer has trained an epoch and not read its fold."""
        if self._fold is not None and not self._fold_was_read:
            raise TrainerError(
                f"trainer.validation asks for {self._fold.of} folds, and the trainer does not read `run.fold`, so all "
                "of them would be validated on the same examples; docs/trainers.md has an example"
            )

    @property
    def without_regularization(self) -> bool:
        """Whether preflight checks that the trainer can memorise a minibatch; False in every trial.

        If True, a trainer leaves out augmentation, noise and penalties, which prevent memorising. Preflight itself
        switches off dropout and the weight decay of the optimizer.
        """
        return self._instrument is not None and self._instrument.without_regularization

    @property
    def scratch_dir(self) -> Path:
        """A folder for the files of this trial; created when it is first read."""
        if self._scratch_dir is None:
            self._scratch_dir = Path(tempfile.mkdtemp(prefix="hpsearch-"))
        make_private(self._scratch_dir)
        return self._scratch_dir

    def track(self, *unnamed: Any, **objects: Any) -> None:
        """Register the objects for checkpoints. In a trial that is continued, their state is restored here.

        Anything with state_dict and load_state_dict (modules, optimizers, schedules, scalers), a torch.Generator, a
        numpy.random.Generator, or an accelerate.Accelerator. Call it when everything is built, before the first epoch.
        Global random states are saved without it. docs/trainers.md lists the values that a state may have. With other
        values, the trial has no checkpoints.

        TrainerError: an object has no name, or cannot be tracked.
        """
        if unnamed:
            raise TrainerError(
                f"run.track was given {', '.join(type(thing).__name__ for thing in unnamed)} without a name, and "
                "checkpoints need one: write run.track(model=model, optimizer=optimizer)"
            )
        for name, thing in objects.items():
            if accelerate.is_accelerator(thing):
                thing = objects[name] = accelerate.TrackedAccelerator(thing, self.scratch_dir)
            state.check_can_be_tracked(name, thing)
            if self._restored is not None and not self._restored.leaves_out(name, thing):
                state.restore(thing, self._restored.object_state(name))
        self._tracked_late |= self._epochs_began and not objects.keys() <= self.tracked.keys()
        self.tracked.update(objects)
        if self._instrument is not None:
            self._instrument.tracked(objects)
        if self.measurements is not None:
            self.measurements.tracked(objects)

    def uses(self, name: str, *things: Any) -> None:
        """Record the SHA-256 of the data that the trial trains on: paths of files or folders, bytes, arrays, tensors.

        Call it before the first epoch. `hpsearch reproduce` compares the hashes, to show whether the data or the
        trainer has changed. A process hashes unchanged data only once (see `data_hashes`).
        TrainerError: the data cannot be read or hashed, or the name is already used for other data.
        """
        if self._instrument is not None:
            return  # a measurement is not recorded
        try:
            found = data_hashes.digest(*things)
        except (OSError, TypeError, RuntimeError) as problem:
            raise TrainerError(f"run.uses({name!r}, …): {problem}") from None
        if self.data_hashes.setdefault(name, found) != found:
            raise TrainerError(f"run.uses({name!r}, …) was called with other data before: pass all data in one call")

    def batches(self, batches: Iterable[Batch]) -> Iterable[Batch]:
        """The batches to train on in an epoch: in a trial, the given ones. `for inputs, targets in run.batches(loader):
        …`

        With it, a trainer can be checked before the search: preflight overfits the first batch, and the
        learning-rate range test trains on as many as it needs.
        """
        return batches if self._instrument is None else self._instrument.batches(batches)

    def report(
        self, step: int | Mapping[str, Any], metrics: Mapping[str, Any] | int | None = None, **named: Any
    ) -> None:
        """Report metrics from a function; a generator yields them instead. Returns when the report has been judged.

        step: from 1, increasing. `run.report({"val_loss": 0.3})`, without a step, is of the current epoch of `epochs`,
        or of the next step. `run.report(3, val_loss=0.3)` and `run.report({"val_loss": 0.3}, 3)` mean the same.

        Raises TrialStopped if the trial is stopped or paused. TrainerError: it was called in a generator, or in another
        thread or process than the function.
        """
        at, values = reporting.step_and_metrics(step, metrics, named)
        if values is None:
            raise TrainerError(f"run.report({step!r:.80}) has no metrics: write run.report(step, {{name: value}})")
        report = Report(max(self.epoch, self._next_step) if at is None else at, values)
        if self._reporter is None:
            raise TrainerError(
                "run.report(…) was called in a generator: `yield Report(step, {name: value})` in place of it, or write "
                "a function without `yield`"
            )
        self._reporter(report)
        self._last = report

    def send_reports_to(self, reporter: Callable[[Report], None]) -> None:
        """Pass the reports of `report` to this function from now on."""
        self._reporter = reporter

    @property
    def has_reported(self) -> bool:
        """Whether `report` was called."""
        return self._last is not None

    def last_report_lacks(self, metrics: Mapping[str, Any]) -> bool:
        """Whether the last report has none of these metrics."""
        return self._last is not None and self._last.metrics.keys().isdisjoint(metrics)

    def has_just_reported(self, metrics: Mapping[str, Any]) -> bool:
        """Whether the last report has these values."""
        return self._last is not None and all(
            name in self._last.metrics and bool(self._last.metrics[name] == value) for name, value in metrics.items()
        )

    @property
    def _next_step(self) -> int:
        return 1 if self._last is None else self._last.step + 1

    @property
    def step_of_result(self) -> int:
        """The step of a function's return value: the last epoch of `epochs`, but above the step of the last report."""
        return max(self.last_epoch, self._next_step)

    @property
    def has_ignored_checkpoint(self) -> bool:
        """Whether the trainer has reported without calling `epochs`, which restores the checkpoint."""
        return self._restored is not None

    @property
    def why_not_resumable(self) -> str:
        """Why a trial of this trainer cannot be resumed from a checkpoint, and the line to write; "" if it can, or if
        nothing is tracked and no adapter gives a reason. Known at the first report."""
        if self.without_checkpoints:
            return self.without_checkpoints
        if self.tracked and not self._epochs_began:
            return f"{NO_EPOCH_LOOP}: write `for epoch in run.epochs():` after run.track(…)"
        if self._tracked_late:
            return "run.track(…) is called after the first epoch has begun: call it before `for epoch in run.epochs():`"
        return self._untracked_parameters

    @cached_property
    def _untracked_parameters(self) -> str:
        """Looked for once: a large model has thousands of parameters."""
        return state.untracked_parameters(self.tracked)

    def first_epoch(self) -> int:
        """The first epoch to train, for a framework that has its own loop: 1, or the one after the checkpoint. It
        restores the random states."""
        self._epochs_began = True
        if self._restored is None:
            return 1
        self._restored.check_can_be_continued(self.tracked)
        if self._untracked_parameters:
            raise state.NotResumable(self._untracked_parameters)
        first = self._restored.step + 1
        state.set_random_state(self._restored.random)
        self._restored = None
        return first

    def epochs(self) -> Iterator[int]:
        """The epochs to train: 1, 2, …; after a pause, from the one after the checkpoint."""
        for epoch in range(self.first_epoch(), self._epochs + 1):
            self.epoch = self.last_epoch = epoch
            yield epoch
        self.epoch = 0

    def steps(self) -> Iterator[int]:
        """The same, for a study with trainer.steps: 1, 2, …; not every step has to be reported."""
        return self.epochs()


class _NoDataFolder:
    """The `data_dir` if HPSEARCH_DATA is not set. A trainer may still test it: `if run.data_dir`,
    `run.data_dir or Path("data")`."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "(HPSEARCH_DATA is not set)"

    def __truediv__(self, part: object) -> Path:
        raise TrainerError(
            "run.data_dir is not set: set HPSEARCH_DATA to the folder that holds the data, or call "
            "Run.local(data_dir=…) in a notebook"
        )

    def __fspath__(self) -> str:
        return str(self / "")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self / name


_no_data_folder: Any = _NoDataFolder()


def best_device() -> str:
    """ "cuda" if torch is installed and has a CUDA device, else "cpu"."""
    if importlib.util.find_spec("torch") is None:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
