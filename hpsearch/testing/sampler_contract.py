"""The contract of samplers: `SamplerContract`, a class of tests with one fixture, `case`."""

import json
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from hpsearch.core.decisions import New, Resume
from hpsearch.core.errors import Infeasible
from hpsearch.core.history import History
from hpsearch.core.trial import Params
from hpsearch.orchestrator.own import own_methods
from hpsearch.orchestrator.own.own_methods import SamplerArguments
from hpsearch.samplers.base import Sampler
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS, Simulation, diverges, fails, flat, infeasible

CONDITIONAL = Space(
    (
        Float("lr", 1e-5, 1.0, log=True),
        Float("dropout", 0.0, 0.6, step=0.1),
        Int("hidden", 16, 256, log=True),
        Choice("optimizer", ("sgd", "adam")),
        Float("momentum", 0.0, 0.99, when={"optimizer": ("sgd",)}),
    ),
    fixed={"batch_size": 64},
)
"""Every kind of parameter, with a conditional and a fixed one."""

DISCRETE = Space((Int("layers", 1, 4), Choice("norm", (True, False, "layer")), Float("dropout", 0.0, 0.4, step=0.2)))
"""36 points."""


@dataclass(frozen=True)
class SamplerCase:
    """A sampler, and its expected proposals.

    make: seed -> a sampler that makes `budget` proposals of at most `epochs` epochs. seeded: it draws at random.
    hopeless: the number of proposals if no trial has a result; None: `budget`.
    ends_with_over: its last answer is an `Over`, not None.
    freezes: the number of resumed trials depends on the results; `budget` and `hopeless` count only new trials.
    """

    make: Callable[[int], Sampler]
    space: Space
    budget: int
    epochs: int
    seeded: bool = True
    hopeless: int | None = None
    ends_with_over: bool = False
    freezes: bool = False

    @classmethod
    def of(
        cls,
        sampler: Any,
        *,
        space: Space = CONDITIONAL,
        trials: int = 12,
        epochs: int = 2,
        seeded: bool = True,
        ends_with_over: bool = False,
        **options: Any,
    ) -> "SamplerCase":
        """Your own sampler, created as for a study file with `search.trials = trials`.

        sampler: a class, or the result of `from_optuna`. options: as in `search.options`.
        """

        def make(seed: int) -> Sampler:
            return own_methods.make_sampler(
                "the sampler", sampler, options, SamplerArguments(space, seed, epochs, trials)
            )

        return cls(make, space, trials, epochs, seeded, ends_with_over=ends_with_over)

    def counted(self, simulation: Simulation) -> int:
        """The proposals that count towards `budget`."""
        return sum(isinstance(one, New) or not self.freezes for one in simulation.proposals)

    def simulation(self, seed: int = 0, parallel: int = 1, history: History | None = None) -> Simulation:
        return Simulation(self.make(seed), varied_loss, epochs=self.epochs, parallel=parallel, history=history)


def varied_loss(params: Params, epoch: int) -> float:
    """A loss that depends on every parameter and falls with the epochs."""
    return sum(math.sin(len(name) + as_number(value)) for name, value in params.items()) + 1 / epoch


def as_number(value: object) -> float:
    """A number for any value. It does not use `hash`, so it is the same in every process."""
    return float(value) if isinstance(value, int | float) else float(sum(map(ord, str(value))))


class MixedFailures:
    """Every sixth epoch raises, every fourth of the others has a loss of NaN, and every ninth is infeasible."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, params: Params, epoch: int) -> float:
        self.calls += 1
        if self.calls % 6 == 0:
            raise ArithmeticError
        if self.calls % 9 == 0:
            raise Infeasible("not allowed")
        return math.nan if self.calls % 4 == 0 else varied_loss(params, epoch)


class SamplerContract:
    """A subclass defines the fixture `case`, which returns a `SamplerCase`."""

    @pytest.fixture
    def case(self) -> SamplerCase:
        raise NotImplementedError("the fixture `case` returns a SamplerCase")

    def test_proposals_are_plain_values_within_the_space(self, case: SamplerCase) -> None:
        for proposal in case.simulation().run().proposals:
            assert proposal.reason
            assert 1 <= proposal.until <= case.epochs
            if isinstance(proposal, New):
                assert case.space.contains(proposal.params)
                assert {type(value) for value in proposal.params.values()} <= {str, int, float, bool, list, dict}
                assert json.loads(json.dumps(proposal.params)) == proposal.params

    def test_the_same_seed_gives_the_same_sequence(self, case: SamplerCase) -> None:
        assert case.simulation(seed=3).run().proposals == case.simulation(seed=3).run().proposals

    def test_another_seed_gives_other_proposals(self, case: SamplerCase) -> None:
        """A sampler without random draws makes the same proposals for any results."""
        if case.seeded:
            assert case.simulation(seed=3).run(4).proposals != case.simulation(seed=4).run(4).proposals
        else:
            other = Simulation(case.make(4), diverges, epochs=case.epochs)
            assert case.simulation(seed=3).run().proposals == other.run().proposals

    def test_a_new_sampler_with_the_same_history_makes_the_same_proposals(self, case: SamplerCase) -> None:
        simulation = case.simulation(parallel=2)
        while True:
            # The journal may return the parameters in another order.
            trials = [replace(t, params=dict(reversed(list(t.params.items())))) for t in simulation.history]
            rebuilt = case.make(0).ask(History(LOSS, trials))
            assert simulation.sampler.ask(simulation.history) == rebuilt
            before = len(simulation.proposals)
            simulation.run(turns=1)
            if len(simulation.proposals) == before:
                break

    def test_asking_changes_nothing(self, case: SamplerCase) -> None:
        simulation = case.simulation().run(case.budget // 2)
        before = list(simulation.history)
        first = simulation.sampler.ask(simulation.history)
        assert simulation.sampler.ask(simulation.history) == first
        assert list(simulation.history) == before

    def test_a_shorter_history_gives_the_proposal_of_a_new_sampler(self, case: SamplerCase) -> None:
        simulation = case.simulation().run()
        early = History(LOSS, list(simulation.history)[:2])
        assert simulation.sampler.ask(early) == case.make(0).ask(early)

    def test_it_ends_within_its_budget(self, case: SamplerCase) -> None:
        simulation = case.simulation(parallel=3).run()
        assert case.counted(simulation) == case.budget
        ends = [simulation.sampler.ask(simulation.history) for _ in range(3)]
        assert ends == ([simulation.end] * 3 if case.ends_with_over else [None] * 3)
        assert (simulation.end is not None) == case.ends_with_over

    def test_it_proposes_different_points_while_all_others_are_pending(self, case: SamplerCase) -> None:
        simulation = case.simulation(parallel=case.budget).run(turns=1)
        points = [proposal.params for proposal in simulation.proposals if isinstance(proposal, New)]
        assert len(points) > 1
        assert all(point not in points[:i] for i, point in enumerate(points))

    def test_failed_diverged_and_pruned_trials_do_not_end_it(self, case: SamplerCase) -> None:
        simulation = Simulation(
            case.make(0), MixedFailures(), epochs=case.epochs, parallel=2, prune=lambda number: number % 3 == 1
        ).run()
        assert case.counted(simulation) == case.budget
        assert all(case.space.contains(trial.params) for trial in simulation.history)

    def test_it_ends_where_every_trial_fails_or_diverges(self, case: SamplerCase) -> None:
        for loss in (diverges, fails, infeasible):
            simulation = Simulation(case.make(0), loss, epochs=case.epochs).run()
            assert case.counted(simulation) == (case.hopeless or case.budget)
            assert not any(isinstance(proposal, Resume) for proposal in simulation.proposals)

    def test_equal_losses_do_not_end_it(self, case: SamplerCase) -> None:
        simulation = Simulation(case.make(0), flat, epochs=case.epochs).run()
        assert case.counted(simulation) == case.budget

    def test_it_pickles(self, case: SamplerCase) -> None:
        simulation = case.simulation().run(case.budget // 2)
        copy = pickle.loads(pickle.dumps(simulation.sampler))
        assert copy.ask(simulation.history) == simulation.sampler.ask(simulation.history)
        assert copy.slow == simulation.sampler.slow
