"""Every sampler keeps the contract, in a conditional space and in a small discrete one."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from hpsearch.core.constraints import read
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.coarse_to_fine import CoarseToFine
from hpsearch.samplers.fixed_list import FixedList, ParameterSet
from hpsearch.samplers.freeze_thaw.freezing import FreezeThaw
from hpsearch.samplers.grid import Grid
from hpsearch.samplers.random import Random
from hpsearch.samplers.recipe.sampler import Recipe
from hpsearch.study.schedule import FixedSchedule
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.sampler_contract import CONDITIONAL, DISCRETE, SamplerCase, SamplerContract

GRID = Space(
    (
        Float("lr", 1e-4, 1e-1, log=True, points=2),
        Choice("optimizer", ("sgd", "adam")),
        Float("momentum", 0.0, 0.9, grid=(0.0, 0.5, 0.9), when={"optimizer": ("sgd",)}),
    )
)

SEVERAL = Space(
    (
        Choice("optimizer", ("sgd", "adam")),
        Float("lr", 1e-3, 1.0, log=True, when={"optimizer": ("sgd",)}, axis="lr (optimizer = sgd)"),
        Choice("lr", (1e-4, 1e-3), when={"optimizer": ("adam",)}, axis="lr (optimizer = adam)"),
        Choice("layers", ([64], [64, 64], {"width": 1})),
        Choice("clip", ("none", 0.5, 1, True)),
        Int("n", 1, 3),
        Int("units_1", 16, 256, log=True),
        Int("units_2", 16, 256, log=True, when={"n": (">= 2",)}),
        Int("seed", 1, 2**40),
        Int("width", 1, 2**40, log=True),
    )
)
"""Two ranges of one name, lists, 1 beside True, comparisons, wide integers."""


@dataclass(frozen=True)
class Round:
    trials: int
    epochs: int


ROUNDS = (Round(8, 1), Round(5, 3), Round(3, 4))

CASES = {
    "grid": SamplerCase(lambda _: Grid(GRID, 2), GRID, budget=8, epochs=2, seeded=False),
    "list": SamplerCase(
        lambda _: FixedList([ParameterSet(params, 2) for params in GRID.grid()], seeds=1),
        GRID,
        8,
        epochs=2,
        seeded=False,
    ),
    "random": SamplerCase(lambda seed: Random(CONDITIONAL, seed, 12, 2), CONDITIONAL, budget=12, epochs=2),
    "random, discrete": SamplerCase(lambda seed: Random(DISCRETE, seed, 36, 2), DISCRETE, budget=36, epochs=2),
    "tpe": SamplerCase(lambda seed: Bayesian(CONDITIONAL, seed, 14, 2, "tpe", 5), CONDITIONAL, budget=14, epochs=2),
    "tpe, discrete": SamplerCase(lambda seed: Bayesian(DISCRETE, seed, 16, 2, "tpe", 4), DISCRETE, 16, epochs=2),
    "cmaes": SamplerCase(lambda seed: Bayesian(CONDITIONAL, seed, 24, 2, "cmaes", 5), CONDITIONAL, 24, epochs=2),
    "cmaes, discrete": SamplerCase(lambda seed: Bayesian(DISCRETE, seed, 24, 2, "cmaes", 4), DISCRETE, 24, epochs=2),
    "gp": SamplerCase(lambda seed: Bayesian(CONDITIONAL, seed, 6, 2, "gp", 4), CONDITIONAL, budget=6, epochs=2),
    "coarse to fine": SamplerCase(
        lambda seed: CoarseToFine(CONDITIONAL, seed, ROUNDS, keep=0.5, top=0.25, margin=0.1), CONDITIONAL, 16, epochs=4
    ),
    "coarse to fine, discrete": SamplerCase(
        lambda seed: CoarseToFine(DISCRETE, seed, ROUNDS, keep=0.5, top=0.25, margin=0.1), DISCRETE, 16, epochs=4
    ),
}


def recipe(space: Space) -> Callable[[int], Recipe]:
    return lambda seed: Recipe(space, seed, [FixedSchedule(ROUNDS, 0.5)], top=0.25, margin=0.1)


CASES |= {
    "recipe": SamplerCase(recipe(CONDITIONAL), CONDITIONAL, 16, epochs=4, hopeless=8, ends_with_over=True),
    "recipe, discrete": SamplerCase(recipe(DISCRETE), DISCRETE, 16, epochs=4, hopeless=8, ends_with_over=True),
}


def bayesian(label: str, space: Space, **trials: int) -> dict[str, SamplerCase]:
    """trials: of each sampler."""
    return {
        f"{sampler}, {label}": SamplerCase(
            lambda seed, sampler=sampler, most=most: Bayesian(space, seed, most, 2, sampler, 4), space, most, epochs=2
        )
        for sampler, most in trials.items()
    }


CASES |= bayesian("several", SEVERAL, tpe=10, cmaes=16, gp=6)
CONSTRAINED = Space(
    (
        Float("a", 0.0, 1.0),
        Float("b", 1e-3, 1.0, log=True),
        Int("batch", 1, 64),
        Int("accumulate", 1, 64),
        Choice("optimizer", ("sgd", "adam")),
        Float("momentum", 0.0, 1.0, when={"optimizer": ("sgd",)}),
    ),
    {"most": 0.5},
    constraints=tuple(
        map(read, ("a + b <= most", "batch * accumulate == 64", "optimizer != 'sgd' or momentum > 0.5", "a > 0.1"))
    ),
)
"""A triangle, an equation with seven solutions, a conditional parameter."""

CASES |= bayesian("constrained", CONSTRAINED, tpe=12, cmaes=16, gp=6)
CASES |= {
    "random, constrained": SamplerCase(lambda seed: Random(CONSTRAINED, seed, 12, 2), CONSTRAINED, 12, epochs=2),
    "coarse to fine, constrained": SamplerCase(
        lambda seed: CoarseToFine(CONSTRAINED, seed, ROUNDS, keep=0.5, top=0.25, margin=0.1), CONSTRAINED, 16, epochs=4
    ),
    "recipe, constrained": SamplerCase(recipe(CONSTRAINED), CONSTRAINED, 16, epochs=4, hopeless=8, ends_with_over=True),
}
CASES |= {
    "random, several": SamplerCase(lambda seed: Random(SEVERAL, seed, 12, 2), SEVERAL, budget=12, epochs=2),
    "recipe, several": SamplerCase(recipe(SEVERAL), SEVERAL, 16, epochs=4, hopeless=8, ends_with_over=True),
}


FROZEN = {"conditional": CONDITIONAL, "discrete": DISCRETE, "several": SEVERAL, "constrained": CONSTRAINED}
CASES |= {
    f"freeze-thaw, {label}": SamplerCase(
        lambda seed, space=space: FreezeThaw(space, seed, 14, 9, 4), space, 14, epochs=9, freezes=True
    )
    for label, space in FROZEN.items()
}


SLOW = ("gp, several", "gp, constrained")
"""Their acquisition is optimised for seconds; their recorded proposals are compared in every run."""


class TestSamplers(SamplerContract):
    @pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in CASES])
    def case(self, request: pytest.FixtureRequest) -> SamplerCase:
        return CASES[request.param]
