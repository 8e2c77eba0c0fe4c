"""SIGKILL between the end of a trial and the removal of its checkpoints: the next run removes them."""

import pytest

from tests.chaos.scenario import Scenario

TRIALS = 6


def have(scenario: Scenario) -> list[int]:
    """The trials with a file of a checkpoint, whole or not."""
    files = scenario.folder.glob(".hpsearch/studies/*/checkpoints/*/*.pt*")
    return sorted({int(path.parent.name) for path in files})


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("before-remove:1", id="the first removal"),
        pytest.param("after-remove:2", id="the second, when it is done", marks=pytest.mark.chaos),
        pytest.param("before-remove:5", id="the last trial is recorded as ended", marks=pytest.mark.chaos),
        pytest.param("before-remove:8", id="the pool has closed", marks=pytest.mark.chaos),
        pytest.param(
            "after-batch-commit:8", id="an end is recorded, and nothing was done yet", marks=pytest.mark.chaos
        ),
    ],
)
def test_killed(scenario: Scenario, point: str) -> None:
    scenario.cli.study(f'method = "random"\ntrials = {TRIALS}', more='[checkpoints]\nkeep = "best"\n')
    assert scenario.start(fail=point).ended().code == -9
    finished = scenario.finished_results()
    scenario.finish(most=1)
    finished.check_unchanged()
    scenario.check(budget=TRIALS, kills=1)
    trials = scenario.export()["trials"]
    assert have(scenario) == [min(trials, key=lambda one: one["value"])["number"]]
