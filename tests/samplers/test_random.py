import math
from collections import Counter

import numpy as np
import pytest

from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Trial
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
    assert proposal is not None
    assert proposal.params == proposals(SMOOTH, 6)[5]
    assert proposal.reason == "random draw 6 of 10"


def test_it_is_log_uniform() -> None:
    draws = np.array([math.log10(draw(SMOOTH, stream(0, number), set())["lr"]) for number in range(2000)])
    # Kolmogorov-Smirnov: 1.95 / sqrt(n) is passed by one uniform sample in a thousand, and the seeds are fixed.
    uniform = (np.sort(draws) + 5) / 5
    assert np.abs(uniform - (np.arange(2000) + 0.5) / 2000).max() < 1.95 / math.sqrt(2000)


@pytest.mark.parametrize(("space", "points"), [(DISCRETE, 18), (CONDITIONAL, 12), (RARE, 400)])
def test_no_point_twice_until_all_were_tried(space: Space, points: int) -> None:
    drawn = [key(space, params) for params in proposals(space, 2 * points + 3)]
    assert len(set(drawn[:points])) == points
    assert set(Counter(drawn[: 2 * points]).values()) == {2}
    assert len(set(drawn[2 * points :])) == 3


def test_points_outside_of_the_grid_are_drawn_too() -> None:
    space = Space((Int("hidden", 1, 5, grid=(1, 5)), Float("dropout", 0.0, 0.5, step=0.25, points=2)))
    assert len({key(space, params) for params in proposals(space, 15)}) == 15


def test_a_larger_budget_extends_the_search() -> None:
    short = Simulation(Random(DISCRETE, 0, 5, 1), flat, epochs=1).run()
    longer = Simulation(Random(DISCRETE, 0, 12, 1), flat, epochs=1, history=short.history).run()
    assert [trial.params for trial in longer.history] == proposals(DISCRETE, 12)
