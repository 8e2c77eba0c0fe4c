"""The user's prior of a parameter: `prior = { value = 1e-3, weight = "strong" }` in [space].

For a number it is a normal distribution around the value on its axis, truncated at the ends of the range. For a choice,
the value has `ODDS` times the probability of every other value. A search uses it as piBO does (Hvarfner et al. 2022,
arXiv 2204.11051): new trials are preferred where the density is high. The preference falls with the number of trials,
so a wrong prior costs only trials at the beginning. How far a search trusts the priors: `samplers.believed.trust`.
"""

import math
from dataclasses import dataclass
from typing import Literal

from hpsearch.core.trial import Value

Weight = Literal["weak", "strong"]

WIDTH = {"weak": 0.2, "strong": 0.1}
"""The standard deviation, as a fraction of the axis."""

ODDS = {"weak": 3.0, "strong": 10.0}

TRIALS = {"weak": 5.0, "strong": 10.0}
"""After this number of trials, half of the random trials are drawn from the prior, if the trials agree with it. For a
model, this number divided by the number of trials is the exponent of the density (beta in piBO)."""


def lowest_log_density(count: int) -> float:
    """The log of the joint density of `count` priors, relative to its maximum, that a model uses at least.

    It is three standard deviations below the mean of draws from as many normal distributions, whose sum of squares is
    chi-squared. All points that the priors practically exclude are then equal. If each prior had a lowest density of
    its own, a model would still prefer the points that few of several wrong priors exclude (docs/study-file.md).
    """
    return -(count + 3 * math.sqrt(2 * count)) / 2


@dataclass(frozen=True)
class Prior:
    value: Value
    weight: Weight = "weak"

    @property
    def width(self) -> float:
        return WIDTH[self.weight]

    @property
    def odds(self) -> float:
        return ODDS[self.weight]

    def share(self, trials: int) -> float:
        """The share of random trials that are drawn from the prior. trials: the number of trials so far."""
        return TRIALS[self.weight] / (TRIALS[self.weight] + trials)

    def power(self, trials: int) -> float:
        """The exponent of its density for a model. trials: the number of trials so far."""
        return TRIALS[self.weight] / max(trials, 1)
