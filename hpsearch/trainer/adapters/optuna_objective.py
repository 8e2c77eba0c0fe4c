"""Optuna's `def objective(trial)` as a trainer: it is called with a trial object of hpsearch.

This module does not import optuna; it recognises `optuna.TrialPruned` by its name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import Parameter
from typing import Any

from hpsearch.core.errors import Infeasible, TrainerError
from hpsearch.core.format import many
from hpsearch.core.trial import Params, Report, Value
from hpsearch.provenance.sources import code_holder
from hpsearch.study.file import suggestions
from hpsearch.study.space import Choice, Float, Int
from hpsearch.trainer.adapters import functions
from hpsearch.trainer.arguments import AdaptedTrainer
from hpsearch.trainer.signature import Signature
from hpsearch.trainer.training_run import Run


def is_objective(signature: Signature) -> bool:
    """Whether a function takes one argument that is named `trial` or annotated optuna.Trial."""
    if signature.run or signature.takes_any or not signature.others:
        return False
    first, *rest = signature.others
    return is_trial(first) and all(other.default is not Parameter.empty for other in rest)


def is_trial(parameter: Parameter) -> bool:
    """Whether the parameter is named `trial` or annotated optuna.Trial."""
    annotation = parameter.annotation
    if parameter.name == "trial":
        return True
    if isinstance(annotation, str):
        return annotation in ("Trial", "optuna.Trial", "optuna.trial.Trial")
    return (
        isinstance(annotation, type)
        and annotation.__module__.partition(".")[0] == "optuna"
        and annotation.__name__ in ("Trial", "BaseTrial")
    )


@dataclass(frozen=True)
class ObjectiveTrainer(AdaptedTrainer):
    objective: Callable[[Any], Any]

    @property
    def params_class(self) -> None:
        return None

    def argument(self, params: Params) -> Params:
        """Unchecked: the objective's parameters are known only when it runs."""
        return dict(params)

    def __call__(self, argument: Params, run: Run) -> Iterator[Report]:
        name = code_holder(self.objective).__name__
        run.without_checkpoints = "an Optuna objective passes no object to run.track(…)"
        return functions.reports(partial(self._value, OptunaTrial(name, argument, run)), name, run)

    def _value(self, trial: "OptunaTrial") -> Any:
        try:
            value = self.objective(trial)
        except Exception as problem:
            if not _is_pruned(problem):
                raise
            if not trial.has_reported:
                raise Infeasible(f"`{trial.objective}` raised TrialPruned before its first report") from problem
            return None
        trial.note_unrequested()
        if not isinstance(value, Sequence) or isinstance(value, str):
            return trial.with_attributes([value]) if functions.is_number(value) else value
        if len(value) != trial.goals:
            raise TrainerError(
                f"`{trial.objective}` returned {len(value)} values, and the study has {many(trial.goals, 'metric')}: "
                "study.objectives has a metric for each value"
            )
        return trial.with_attributes(value)


def _is_pruned(problem: Exception) -> bool:
    return any(
        kind.__name__ == "TrialPruned" and kind.__module__.partition(".")[0] == "optuna"
        for kind in type(problem).__mro__
    )


class OptunaTrial:
    """The methods of optuna.Trial that an objective uses, for a trial of hpsearch.

    params: those that the objective has requested. objective: its name, for messages.
    """

    def __init__(self, objective: str, params: Params, run: Run):
        self.objective = objective
        self.number = run.number
        self.params: dict[str, Any] = {}
        self.user_attrs: dict[str, Any] = {}
        self._given, self._run = params, run
        self._first_step: int | None = None
        self._steps: set[int] = set()
        self._unreported: dict[str, Any] = {}

    @property
    def goals(self) -> int:
        return len(self._run.metrics)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return float(self._number("suggest_float", {"name": name, "low": low, "high": high, "step": step, "log": log}))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """TrainerError if [space] has real numbers."""
        asked = {"name": name, "low": low, "high": high, "step": step, "log": log}
        value = self._number("suggest_int", asked)
        if value != int(value):
            raise TrainerError(
                f"`{self.objective}` asks for a whole number `{name}`, and it is {value!r}: write in [space]\n"
                f"  {suggestions.entry('suggest_int', asked)}"
            )
        self.params[name] = int(value)
        return int(value)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """The choice that equals the value of [space], or its text: "None" in [space] is None here."""
        value = self._value("suggest_categorical", {"name": name, "choices": list(choices)})
        same = (choice for choice in choices if choice == value and type(choice) is type(value))
        found = next(same, next((choice for choice in choices if str(choice) == str(value)), value))
        self.params[name] = found
        return found

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        return float(self._number("suggest_uniform", {"name": name, "low": low, "high": high}))

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        return float(self._number("suggest_loguniform", {"name": name, "low": low, "high": high}))

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        return float(self._number("suggest_discrete_uniform", {"name": name, "low": low, "high": high, "q": q}))

    def report(self, value: float, step: int) -> None:
        """Report the study's metric. Optuna counts steps from 0, hpsearch from 1: if the first is 0, 1 is added to
        all. A repeated step is ignored, as in Optuna.

        Raises TrialStopped if the trial is stopped or paused.
        """
        if self._first_step is None:
            self._first_step = step
        if step in self._steps:
            return
        self._steps.add(step)
        metrics, self._unreported = {**self._unreported, self._run.metric: value}, {}
        self._run.report(step + 1 if self._first_step == 0 else step, metrics)

    def should_prune(self) -> bool:
        """Always False: `report` stops a trial that is pruned."""
        return False

    def set_user_attr(self, key: str, value: Any) -> None:
        """A number is a metric of the next report. Other values are not recorded."""
        self.user_attrs[key] = value
        if functions.is_number(value):
            self._unreported[key] = value

    def with_attributes(self, values: Sequence[Any]) -> Any:
        """The returned values, with the numbers that were set since the last report: a metric for each."""
        late, metrics = self._unreported, dict(zip(self._run.metrics, values, strict=True))
        if late and self.has_reported and self._run.step_of_result > self._run.last_possible_epoch:
            names = ", ".join(sorted(late))
            functions.note(f"`{self.objective}` set {names} after the report of its last epoch: not recorded")
            late = {}
        if late:
            return {**late, **metrics}
        return values[0] if self.goals == 1 else values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(
            f"the trial that hpsearch passes to `{self.objective}` has suggest_…, report, should_prune, number, params "
            f"and set_user_attr, but no `{name}`"
        )

    @property
    def has_reported(self) -> bool:
        return bool(self._steps)

    def note_unrequested(self) -> None:
        """A note if the objective did not request a parameter of the trial: it has no effect."""
        if left := sorted(set(self._given) - set(self.params)):
            functions.note(f"`{self.objective}` did not ask for {', '.join(left)}")

    # The values ──────────────────────────────────────────────────────────────────────────────────

    def _number(self, method: str, asked: Mapping[str, Any]) -> int | float:
        value = self._value(method, asked)
        if isinstance(value, str | bool | list | dict):
            raise TrainerError(
                f"`{self.objective}` asks for a number `{asked['name']}`, and it is {value!r}: write in [space]\n"
                f"  {suggestions.entry(method, asked)}"
            )
        return float(value) if isinstance(value, float) else int(value)

    def _value(self, method: str, asked: Mapping[str, Any]) -> Value:
        """The trial's value of a parameter. TrainerError if it has none, with the line to write."""
        name = asked["name"]
        if name not in self._given:
            raise TrainerError(
                f"`{self.objective}` asks for `{name}`, which is not in [space]"
                f"{' for this trial' if name in self._names() else ''}: write there\n"
                f"  {suggestions.entry(method, asked)}"
            )
        self.params[name] = value = self._given[name]
        self._compare(method, asked)
        return value

    def _names(self) -> set[str]:
        space = self._run.space
        return {parameter.name for parameter in space.parameters} if space is not None else set()

    def _compare(self, method: str, asked: Mapping[str, Any]) -> None:
        """A note if [space] and the objective have different ranges."""
        name = asked["name"]
        if name not in self._names() or self._run.space is None:
            return
        own = self._run.space[name]
        match own:
            case Choice(values=values):
                same = list(map(str, values)) == list(map(str, asked.get("choices", ())))
            case Float(low=low, high=high, log=log, step=step) | Int(low=low, high=high, log=log, step=step):
                wanted_step = asked.get("q", asked.get("step"))
                wanted = (asked.get("low"), asked.get("high"), bool(asked.get("log") or method == "suggest_loguniform"))
                same = (low, high, log) == wanted and (step or 1) == (wanted_step or 1)
        if not same:
            functions.note(
                f"`{self.objective}` asks for {suggestions.entry(method, asked)}, and [space] has another range of "
                f"{name}, which is used"
            )
