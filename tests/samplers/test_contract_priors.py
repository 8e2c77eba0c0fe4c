"""Every sampler that uses priors keeps the contract in a space with priors."""

import pytest

from hpsearch.core.constraints import read
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.coarse_to_fine import CoarseToFine
from hpsearch.samplers.freeze_thaw.freezing import FreezeThaw
from hpsearch.samplers.random import Random
from hpsearch.samplers.recipe.sampler import Recipe
from hpsearch.study.priors import Prior
from hpsearch.study.schedule import FixedSchedule
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.sampler_contract import SamplerCase, SamplerContract
from tests.samplers.test_contract import ROUNDS

PRIORS = Space(
    (
        Float("lr", 1e-5, 1.0, log=True, prior=Prior(1e-3, "strong")),
        Choice("optimizer", ("sgd", "adam", "lion"), prior=Prior("adam", "weak")),
        Float("momentum", 0.0, 0.99, when={"optimizer": ("sgd",)}, prior=Prior(0.9, "weak")),
        Int("width", 8, 512, log=True, prior=Prior(512, "strong")),
        Float("drop", 0.0, 0.6, step=0.2, prior=Prior(0.0, "weak")),
        Int("plain", 1, 5),
    ),
    constraints=(read("width * plain <= 1600"),),
)
"""A prior in the middle, of a choice, of a conditional parameter, at both ends, and one parameter without."""

CASES = {
    "random": SamplerCase(lambda seed: Random(PRIORS, seed, 12, 2), PRIORS, budget=12, epochs=2),
    "tpe": SamplerCase(lambda seed: Bayesian(PRIORS, seed, 12, 2, "tpe", 4), PRIORS, 12, epochs=2),
    "gp": SamplerCase(lambda seed: Bayesian(PRIORS, seed, 6, 2, "gp", 4), PRIORS, 6, epochs=2),
    "freeze-thaw": SamplerCase(lambda seed: FreezeThaw(PRIORS, seed, 10, 9, 4), PRIORS, 10, epochs=9, freezes=True),
    "coarse to fine": SamplerCase(
        lambda seed: CoarseToFine(PRIORS, seed, ROUNDS, keep=0.5, top=0.25, margin=0.1), PRIORS, 16, epochs=4
    ),
    "recipe": SamplerCase(
        lambda seed: Recipe(PRIORS, seed, [FixedSchedule(ROUNDS, 0.5)], top=0.25, margin=0.1),
        PRIORS,
        16,
        epochs=4,
        hopeless=8,
        ends_with_over=True,
    ),
}


class TestSamplersWithPriors(SamplerContract):
    @pytest.fixture(params=[pytest.param(one, marks=[pytest.mark.slow] * (one == "gp")) for one in CASES])
    def case(self, request: pytest.FixtureRequest) -> SamplerCase:
        return CASES[request.param]
