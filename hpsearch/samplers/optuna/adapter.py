"""Any sampler object of Optuna as a sampler of hpsearch: `hpsearch.samplers.from_optuna`.

Optuna's samplers keep state in two places. The sampler object has random states. The attributes of the study and its
trials have further state: the generation of an NSGA-II individual, the optimizer of CMA-ES, the position in a
quasi-random sequence. Here a proposal is a function of the study's seed, the trial's number and the history. The object
is copied for every ask, and its random states are seeded again. The attributes are rebuilt: all earlier asks and
results are replayed, in their order, into an in-memory study of Optuna. Nothing is trained for this.
"""

import copy
import math
import random
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np

from hpsearch.core.decisions import New, Over
from hpsearch.core.errors import OwnMethodError
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Params, State, Trial, Value, key_of
from hpsearch.samplers.first_trials import known_point
from hpsearch.samplers.observations import usable_evidence
from hpsearch.samplers.optuna.distributions import (
    frozen,
    native_choices,
    native_params,
    own_distribution,
    quiet,
    snapped,
)
from hpsearch.samplers.optuna.excess_values import KEY, constraints_function
from hpsearch.samplers.random import Key, KnownPoints, exhausted, has_unknown_points, key, redrawn
from hpsearch.study import feasible
from hpsearch.study.space import Choice, Space, is_active

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

STATELESS = ("RandomSampler", "TPESampler", "GPSampler", "BruteForceSampler")
"""Classes of Optuna without attributes that a later proposal reads: their past asks need not be replayed."""

SLOW = ("GPSampler",)
"""Classes of Optuna with proposals of 0.1 s or more."""

PROPOSED_AGAIN = "; it proposed an earlier point again, so one parameter is drawn at random"

MAX_EXCESS = 1e6
"""For a requirement whose excess is not known."""


@dataclass(frozen=True)
class Adapted:
    """The result of `from_optuna`: a function that creates the sampler for a study's space, seed and epochs."""

    sampler: "BaseSampler"

    @property
    def _hpsearch_use(self) -> str:
        """The value of `search.use` in the study's spec."""
        kind = type(self.sampler)
        public = "optuna.samplers"
        module = public if kind.__module__.startswith(f"{public}.") else kind.__module__
        return f"{module}:{kind.__name__}"

    def __call__(self, space: Space, seed: int, epochs: int, trials: int | None = None) -> "OptunaSampler":
        return OptunaSampler(self.sampler, space, seed, epochs, trials)


def adapted(sampler: "BaseSampler") -> Adapted:
    """OwnMethodError: it is not a sampler object of Optuna, or it is a GridSampler."""
    if not is_optuna(sampler):
        kind = f"the class {sampler.__name__}" if isinstance(sampler, type) else f"a {type(sampler).__name__}"
        raise OwnMethodError(f"from_optuna takes a sampler object of Optuna, such as QMCSampler(), got {kind}")
    if type(sampler).__name__ == "GridSampler":
        raise OwnMethodError(
            "from_optuna cannot use a GridSampler, which has its own grid instead of [space]: use search.method = "
            '"grid", and step, grid or points in [space]'
        )
    return Adapted(sampler)


def nsga2(
    space: Space, seed: int, epochs: int, trials: int, population: int, known: Sequence[Params] = ()
) -> "OptunaSampler":
    """NSGA-II (Deb 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II"), for one or several goals."""
    import optuna

    with catch_warnings():
        simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of constraints_func, before Optuna 5
        sampler = optuna.samplers.NSGAIISampler(population_size=max(population, 2), seed=seed, **constraints_function())
    return OptunaSampler(sampler, space, seed, epochs, trials, known)


def is_optuna(thing: object) -> bool:
    """Whether it is a sampler object of Optuna. Does not import Optuna."""
    return _is_base(type(thing))


def is_optuna_class(thing: object) -> bool:
    return isinstance(thing, type) and _is_base(thing)


def _is_base(kind: type) -> bool:
    return any(one.__name__ == "BaseSampler" and one.__module__.startswith("optuna.") for one in kind.__mro__)


@dataclass(frozen=True)
class OptunaSampler:
    """sampler: copied for every ask, never changed; its own seed has no effect. trials: None: until Optuna stops.

    If it proposes the point of an earlier trial, as genetic algorithms may, one parameter is drawn again.
    """

    sampler: "BaseSampler"
    space: Space
    seed: int
    epochs: int
    trials: int | None = None
    known: Sequence[Params] = ()
    _replay: "_Replay | None" = field(default=None, init=False, repr=False, compare=False)
    _known: KnownPoints = field(default_factory=KnownPoints, init=False, repr=False, compare=False)

    @property
    def slow(self) -> bool:
        return type(self.sampler).__name__ in SLOW

    def ask(self, history: History) -> New | Over | None:
        if self.trials is not None and history.counted >= self.trials:
            return None
        if (known := known_point(self.known, history, self.epochs)) is not None:
            return known
        taken = self._known.keys(self.space, history)
        events = list(_events(history))
        replay, name = self._replay, type(self.sampler).__name__
        with quiet(), catch_warnings():
            simplefilter("ignore")  # Optuna repeats the warnings about the sampler with every ask
            if replay is None or not replay.can_continue_to(events, history.evidence):
                replay = _Replay(self.sampler, self.space, self.seed, history)
                object.__setattr__(self, "_replay", replay)
            params = replay.next(events, taken)
        if params is None:
            return Over(f"Optuna's {name} has stopped the search", numbers={"trials": len(history)})
        if not has_unknown_points(self.space, taken):
            return exhausted(self.space, history)
        ended = sum(not trial.state.is_active for trial in history)
        reason = f"Optuna's {name} on {ended} ended trials, {len(history) - ended} running"
        return New(params, self.epochs, reason + (PROPOSED_AGAIN if replay.has_redrawn else ""))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_replay": None}


# The history as calls of Optuna's `ask` and `tell` ───────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Asked:
    """The next trial was started with these parameters."""

    key: str
    params: Params = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Told:
    """A trial has ended. losses: for each goal; smaller is better, +inf if it diverged or reported nothing.

    excess: how far it is from meeting each requirement of a study with several goals. With one goal, a trial that does
    not meet the requirements has an infinite loss."""

    number: int
    state: State
    losses: tuple[float, ...]
    epoch: int
    excess: tuple[float, ...] = ()

    @property
    def has_no_result(self) -> bool:
        return any(math.isinf(loss) for loss in self.losses)


_Event = _Asked | _Told


def _events(history: History) -> Iterator[_Event]:
    """All events in their order: before each ask, the results of the trials that had ended by then."""
    ended = sorted((trial for trial in history if not trial.state.is_active), key=lambda trial: trial.ended)
    place = 0
    for trial in history:
        while place < len(ended) and ended[place].ended <= trial.ended_before and ended[place].number < trial.number:
            yield _told(ended[place], history)
            place += 1
        yield _Asked(key_of(trial.params), trial.params)
    yield from (_told(trial, history) for trial in ended[place:])


def _told(trial: Trial, history: History) -> _Told:
    objective = history.objective
    if not objective.others:
        return _Told(trial.number, trial.state, (history.loss(trial),), trial.epoch)
    judged = objective.judged(trial)
    losses = objective.losses(trial) if trial.state is not State.FAILED else (math.inf,) * len(objective.goals)
    if judged is None or any(map(math.isinf, losses)):
        unknown = (MAX_EXCESS,) * len(objective.require)
        return _Told(trial.number, trial.state, (math.inf,) * len(losses), trial.epoch, unknown)
    excess = tuple(one.excess(objective.metrics_of(trial.curve, judged, one)) for one in objective.require)
    return _Told(trial.number, trial.state, losses, trial.epoch, excess)


class _Replay:
    """An in-memory study of Optuna, after the events `_done`. _answer: the last proposal, for the last `_Asked`."""

    def __init__(self, sampler: "BaseSampler", space: Space, seed: int, history: History):
        import optuna

        self._pattern, self._space, self._seed = copy.deepcopy(sampler), space, seed
        for one in _objects(self._pattern, set()):
            if isinstance(one, optuna.samplers.QMCSampler):
                one._seed = seed  # scrambles the sequence of the whole study; Optuna would draw it
        self._known = {parameter.key: own_distribution(parameter) for parameter in space.parameters}
        self._evidence = history.evidence
        self._goals = len(history.objective.goals)
        self._study = optuna.create_study(directions=["minimize"] * self._goals, sampler=self._pattern)
        self._study.stop = self._stop  # type: ignore[method-assign]  # Optuna's own raises outside of `optimize`
        self._study.add_trials(list(_evidence(history, space, self._known)))
        self._first = len(self._study.trials)
        self._done: list[_Event] = []
        self._asked = 0
        self._answer: Params | None = None
        self.has_redrawn = False
        self._stopped = False

    def _stop(self) -> None:
        self._stopped = True

    def can_continue_to(self, events: Sequence[_Event], evidence: Sequence[Trial]) -> bool:
        """Whether the events of this study are the first ones of `events`, apart from its last proposal."""
        return self._evidence == evidence and (self._is_answered(events) or events[: len(self._done)] == self._done)

    def _is_answered(self, events: Sequence[_Event]) -> bool:
        return self._answer is not None and events == self._done[:-1]

    def next(self, events: Sequence[_Event], taken: Set[Key]) -> Params | None:
        """The sampler's proposal after these events; if it is one of `taken`, one parameter is drawn again
        (`has_redrawn`). None if the sampler has stopped the search."""
        if self._is_answered(events):
            return self._answer
        self._answer = None
        for event in events[len(self._done) :]:
            match event:
                case _Asked(params=params):
                    self._repeat(params)
                case _Told():
                    self._tell(event)
            self._done.append(event)
        if not self._stopped:
            self._answer = self._ask(taken)
            self._done.append(_Asked(key_of(self._answer), self._answer))
        return self._answer

    def _ask(self, taken: Set[Key]) -> Params:
        trial = self._new_trial()
        params: dict[str, Value] = dict(self._space.fixed)
        for parameter in self._space.parameters:
            if is_active(parameter, params):
                drawn = trial._suggest(parameter.key, self._known[parameter.key])
                params[parameter.name] = snapped(parameter, drawn)
        generator = stream(self._seed, self._asked)
        found = feasible.nearest(self._space, params, generator)
        self.has_redrawn = key(self._space, found) in taken
        if self.has_redrawn:
            found = redrawn(self._space, found, generator, taken)
        self._set_params(trial, found)
        return found

    def _new_trial(self) -> "optuna.Trial":
        self._study.sampler = self._seeded(self._asked)
        self._asked += 1
        return self._study.ask()

    def _repeat(self, params: Params) -> None:
        """Ask again for a recorded trial, so that the sampler stores its attributes, and set its parameters."""
        trial = self._new_trial()
        if type(self._pattern).__name__ not in STATELESS:
            _ = trial.relative_params
        self._set_params(trial, params)

    def _set_params(self, trial: "optuna.Trial", params: Params) -> None:
        """Set exactly the recorded values: the next step of an optimizer depends on every bit.

        A multivariate TPE stores the relative parameters of a running trial, including inactive ones. They are removed,
        because a replayed trial has none.
        """
        from optuna.samplers._tpe.sampler import _RELATIVE_PARAMS_KEY

        self._study._storage.set_trial_system_attr(trial._trial_id, f"{_RELATIVE_PARAMS_KEY}:0", "")
        for parameter in self._space.parameters:
            if parameter.is_in(params):
                known, value = self._known[parameter.key], params[parameter.name]
                # For Optuna, True equals the choice 1.
                inner = parameter.index(value) if isinstance(parameter, Choice) else known.to_internal_repr(value)
                self._study._storage.set_trial_param(trial._trial_id, parameter.key, inner, known)

    def _tell(self, event: _Told) -> None:
        """A diverged or infeasible trial becomes COMPLETE with an infinite value: most samplers use no other state. A
        FAILED one becomes PRUNED without a value: TPE ranks it last, and most others ignore it. Some samplers would
        propose the parameters of a FAIL trial again."""
        from optuna.trial import TrialState

        number = self._first + event.number
        trial_id = self._study._storage.get_trial_id_from_study_id_trial_number(self._study._study_id, number)
        if event.excess:
            excess = [min(one, MAX_EXCESS) for one in event.excess]
            self._study._storage.set_trial_system_attr(trial_id, KEY, excess)
        if event.state is State.FAILED and self._goals == 1:
            self._study.tell(number, state=TrialState.PRUNED)
        elif event.state is State.COMPLETE or event.has_no_result or self._goals > 1:
            self._study.tell(number, list(event.losses))
        else:
            (loss,) = event.losses
            self._study._storage.set_trial_intermediate_value(trial_id, event.epoch, loss)
            self._study.tell(number, state=TrialState.PRUNED)

    def _seeded(self, number: int) -> "BaseSampler":
        sampler = copy.deepcopy(self._pattern)
        if getattr(sampler, "_group_decomposed_search_space", None) is not None:
            groups = _SortedGroups(sampler._group_decomposed_search_space)  # type: ignore[attr-defined]
            sampler._group_decomposed_search_space = groups  # type: ignore[attr-defined]
        generator = stream(self._seed, number)
        for one in _objects(sampler, set()):
            state = one.rng if type(one).__name__ == "LazyRandomState" else one
            if isinstance(state, np.random.RandomState | random.Random):
                state.seed(int(generator.integers(2**31)))
            elif isinstance(state, np.random.Generator):
                bits = state.bit_generator
                bits.state = type(bits)(int(generator.integers(2**31))).state
        return sampler


class _SortedGroups:
    """Groups of parameters in a fixed order: Optuna iterates over sets, whose order depends on the hash seed."""

    def __init__(self, groups: Any):
        self._groups = groups

    def calculate(self, study: Any, use_cache: bool = False) -> Any:
        found = self._groups.calculate(study, use_cache)
        found._search_spaces = sorted(
            ({name: own[name] for name in sorted(own)} for own in found.search_spaces), key=list
        )
        return found


def _objects(thing: object, seen: set[int]) -> Iterator[Any]:
    """An object and all objects in it, at any depth, each once; a LazyRandomState is one object."""
    if id(thing) in seen or isinstance(thing, type | ModuleType):
        return
    seen.add(id(thing))
    yield thing
    parts: Iterable[object] = ()
    if isinstance(thing, dict):
        parts = thing.values()
    elif isinstance(thing, list | tuple | set):
        parts = thing
    elif hasattr(thing, "__dict__") and type(thing).__name__ != "LazyRandomState":
        parts = vars(thing).values()
    for part in parts:
        yield from _objects(part, seen)


def _evidence(history: History, space: Space, known: "dict[str, BaseDistribution]") -> Iterator[Any]:
    """Trials of the study that this one was forked from whose values are valid in Optuna's distributions."""
    from optuna.trial import TrialState

    for trial in usable_evidence(history, space):
        losses = _told(trial, history).losses
        try:
            params = native_params(space, trial.params, native_choices)
            if trial.state is State.COMPLETE or math.isinf(losses[0]) or len(losses) > 1:
                yield frozen(params, known, values=losses)
            else:
                (loss,) = losses
                yield frozen(
                    params, known, state=TrialState.PRUNED, value=loss, intermediate_values={trial.epoch: loss}
                )
        except ValueError:  # a value between two steps
            continue
