"""A user's sampler: each proposal is checked against the contract before the loop uses it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from hpsearch.core.decisions import New, Over, Proposal, Resume
from hpsearch.core.errors import OwnMethodError
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Params, State
from hpsearch.samplers.first_trials import known_point
from hpsearch.study.file.faults import did_you_mean, listed, show
from hpsearch.study.space import Choice, Float, Int, Parameter, Space, is_active, offers
from hpsearch.trainer.failures import short_traceback


@dataclass(frozen=True)
class OwnSampler:
    """Wraps a user's sampler as a `Sampler`. Raises OwnMethodError if it breaks the contract.

    name: in messages, such as `search.use = "mine:Sampler"`. make: returns a new instance, or the user's object.
    trials: maximum number of proposed trials; None: the sampler ends the search itself.
    ends_itself: its class takes `trials`; it is also asked after this number of trials, since it may resume one.
    """

    name: str
    make: Callable[[], Any]
    space: Space
    epochs: int
    trials: int | None = None
    ends_itself: bool = False
    known: Sequence[Params] = ()

    def __post_init__(self) -> None:
        if not callable(getattr(self._sampler, "ask", None)):
            raise OwnMethodError(f"{self.name} has no method `ask(history)`")

    @cached_property
    def _sampler(self) -> Any:
        return self.make()

    @property
    def slow(self) -> bool:
        return bool(getattr(self._sampler, "slow", False))

    def ask(self, history: History) -> Proposal | None:
        number = len(history)
        spent = self.trials is not None and history.counted >= self.trials
        if spent and not self.ends_itself:
            return None
        if not spent and (known := known_point(self.known, history, self.epochs)) is not None:
            return known
        proposal = self._asked(self._sampler, history)
        if spent and isinstance(proposal, New):
            self._refuse(history, f"proposed a new trial after search.trials = {self.trials}")
        for problem in problems_of(proposal, self.space, self.epochs, history):
            self._refuse(history, problem)
        if number & (number - 1) == 0:  # with 0, 1, 2, 4, 8, … trials, so that the check costs little
            again = self._asked(self.make(), history)
            if _decided(again) != _decided(proposal):
                self._refuse(
                    history,
                    f"proposed {_shown(proposal)}, and in a second call {_shown(again)}; ask must be a pure function "
                    "of the history: draw random numbers from hpsearch.core.seeds.stream(seed, len(history))",
                )
        return proposal  # type: ignore[no-any-return]  # its type was checked by problems_of

    def _asked(self, sampler: Any, history: History) -> Any:
        try:
            return sampler.ask(history)
        except (Exception, SystemExit) as problem:
            raise OwnMethodError(f"{self._where(history)} raised\n{short_traceback(problem)}") from None

    def _refuse(self, history: History, problem: str) -> None:
        raise OwnMethodError(f"{self._where(history)} {problem}")

    def _where(self, history: History) -> str:
        return f"{self.name}: ask(history) with {many(len(history), 'trial')}"


def problems_of(proposal: object, space: Space, epochs: int, history: History) -> Iterator[str]:
    """Each violation of the contract, as the end of a sentence with the sampler as its subject."""
    match proposal:
        case None:
            return
        case New():
            yield from problems_of_params(proposal.params, space)
            yield from _problems_of_length(proposal.until, 1, epochs)
        case Resume():
            yield from _problems_of_resume(proposal, epochs, history)
        case Over():
            yield from problems_of_numbers(proposal.cause, proposal.numbers)
        case _:
            yield f"returned {kind_of(proposal)}; it must return New, Resume, Over or None"
            return
    if not (isinstance(proposal.reason, str) and proposal.reason):
        yield (
            f"gave no reason for its {type(proposal).__name__}: reason must be a non-empty str, got "
            f"{proposal.reason!r:.60}"
        )
    if isinstance(proposal, New | Resume):
        if type(proposal.round) is not int or proposal.round < 1:
            yield f"returned round {proposal.round!r:.60}; it must be a whole number >= 1"
        if not isinstance(proposal.notes, tuple) or not all(isinstance(note, str) for note in proposal.notes):
            yield f"returned notes {proposal.notes!r:.60}; they must be a tuple of str"


def problems_of_params(params: object, space: Space) -> Iterator[str]:
    if not isinstance(params, Mapping):
        yield f"returned params that are {kind_of(params)}; they must map each name to its value"
        return
    known = {**space.fixed, **{one.name: one for one in space.parameters}}
    for name, value in params.items():
        if name not in known:
            yield f"proposed a value for `{name!s:.60}`, which is not in [space]{did_you_mean(str(name), known)}"
        elif type(value).__module__ != "builtins":
            yield f"proposed {name} = {value!r:.60}, {kind_of(value)}; it must be a plain Python value"
    for name, value in space.fixed.items():
        if name not in params:
            yield f"proposed no value for `{name}`, which [space] fixes at {show(value)}: start with dict(space.fixed)"
        elif params[name] != value or type(params[name]) is not type(value):
            yield f"proposed {name} = {params[name]!r:.60}, but [space] fixes it at {show(value)}"
    yield from (f"broke the constraint `{one.text}`" for one in space.constraints if not one.holds(params))
    yield from _problems_of_values(params, space)


def _problems_of_values(params: Mapping[str, Any], space: Space) -> Iterator[str]:
    active = {one.name for one in space.parameters if is_active(one, params)}
    for parameter in space.parameters:
        if not is_active(parameter, params):
            if parameter.name in params and parameter.name not in active:
                yield f"proposed a value for `{parameter.name}`, which is not active with the other values"
        elif parameter.name not in params:
            yield f"proposed no value for `{parameter.name}`"
        else:
            yield from _problems_of_value(parameter, params[parameter.name])


def _problems_of_value(parameter: Parameter, value: Any) -> Iterator[str]:
    name = parameter.name
    if isinstance(parameter, Choice):
        if not offers(parameter, value):
            yield f"proposed {name} = {value!r:.60}, but [space] has {listed(parameter.values)}"
    elif type(value) not in ((int,) if isinstance(parameter, Int) else (int, float)):
        wanted = "int" if isinstance(parameter, Int) else "float"
        yield f"proposed {name} = {value!r:.60}, {kind_of(value)}; it must be a plain Python {wanted}"
    elif not _is_within(parameter, value):
        yield f"proposed {name} = {value!r:.60}, but [space] has {show(parameter.low)} to {show(parameter.high)}"
    elif parameter.step is not None and not math.isclose(
        float(parameter.from_unit(parameter.to_unit(value))), value, rel_tol=1e-9, abs_tol=1e-9 * parameter.step
    ):
        yield f"proposed {name} = {value!r:.60}, but [space] has steps of {show(parameter.step)} there"
    elif isinstance(parameter, Int) and parameter.powers_of and not offers(parameter, value):
        yield f"proposed {name} = {value!r:.60}, but [space] has powers of {parameter.powers_of} there"


def _is_within(parameter: Float | Int, value: float) -> bool:
    """Up to the rounding of floats."""
    slack = 1e-9 * max(abs(parameter.low), abs(parameter.high))
    return parameter.low - slack <= value <= parameter.high + slack


def _problems_of_resume(proposal: Resume, epochs: int, history: History) -> Iterator[str]:
    number = proposal.number
    if type(number) is not int or not 0 <= number < len(history):
        yield f"resumed trial {number!r:.60}, but there is no trial of that number"
        return
    trial = history[number]
    if trial.state is not State.PAUSED:
        yield f"resumed trial {number}, which is {trial.state}; only a PAUSED trial can be resumed"
    yield from _problems_of_length(proposal.until, trial.epoch + 1, epochs)


def _problems_of_length(until: object, least: int, epochs: int) -> Iterator[str]:
    if type(until) is not int or not least <= until <= epochs:
        yield f"proposed to train until epoch {until!r:.60}; it must be a whole number from {least} to {epochs}"


def problems_of_numbers(cause: object, numbers: object) -> Iterator[str]:
    """For an Over, or a pruner's verdict."""
    if not isinstance(cause, Cause):
        yield f"returned the cause {cause!r:.60}; it must be a hpsearch.core.trial.Cause"
    if not isinstance(numbers, Mapping) or not all(
        isinstance(name, str) and type(value) in (int, float) and math.isfinite(value)
        for name, value in numbers.items()
    ):
        yield f"returned the numbers {numbers!r:.60}; they must map names to finite plain numbers"


def _decided(proposal: Any) -> Any:
    """A proposal without its sentences."""
    return replace(proposal, reason="", notes=()) if isinstance(proposal, New | Resume) else type(proposal)


def _shown(proposal: Any) -> str:
    match proposal:
        case New(params=params):
            return ", ".join(f"{name} = {value!r:.20}" for name, value in params.items()) or "no parameters"
        case Resume(number=number):
            return f"to resume trial {number}"
    return "nothing" if proposal is None else type(proposal).__name__


def kind_of(value: object) -> str:
    """Its type with an article, such as "a numpy.float64"; "None" for None."""
    if value is None:
        return "None"
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
