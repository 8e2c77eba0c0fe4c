"""Every method proposes what it has always proposed: a study that was recorded before goes on as it would have.

assets/proposals.json has the proposals of each case of the contract with seed 5, three trials at once. A change of a
sampler, or of Optuna's, that changes them changes the studies of all users, and belongs into CHANGELOG.
"""

import json
from pathlib import Path

import pytest

from hpsearch.core.decisions import New
from tests.samplers.test_contract import CASES

RECORDED = json.loads((Path(__file__).parent / "assets" / "proposals.json").read_text())


def test_every_case_is_recorded() -> None:
    assert RECORDED.keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_proposals_are_what_they_were(name: str) -> None:
    proposals = CASES[name].simulation(seed=5, parallel=3).run().proposals
    assert len(proposals) == len(RECORDED[name])
    for proposal, recorded in zip(proposals, RECORDED[name], strict=True):
        if isinstance(proposal, New):
            assert dict(proposal.params) == {
                key: pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
                for key, value in recorded.items()
            }
        else:
            assert {"resume": proposal.number, "until": proposal.until} == recorded
