"""What a user expects of a parameter: `prior = { value = 1e-3, weight = "strong" }` in [space].

On the axis of a number it is a normal distribution around the value, cut off at the ends of the range; of a choice, the
value has `ODDS` times the probability of every other one. A search uses it as piBO does (Hvarfner et al. 2022, arXiv
2204.11051): new trials are preferred where it is large, by a factor that falls with the number of trials, so that a
wrong prior costs trials at the beginning and no more.
"""

from dataclasses import dataclass
from typing import Literal

from hpsearch.core.trial import Value

Weight = Literal["weak", "strong"]

WIDTH = {"weak": 0.2, "strong": 0.1}
"""The standard deviation, as a fraction of the axis."""

ODDS = {"weak": 3.0, "strong": 10.0}

TRIALS = {"weak": 5.0, "strong": 10.0}
"""After so many trials, half of the random ones are drawn from the prior. In the preference of a model, its density has
this number as the power, divided by the number of trials (the beta of piBO)."""

FLOOR = 0.02
"""In the preference of a model, the density is nowhere lower than this fraction of its maximum: the model can overcome
a strong prior that is far off within tens of trials."""


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
        """Of random trials, those that are drawn from it, after so many trials."""
        return TRIALS[self.weight] / (TRIALS[self.weight] + trials)

    def power(self, trials: int) -> float:
        """Of its density, in the preference of a model."""
        return TRIALS[self.weight] / max(trials, 1)
