import math

import numpy as np
import pytest

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Cause, Trial
from hpsearch.samplers.random import Random, draw, key
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS, Simulation, flat

SMOOTH = Space((Float("lr", 1e-5, 1.0, log=True), Int("hidden", 16, 256, log=True)))
DISCRETE = Space((Int("layers", 1, 3), Choice("norm", (1, True)), Float("dropout", 0.0, 0.2, step=0.1)))
CONDITIONAL = Space(
    (Choice("optimizer", ("sgd", "adam")), Int("nesterov", 0, 4, when={"optimizer": ("sgd",)}), Int("layers", 1, 2))
)
RARE = Space((Int("hidden", 1, 400, log=True),))
"""The share of 400 is 1 / 2,700: a hundred redraws rarely meet it."""


def proposals(space: Space, trials: int, parallel: int = 1, seed: int = 0) -> list[object]:
    search = Simulation(Random(space, seed, trials, 1), flat, epochs=1, parallel=parallel)
    return [trial.params for trial in search.run().history]


@pytest.mark.parametrize("space", [SMOOTH, DISCRETE, CONDITIONAL])
def test_proposals_are_the_same_for_any_number_of_workers(space: Space) -> None:
    assert proposals(space, 30) == proposals(space, 30, parallel=7)


def test_in_a_continuous_space_a_proposal_depends_on_its_number_only() -> None:
    others = [Trial(number, {"lr": 0.5, "hidden": 16}, seed=0, until=1) for number in range(5)]
    proposal = Random(SMOOTH, 0, 10, 1).ask(History(LOSS, others))
    assert isinstance(proposal, New)
    assert proposal.params == proposals(SMOOTH, 6)[5]
    assert proposal.reason == "random draw 6 of 10"


def test_it_is_log_uniform() -> None:
    draws = np.array([math.log10(draw(SMOOTH, stream(0, number), set())["lr"]) for number in range(2000)])
    # Kolmogorov-Smirnov: 1.95 / sqrt(n) is passed by one uniform sample in a thousand, and the seeds are fixed.
    uniform = (np.sort(draws) + 5) / 5
    assert np.abs(uniform - (np.arange(2000) + 0.5) / 2000).max() < 1.95 / math.sqrt(2000)


@pytest.mark.parametrize(("space", "points"), [(DISCRETE, 18), (CONDITIONAL, 12), (RARE, 400)])
def test_no_point_twice_and_the_search_ends_after_the_last(space: Space, points: int) -> None:
    search = Simulation(Random(space, 0, 2 * points, 1), flat, epochs=1, parallel=3).run()
    assert len({key(space, trial.params) for trial in search.history}) == len(search.history) == points
    assert search.end is not None
    assert (search.end.cause, search.end.numbers) == (Cause.EXHAUSTED, {"points": points})


def test_while_a_trial_runs_an_exhausted_search_waits() -> None:
    """The trial may be infeasible, which limits.infeasible replaces."""
    search = Simulation(Random(CONDITIONAL, 0, 20, 1), flat, epochs=1, parallel=12).run(turns=11)
    assert search.sampler.ask(search.history) is None


def test_a_fork_continues_in_the_sequence() -> None:
    whole = [trial.params for trial in Simulation(Random(SMOOTH, 0, 9, 1), flat, epochs=1).run().history]
    fork = Simulation(Random(SMOOTH, 0, 4, 1), flat, epochs=1, history=History(LOSS, drawn_before=5)).run()
    assert [trial.params for trial in fork.history] == whole[5:]


def test_a_fork_draws_no_point_that_is_known() -> None:
    known = list(Simulation(Random(CONDITIONAL, 0, 7, 1), flat, epochs=1).run().history)
    history = History(LOSS, evidence=known, known=known, drawn_before=7)
    fork = Simulation(Random(CONDITIONAL, 0, 20, 1), flat, epochs=1, history=history).run()
    assert len({key(CONDITIONAL, trial.params) for trial in [*known, *fork.history]}) == 12
    assert len(fork.history) == 5


def test_points_outside_of_the_grid_are_drawn_too() -> None:
    space = Space((Int("hidden", 1, 5, grid=(1, 5)), Float("dropout", 0.0, 0.5, step=0.25, points=2)))
    assert len({key(space, params) for params in proposals(space, 15)}) == 15


def test_a_larger_budget_extends_the_search() -> None:
    short = Simulation(Random(DISCRETE, 0, 5, 1), flat, epochs=1).run()
    longer = Simulation(Random(DISCRETE, 0, 12, 1), flat, epochs=1, history=short.history).run()
    assert [trial.params for trial in longer.history] == proposals(DISCRETE, 12)
