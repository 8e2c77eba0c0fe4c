"""Every sampler of Optuna keeps the contract, and gets the state of every trial."""

import pickle
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from operator import ne
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.samplers import BaseSampler, GPSampler
from optuna.trial import TrialState

from hpsearch.core.decisions import New, Over
from hpsearch.core.errors import OwnMethodError
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.orchestrator.own.own_methods import SamplerArguments, make_sampler
from hpsearch.samplers import from_optuna
from hpsearch.samplers.optuna.adapter import PROPOSED_AGAIN, STATELESS
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing import CONDITIONAL, DISCRETE, SamplerCase, SamplerContract
from hpsearch.testing.simulation import LOSS

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")

FLAT = Space(tuple(replace(parameter, when={}) for parameter in CONDITIONAL.parameters))
"""Without a condition, which quasi-random sequences do not support."""

SAMPLERS: dict[str, tuple[Callable[[], Any], Space]] = {
    "RandomSampler": (optuna.samplers.RandomSampler, CONDITIONAL),
    "TPESampler": (lambda: optuna.samplers.TPESampler(n_startup_trials=4), CONDITIONAL),
    "TPESampler, groups": (
        lambda: optuna.samplers.TPESampler(n_startup_trials=4, multivariate=True, group=True),
        CONDITIONAL,
    ),
    "CmaEsSampler": (lambda: optuna.samplers.CmaEsSampler(n_startup_trials=2, popsize=4), FLAT),
    "NSGAIISampler": (lambda: optuna.samplers.NSGAIISampler(population_size=4), CONDITIONAL),
    "NSGAIIISampler": (lambda: optuna.samplers.NSGAIIISampler(population_size=4), CONDITIONAL),
    "QMCSampler": (lambda: optuna.samplers.QMCSampler(qmc_type="halton", scramble=True), FLAT),
    "BruteForceSampler": (optuna.samplers.BruteForceSampler, DISCRETE),
    "PartialFixedSampler": (
        lambda: optuna.samplers.PartialFixedSampler(
            {"dropout": 0.2}, optuna.samplers.QMCSampler(scramble=True, warn_asynchronous_seeding=False)
        ),
        FLAT,
    ),
}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


class TestOptunasSamplers(SamplerContract):
    @pytest.fixture(params=SAMPLERS)
    def case(self, request: pytest.FixtureRequest) -> SamplerCase:
        make, space = SAMPLERS[request.param]
        return SamplerCase.of(from_optuna(make()), space=space, trials=16)


@pytest.mark.slow
class TestGaussianProcess(SamplerContract):
    @pytest.fixture
    def case(self) -> SamplerCase:
        return SamplerCase.of(from_optuna(GPSampler(n_startup_trials=3)), trials=5)


def test_every_sampler_of_optuna_is_tested() -> None:
    there = {name for name in optuna.samplers.__all__ if name.endswith("Sampler") and not name.startswith("Base")}
    assert there == {name.partition(",")[0] for name in SAMPLERS} | {"GPSampler", "GridSampler"}
    assert set(STATELESS) <= there


def test_the_gaussian_process_is_slow() -> None:
    assert from_optuna(GPSampler())(CONDITIONAL, 0, 2).slow
    assert not from_optuna(optuna.samplers.RandomSampler())(CONDITIONAL, 0, 2).slow


@pytest.mark.parametrize(
    ("thing", "says"),
    [
        (lambda: optuna.samplers.GridSampler({"lr": [0.1]}), 'search.method = "grid"'),
        (lambda: optuna.samplers.RandomSampler, "got the class RandomSampler"),
        (lambda: optuna.pruners.MedianPruner(), "got a MedianPruner"),
        (lambda: "QMCSampler", "got a str"),
    ],
)
def test_an_object_that_cannot_be_used_is_refused(thing: Callable[[], object], says: str) -> None:
    with pytest.raises(OwnMethodError, match=says):
        from_optuna(thing())


# What the sampler sees ───────────────────────────────────────────────────────────────────────────


@dataclass
class Spy(BaseSampler):
    """Notes what Optuna's study has when it is asked."""

    seen: list[list[tuple[TrialState, float | None]]] = field(default_factory=list)
    numbers: dict[str, object] = field(default_factory=dict)

    def __deepcopy__(self, memo: object) -> "Spy":
        return self

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        self.seen.append([(one.state, one.values and one.values[0]) for one in study.trials])
        self.numbers = {"trials": study.trials}
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
        return {}

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> float:
        return float(param_distribution.low)


ONE = Space((Float("x", 0.0, 1.0), Choice("kind", (1, True, "a")), Int("n", 1, 9)))
PARAMS = {"x": 0.5, "kind": True, "n": 3}


def trial(number: int, state: State, *losses: float, ended: int = 0, cause: Cause | None = None) -> Trial:
    curve = tuple(Report(step, {"val_loss": loss}) for step, loss in enumerate(losses, 1))
    return Trial(number, PARAMS, 0, 3, state, curve=curve, ended=ended, cause=cause)


def optuna_trials(*trials: Trial, evidence: tuple[Trial, ...] = ()) -> list[Any]:
    """Optuna's trials when the next is asked for, this one left out."""
    spy = Spy()
    space = Space((Float("x", 0.0, 1.0),))
    short = [replace(one, params={"x": 0.5}) for one in trials]
    from_optuna(spy)(space, 0, 3).ask(History(LOSS, short, [replace(one, params={"x": 0.25}) for one in evidence]))
    seen = spy.numbers["trials"]
    assert isinstance(seen, list)
    assert seen[-1].state is TrialState.RUNNING
    return seen[:-1]


@pytest.mark.parametrize(
    ("one", "state", "value"),
    [
        (trial(0, State.COMPLETE, 0.5, 0.25, ended=1), TrialState.COMPLETE, 0.25),
        (trial(0, State.PRUNED, 0.5, 0.75, ended=1, cause=Cause.PRUNED), TrialState.PRUNED, 0.5),
        (trial(0, State.PAUSED, 0.5, ended=1), TrialState.PRUNED, 0.5),
        (trial(0, State.PRUNED, 0.5, float("nan"), ended=1, cause=Cause.DIVERGED), TrialState.COMPLETE, float("inf")),
        (trial(0, State.PRUNED, ended=1, cause=Cause.TIMEOUT), TrialState.COMPLETE, float("inf")),
        (trial(0, State.FAILED, 0.5, ended=1), TrialState.PRUNED, None),
        (trial(0, State.INFEASIBLE, 0.5, ended=1), TrialState.COMPLETE, float("inf")),
        (trial(0, State.RUNNING, 0.5), TrialState.RUNNING, None),
        (trial(0, State.WAITING), TrialState.RUNNING, None),
        (trial(0, State.WAITING, ended=1), TrialState.RUNNING, None),  # it failed, and is tried again
    ],
)
def test_the_state_of_each_ended_trial(one: Trial, state: TrialState, value: float | None) -> None:
    (seen,) = optuna_trials(one)
    assert (seen.state, seen.value, seen.params) == (state, value, {"x": 0.5})


def test_a_pruned_trial_has_its_epoch() -> None:
    (seen,) = optuna_trials(trial(0, State.PRUNED, 0.5, 0.75, ended=1, cause=Cause.PRUNED))
    assert seen.intermediate_values == {2: 0.5}


def test_evidence_of_the_study_that_it_was_forked_from_comes_first() -> None:
    old = (trial(0, State.COMPLETE, 0.125, ended=1), trial(1, State.FAILED, ended=2))
    seen = optuna_trials(trial(0, State.COMPLETE, 0.5, ended=1), trial(1, State.RUNNING), evidence=old)
    assert [(one.state, one.value, one.params["x"]) for one in seen] == [
        (TrialState.COMPLETE, 0.125, 0.25),
        (TrialState.COMPLETE, 0.5, 0.5),
        (TrialState.RUNNING, None, 0.5),
    ]


def test_each_past_ask_is_replayed_with_the_results_of_that_time() -> None:
    trials = [
        trial(0, State.COMPLETE, 0.5, ended=2),
        replace(trial(1, State.COMPLETE, 0.25, ended=1), ended_before=0),
        replace(trial(2, State.RUNNING), ended_before=1),
        replace(trial(3, State.RUNNING), ended_before=2),
    ]
    spy = Spy()
    space = Space((Float("x", 0.0, 1.0),))
    from_optuna(spy)(space, 0, 3).ask(History(LOSS, [replace(one, params={"x": 0.5}) for one in trials]))
    running, complete = TrialState.RUNNING, TrialState.COMPLETE
    assert [[state for state, _ in seen] for seen in spy.seen] == [
        [running],
        [running, running],
        [running, complete, running],
        [complete, complete, running, running],
        [complete, complete, running, running, running],
    ]


def test_choices_keep_their_type() -> None:
    """1 is not True, though Python finds them equal."""
    sampler = from_optuna(optuna.samplers.RandomSampler())(ONE, 0, 2)
    history, drawn = History(LOSS), set()
    for number in range(40):
        proposal = sampler.ask(history)
        assert isinstance(proposal, New)
        assert ONE.contains(proposal.params)
        drawn.add(repr(proposal.params["kind"]))
        history.put(Trial(number, proposal.params, 0, 2, State.RUNNING))
    assert drawn == {"1", "True", "'a'"}
    known = sampler._replay._study.trials  # type: ignore[union-attr]
    assert [repr(one.params["kind"]) for one in known[:-1]] == [repr(trial.params["kind"]) for trial in history][:39]


# Seeds, and their end ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", SAMPLERS)
def test_its_own_seed_has_no_effect(name: str) -> None:
    make, space = SAMPLERS[name]
    cases = [SamplerCase.of(from_optuna(make()), space=space, trials=8) for _ in range(2)]
    one, other = (case.simulation(seed=3, parallel=2).run().proposals for case in cases)
    assert one == other


class Draws(BaseSampler):
    """A sampler of a third party, with each kind of random state, one of them nested."""

    def __init__(self) -> None:
        self.states: list[Any] = [np.random.default_rng(), {"deep": random.Random()}]
        self.old = np.random.RandomState()

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
        return {}

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> float:
        return (float(self.states[0].random()) + self.states[1]["deep"].random() + float(self.old.rand())) / 3


class TestThirdPartySampler(SamplerContract):
    @pytest.fixture
    def case(self) -> SamplerCase:
        return SamplerCase.of(from_optuna(Draws()), space=Space((Float("x", 0.0, 1.0),)))


class Global(Draws):
    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> float:
        return float(np.random.rand())  # noqa: NPY002


class Several(Draws):
    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        raise ValueError("for several objectives only")


@pytest.mark.parametrize(("sampler", "says"), [(Global, "pure function"), (Several, "for several objectives only")])
def test_one_that_cannot_keep_the_contract_is_refused(sampler: type[Draws], says: str) -> None:
    made = make_sampler("mine", from_optuna(sampler()), {}, SamplerArguments(Space((Float("x", 0.0, 1.0),)), 0, 2))
    with pytest.raises(OwnMethodError, match=says):
        made.ask(History(LOSS))


def test_an_exhaustive_search_ends_itself() -> None:
    sampler = from_optuna(optuna.samplers.BruteForceSampler())
    case = SamplerCase(lambda seed: sampler(DISCRETE, seed, 2), DISCRETE, budget=36, epochs=2)
    simulation = case.simulation(parallel=3).run()
    assert len({tuple(trial.params.values()) for trial in simulation.history}) == 36
    assert simulation.end == Over("Optuna's BruteForceSampler has stopped the search", numbers={"trials": 36})


@pytest.mark.parametrize(
    "make", [optuna.samplers.RandomSampler, lambda: optuna.samplers.NSGAIISampler(population_size=4)]
)
def test_no_point_is_trained_twice(make: Callable[[], BaseSampler]) -> None:
    sampler = from_optuna(make())
    case = SamplerCase(lambda seed: sampler(DISCRETE, seed, 2), DISCRETE, budget=50, epochs=2)
    simulation = case.simulation(parallel=3).run()
    points = [tuple(trial.params.values()) for trial in simulation.history]
    assert len(points) == len(set(points)) == 36
    assert simulation.end is not None
    assert simulation.end.cause is Cause.EXHAUSTED


def test_a_known_point_of_a_genetic_algorithm_is_changed_in_one_parameter() -> None:
    sampler = from_optuna(optuna.samplers.NSGAIISampler(population_size=4, mutation_prob=0.0, crossover_prob=0.0))
    case = SamplerCase(lambda seed: sampler(FLAT, seed, 2), FLAT, budget=24, epochs=2)
    simulation = case.simulation().run(24)
    points = [tuple(trial.params.values()) for trial in simulation.history][:24]
    assert len(points) == len(set(points)) == 24
    for number in range(8, 24):  # without mutation a child is its parent
        assert PROPOSED_AGAIN in simulation.proposals[number].reason
        assert min(sum(map(ne, points[number], earlier)) for earlier in points[:number]) == 1


def test_a_class_is_named_with_plain_options() -> None:
    given = SamplerArguments(FLAT, 0, 2)
    made = make_sampler("mine", optuna.samplers.QMCSampler, {"qmc_type": "halton", "scramble": True}, given)
    case = SamplerCase(lambda _: made, FLAT, budget=8, epochs=2)
    assert len(case.simulation().run(8).proposals) >= 8
    with pytest.raises(OwnMethodError, match="unexpected keyword argument 'scrambled'"):
        make_sampler("mine", optuna.samplers.QMCSampler, {"scrambled": True}, given)


def test_it_pickles_without_its_replay() -> None:
    sampler = from_optuna(optuna.samplers.NSGAIISampler())(CONDITIONAL, 0, 2)
    first = sampler.ask(History(LOSS))
    assert pickle.loads(pickle.dumps(sampler)).ask(History(LOSS)) == first
    assert len(pickle.dumps(sampler)) < 10_000
