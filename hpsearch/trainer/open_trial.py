"""Opens a trial: seeds the generators, calls the trainer with the parameters and a Run, and checks its reports.

The worker, the folds of a trial, preflight and evaluation open their trainings here.
"""

import copy
import importlib.util
import operator
import os
import sys
import traceback
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from hpsearch.core.errors import Infeasible, TrainerError
from hpsearch.core.messages import Unread
from hpsearch.core.metric_names import PREFIX
from hpsearch.core.replicates import SINGLE_TRAINING, Fold, Replicates
from hpsearch.core.trial import MAX_METRIC_NAME, Objective, Params, Report
from hpsearch.provenance.module_search import search_first_in
from hpsearch.provenance.sources import Sources
from hpsearch.study.program import Program
from hpsearch.study.space import Space
from hpsearch.trainer import arguments, contract, forms, reporting, state
from hpsearch.trainer.adapters import command, program_sources
from hpsearch.trainer.contract import may_use_torch, sources_of
from hpsearch.trainer.parameter_reads import ParameterReads
from hpsearch.trainer.trainer_object import PickledTrainer, TrainerObject
from hpsearch.trainer.training_run import NO_EPOCH_LOOP, Instrument, Run, Trainer

MAX_METRICS = 1000
"""Maximum number of metrics in a report. It limits the size of the journal, which stores every value of every epoch."""

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


@dataclass(frozen=True)
class TrainerContext:
    """A study's trainer, and the settings that all trainings of the study share.

    use: "module:name". folder: the trainer's module is looked for there first. options: the trainer's fixed
    parameters. threads: CPU threads of a training.
    replicates: the trainings of a trial, side by side. trainer_object: the trainer, if it is a Python object. program:
    the trainer, if it is a command.
    space: the searched parameters. nested: a parameter with a dot in its name is passed in a table.
    measure: measure the steps of a trial's optimizers; not of several trainings side by side.
    found: the imported trainer, in a process that was forked after its import.
    """

    use: str
    folder: Path
    options: Mapping[str, Any]
    objective: Objective
    device: str = "cpu"
    threads: int = 1
    data_dir: Path | None = None
    replicates: Replicates = SINGLE_TRAINING
    trainer_object: TrainerObject | PickledTrainer | None = None
    program: Program | None = None
    space: Space | None = None
    nested: bool = False
    measure: bool = False
    found: Trainer | None = None

    @property
    def name(self) -> str:
        """Its name in messages."""
        if self.program is not None:
            return f"the command `{' '.join(self.program.words)}`"
        if self.trainer_object is not None:
            return contract.display_name_of_object(self.use)
        return contract.display_name(self.use)

    def find(self) -> Trainer:
        """The trainer, imported. TrainerError if it is invalid."""
        if self.found is not None:
            return self.found
        if self.program is not None:
            return command.as_trainer(self.program, self.folder, self.options, self.objective.metric)
        if self.trainer_object is None:
            return contract.find(self.use, self.folder)
        search_first_in(self.folder)
        return forms.as_trainer(self.name, self.trainer_object.trainer)

    def sources(self) -> Sources:
        """The trainer's source files and objects. Call `find` first."""
        if self.trainer_object is not None:
            return self.trainer_object.sources
        return sources_of(self.use, self.folder, self.program)

    def import_libraries(self) -> None:
        """Import NumPy, and torch and MLflow if trials may use them. A later import would not be seeded, and each trial
        would wait for it."""
        mlflow = ["mlflow"] if self.program is None and "mlflow" in self.sources().packages else []
        for name in ("numpy", *(["torch"] if self._may_use_torch() else []), *mlflow):
            if importlib.util.find_spec(name) is not None:
                importlib.import_module(name)

    def _may_use_torch(self) -> bool:
        if self.program is not None:  # it runs in a process of its own; its checkpoints are written here
            return program_sources.has_checkpoints(self.program, self.sources())
        return may_use_torch(self.sources())

    def params(self, params: Params) -> dict[str, Any]:
        """The arguments of a training: the options, and a trial's parameters. No two trainings share a list."""
        own = params if self.space is None else arguments.delivered(self.space, params)
        given = copy.deepcopy({**self.options, **own})
        return arguments.nested(given) if self.nested else given

    def names(self, params: Params) -> Collection[str]:
        """The names under which the trainer receives a trial's parameters."""
        return params if self.space is None else arguments.delivered_names(self.space, params)

    def run(
        self,
        seed: int,
        epochs: int,
        scratch_dir: Path,
        *,
        restored: state.Snapshot | None = None,
        fold: Fold | None = None,
        instrument: Instrument | None = None,
        number: int = 0,
    ) -> Run:
        return Run(
            seed,
            epochs,
            device=self.device,
            threads=self.threads,
            data_dir=self.data_dir,
            scratch_dir=scratch_dir,
            restored=restored,
            fold=fold,
            instrument=instrument,
            metric=self.objective.metric,
            further_metrics=[goal.metric for goal in self.objective.others],
            space=self.space,
            number=number,
            measure=self.measure,
        )


class Measurement(Protocol[Result_co]):
    """A measurement that a worker makes with a study's trainer, as a frozen value that is sent to it. seconds: its time
    limit."""

    @property
    def seconds(self) -> float: ...

    def measure(self, context: TrainerContext) -> Result_co:
        """Runs in the worker's process, and must restore what it changes."""
        ...


class OpenTrial:
    """A trainer that has been called. step: the last epoch that was reported or restored; 0 before the first."""

    def __init__(
        self,
        trainer: Trainer,
        params: Params,
        run: Run,
        *,
        step: int = 0,
        name: str = "the trainer",
        searched: Collection[str] = (),
    ):
        """Seeds random, NumPy and torch with the run's seed, so the trainer's imports must be done before.

        params: the trial's, with the trainer's options. name: for messages. searched: the names of the parameters that
        the trainer should read.
        """
        state.seed_everything(run.seed)
        self.run, self.step = run, step
        if run.measurements is not None:
            run.measurements.begin(step)
        self._name, self._is_first = name, True
        argument = arguments.params_argument(trainer, params)
        read = trainer.names_read(argument) if isinstance(trainer, arguments.AdaptedTrainer) else None
        self._reads = ParameterReads(argument, searched, read)
        self._reports = trainer(self._reads.argument, run)
        self._reads.restart()

    def next_report(self) -> Report | None:
        """Train an epoch. None if the trainer returns. Raises the trainer's exceptions; Infeasible if it returns
        without a report; TrainerError for an invalid report."""
        try:
            with _in_trainer(self.run):
                report = next(self._reports)
        except StopIteration:
            if self.step == 0:
                raise Infeasible(f"{self._name} returned before its first report") from None
            return None
        except SystemExit as problem:  # sys.exit(0), as at the end of a script, is a return
            if problem.code or self.step == 0:
                raise
            return None
        previous = -1 if self._is_first and self.run.takes_step_0 else self.step
        if self._is_first:
            self.run.check_fold_was_read()
            if self.run.has_ignored_checkpoint:
                raise state.NotResumable(NO_EPOCH_LOOP)
            self._is_first = False
        if isinstance(report, Mapping):  # without a step: of this epoch, or of the next step
            report = Report(max(self.run.epoch, self.step + 1), report)
        checked = checked_report(report, previous)
        self.step = checked.step
        return self._with_measurements(checked)

    def _with_measurements(self, report: Report) -> Report:
        if self.run.measurements is None:
            return report
        found = self.run.measurements.take(report.step)
        new = {name: value for name, value in found.items() if name.removeprefix(PREFIX) not in report.metrics}
        return Report(report.step, {**report.metrics, **new}) if new else report

    @property
    def unread(self) -> Unread | None:
        """The searched parameters that the trainer has not read so far, if there are any."""
        return self._reads.unread or self.run.unread

    def close(self) -> None:
        """Close the generator, so that its `finally` runs. Raises its exceptions."""
        with _in_trainer(self.run):
            self._reports.close()  # type: ignore[attr-defined]  # a trainer is a generator: contract.find has checked


@contextmanager
def _in_trainer(run: Run) -> Iterator[None]:
    """While the trainer's code runs, `hpsearch.report` is `Run.report`. A process that it has forked ends here when it
    returns or raises: only the original process trains."""
    own = os.getpid()
    before, reporting.current = reporting.current, run.report
    try:
        yield
    finally:
        reporting.current = before
        if os.getpid() != own:
            os._exit(_exit_code_of_child())


def _exit_code_of_child() -> int:
    """As Python's own: that of `sys.exit`, or 1 after an exception, which is printed."""
    problem = sys.exc_info()[1]
    if problem is None or isinstance(problem, StopIteration):
        return 0
    if isinstance(problem, SystemExit) and isinstance(problem.code, int | None):
        return (problem.code or 0) & 0xFF
    with suppress(Exception):  # stderr may be closed
        if isinstance(problem, SystemExit):
            sys.stderr.write(f"{problem.code}\n")
        else:
            traceback.print_exc()
    return 1


def checked_report(report: Any, previous: int) -> Report:
    """The report with plain floats. TrainerError if it is not a Report, or if its step is not above the last one."""
    if not isinstance(report, Report):
        raise TrainerError(
            f"the trainer yielded {report!r:.80}, not a Report(epoch, {{name: value}}) or {{name: value}}"
        )
    if not is_step(report.step) or operator.index(report.step) <= previous:
        after = f" after step {previous}" if previous > 0 else ""
        raise TrainerError(
            f"the trainer reported step {report.step!r:.80}{after}: steps are whole numbers from 1 and "
            "must increase" + ("; if your epochs count from 0, report epoch + 1" * (previous == 0 and report.step == 0))
        )
    if not isinstance(report.metrics, Mapping):
        raise TrainerError(f"Report({report.step}, …): the metrics are {report.metrics!r:.80}, not {{name: value}}")
    if len(report.metrics) > MAX_METRICS:
        raise TrainerError(
            f"Report({report.step}, …) has {len(report.metrics):,} metrics; the maximum is {MAX_METRICS:,}: "
            "report sums or means in place of single weights or examples"
        )
    for name in map(str, report.metrics):
        if not (0 < len(name) <= MAX_METRIC_NAME and name.isprintable()):
            raise TrainerError(
                f"metric {name[:60]!r} must have a name of 1 to {MAX_METRIC_NAME} printable characters, "
                f"got {len(name):,}"
            )
    metrics = {str(name): _number(name, value) for name, value in report.metrics.items()}
    return Report(operator.index(report.step), metrics)


def is_step(value: Any) -> bool:
    """Whether it is a whole number: an int, or one of NumPy or torch."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return False
    try:
        return operator.index(value) is not None
    except (TypeError, ValueError, RuntimeError):  # a tensor of floats or of several elements
        return False


def _number(name: str, value: Any) -> float:
    """A float from a float, an int, or a tensor or array with one element."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value.item() if hasattr(value, "item") else value)
    except OverflowError:
        raise TrainerError(f"metric {name!r} is too large for a float") from None
    except (TypeError, ValueError, RuntimeError):
        raise TrainerError(f"metric {name!r} is {value!r:.80}, a {type(value).__name__}, not a number") from None
