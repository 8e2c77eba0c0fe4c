"""Every method proposes what it has always proposed: a study that was recorded before goes on as it would have.

assets/proposals.json has the proposals of each case of the contract with seed 5, three trials at once. A change of a
sampler, or of Optuna's, that changes them changes the studies of all users, and belongs into CHANGELOG.

assets/proposals_optuna_4.json has the cases that differ with Optuna 4. The multivariate TPE of Optuna 4 has one width
for all kernels of a parameter; that of Optuna 5 takes the distance to the neighbours.
"""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from hpsearch.core.decisions import New
from tests.samplers.test_contract import CASES

ASSETS = Path(__file__).parent / "assets"
RECORDED = json.loads((ASSETS / "proposals.json").read_text())
if version("optuna").startswith("4."):
    RECORDED |= json.loads((ASSETS / "proposals_optuna_4.json").read_text())


def test_every_case_is_recorded() -> None:
    assert RECORDED.keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_proposals_are_what_they_were(name: str) -> None:
    proposals = CASES[name].simulation(seed=5, parallel=3).run().proposals
    assert len(proposals) == len(RECORDED[name])
    for proposal, recorded in zip(proposals, RECORDED[name], strict=True):
        if isinstance(proposal, New):
            assert dict(proposal.params) == {
                key: pytest.approx(value, rel=1e-6) if type(value) in (int, float) else value
                for key, value in recorded.items()
            }
        else:
            assert {"resume": proposal.number, "until": proposal.until} == recorded
