"""Contract tests for samplers, pruners and trackers. hpsearch's own pass them, and yours must pass them too.

    class TestMine(SamplerContract):
        @pytest.fixture
        def case(self) -> SamplerCase:
            return SamplerCase.of(Mine)

It needs pytest: `pip install "hpsearch[testing]"`.
"""

import pytest

for _module in ("sampler_contract", "pruner_contract", "tracker_contract"):
    pytest.register_assert_rewrite(f"hpsearch.testing.{_module}")  # a failed assertion shows its values

from hpsearch.testing.pruner_contract import (  # noqa: E402
    EPOCHS,
    ComparingPrunerContract,
    MakePruner,
    PausingPrunerContract,
    PrunerContract,
)
from hpsearch.testing.sampler_contract import CONDITIONAL, DISCRETE, SamplerCase, SamplerContract  # noqa: E402
from hpsearch.testing.simulation import Simulation  # noqa: E402
from hpsearch.testing.tracker_contract import TrackerContract  # noqa: E402

__all__ = [
    "CONDITIONAL",
    "DISCRETE",
    "EPOCHS",
    "ComparingPrunerContract",
    "MakePruner",
    "PausingPrunerContract",
    "PrunerContract",
    "SamplerCase",
    "SamplerContract",
    "Simulation",
    "TrackerContract",
]
