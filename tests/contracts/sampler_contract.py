"""What every sampler keeps to. A new one joins by one `SamplerCase` in tests/samplers/test_contract.py."""

import json
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace

from hpsearch.core.decisions import New, Resume
from hpsearch.core.history import History
from hpsearch.core.trial import Params
from hpsearch.samplers.base import Sampler
from hpsearch.study.space import Space
from tests.samplers.simulation import LOSS, Simulation, diverges, fails, flat


@dataclass(frozen=True)
class SamplerCase:
    """make: seed -> a sampler that makes `budget` proposals of at most `epochs` epochs. seeded: it draws at random.

    hopeless: how many it makes where no trial comes to anything; None: all the same. over: at its end it says why.
    """

    make: Callable[[int], Sampler]
    space: Space
    budget: int
    epochs: int
    seeded: bool = True
    hopeless: int | None = None
    over: bool = False

    def simulation(self, seed: int = 0, parallel: int = 1, history: History | None = None) -> Simulation:
        return Simulation(self.make(seed), bowl, epochs=self.epochs, parallel=parallel, history=history)


def bowl(params: Params, epoch: int) -> float:
    """A loss that depends on every parameter and falls with the epochs."""
    return sum(math.sin(len(name) + hash_free(value)) for name, value in params.items()) + 1 / epoch


def hash_free(value: object) -> float:
    """A number for any value, the same in every process."""
    return float(value) if isinstance(value, int | float) else float(sum(map(ord, str(value))))


class RoughWeather:
    """A loss of which every fourth epoch is NaN, and every sixth raises."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, params: Params, epoch: int) -> float:
        self.calls += 1
        if self.calls % 6 == 0:
            raise ArithmeticError
        return math.nan if self.calls % 4 == 0 else bowl(params, epoch)


class SamplerContract:
    def test_proposals_lie_in_the_space_and_are_plain(self, case: SamplerCase) -> None:
        for proposal in case.simulation().run().proposals:
            assert proposal.reason
            assert 1 <= proposal.until <= case.epochs
            if isinstance(proposal, New):
                assert case.space.contains(proposal.params)
                assert {type(value) for value in proposal.params.values()} <= {str, int, float, bool}
                assert json.loads(json.dumps(proposal.params)) == proposal.params

    def test_the_same_seed_gives_the_same_sequence(self, case: SamplerCase) -> None:
        assert case.simulation(seed=3).run().proposals == case.simulation(seed=3).run().proposals

    def test_the_seed_makes_the_difference_or_nothing_does(self, case: SamplerCase) -> None:
        """One that draws nothing proposes the same whatever becomes of its trials."""
        if case.seeded:
            assert case.simulation(seed=3).run(4).proposals != case.simulation(seed=4).run(4).proposals
        else:
            other = Simulation(case.make(4), diverges, epochs=case.epochs)
            assert case.simulation(seed=3).run().proposals == other.run().proposals

    def test_a_sampler_built_anew_from_the_history_goes_on_alike(self, case: SamplerCase) -> None:
        simulation = case.simulation(parallel=2)
        while True:
            # The journal is free to give the parameters back in another order.
            trials = [replace(t, params=dict(reversed(t.params.items()))) for t in simulation.history]
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

    def test_another_history_is_no_hindrance(self, case: SamplerCase) -> None:
        simulation = case.simulation().run()
        early = History(LOSS, list(simulation.history)[:2])
        assert simulation.sampler.ask(early) == case.make(0).ask(early)

    def test_it_ends_within_its_budget(self, case: SamplerCase) -> None:
        simulation = case.simulation(parallel=3).run()
        assert len(simulation.proposals) == case.budget
        ends = [simulation.sampler.ask(simulation.history) for _ in range(3)]
        assert ends == ([simulation.end] * 3 if case.over else [None] * 3)
        assert bool(simulation.over) == case.over

    def test_it_asks_while_all_others_are_pending(self, case: SamplerCase) -> None:
        simulation = case.simulation(parallel=case.budget).run(turns=1)
        points = [proposal.params for proposal in simulation.proposals if isinstance(proposal, New)]
        assert len(points) > 1
        assert all(point not in points[:i] for i, point in enumerate(points))

    def test_rough_weather(self, case: SamplerCase) -> None:
        simulation = Simulation(
            case.make(0), RoughWeather(), epochs=case.epochs, parallel=2, prune=lambda number: number % 3 == 1
        ).run()
        assert len(simulation.proposals) == case.budget
        assert all(case.space.contains(trial.params) for trial in simulation.history)

    def test_nothing_but_failures(self, case: SamplerCase) -> None:
        for loss in (diverges, fails):
            simulation = Simulation(case.make(0), loss, epochs=case.epochs).run()
            assert len(simulation.proposals) == (case.hopeless or case.budget)
            assert not any(isinstance(proposal, Resume) for proposal in simulation.proposals)

    def test_equal_losses(self, case: SamplerCase) -> None:
        simulation = Simulation(case.make(0), flat, epochs=case.epochs).run()
        assert len(simulation.proposals) == case.budget

    def test_it_pickles(self, case: SamplerCase) -> None:
        simulation = case.simulation().run(case.budget // 2)
        copy = pickle.loads(pickle.dumps(simulation.sampler))
        assert copy.ask(simulation.history) == simulation.sampler.ask(simulation.history)
        assert copy.slow == simulation.sampler.slow
