"""`run --wait` and `--no-wait` on a cluster that other jobs use, or that gets its nodes later."""

import time
from collections.abc import Iterator

import pytest

from tests.chaos.ray_nodes import Cluster
from tests.chaos.scenario import Driver, Scenario, Scenarios

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600), pytest.mark.xdist_group("ray")]


@pytest.fixture
def cluster(scenario: Scenario) -> Iterator[Cluster]:
    """A head with one CPU."""
    cluster = Cluster(scenario, cpus=1)
    try:
        yield cluster
    finally:
        cluster.close()


def written(scenario: Scenario, address: str, *, cpus: int = 1, pace: float = 0.0) -> None:
    scenario.cli.study(
        'method = "random"\ntrials = 1',
        trainer="tests.chaos.misbehaving_trainers:network",
        epochs=40,
        options=f"pace = {pace}",
    )
    scenario.cli.change(('address = "none"', f'address = "{address}"\nper_trial = {{ cpus = {cpus} }}'))


def occupied(scenario: Scenario, scenarios: Scenarios, cluster: Cluster) -> tuple[Driver, Scenario]:
    """The run that uses the cluster's CPU for 40 s, and another scenario for the same cluster."""
    written(scenario, cluster.address, pace=1.0)
    first = scenario.start()
    scenario.until(lambda: scenario.cli.epoch_log.exists(), first)
    second = scenarios()
    second.variables |= scenario.variables
    return first, second


def test_one_that_is_busy(scenario: Scenario, scenarios: Scenarios, cluster: Cluster) -> None:
    first, second = occupied(scenario, scenarios, cluster)
    written(second, cluster.address)
    refused = second.start("run", "study.toml", "--no-wait").ended(100)
    assert refused.code == 5
    assert "has no room for a trial: other jobs use it" in refused.err
    assert "--wait 1h" in refused.err
    refused = second.start("run", "study.toml", "--wait", "4s").ended(100)
    assert refused.code == 5
    assert "has no room for a trial after 4s" in refused.err
    waiting = second.start("run", "study.toml", "--wait", "10m")
    assert first.ended(200).code == 0
    ended = waiting.ended(200)
    assert ended.code == 0
    assert f"waiting up to 10m00s for room on the cluster at {cluster.address}" in ended.err
    assert [trial["state"] for trial in second.export()["trials"]] == ["COMPLETE"]


def test_one_that_is_busy_for_a_client(scenario: Scenario, scenarios: Scenarios, cluster: Cluster) -> None:
    first, second = occupied(scenario, scenarios, cluster)
    written(second, cluster.client)
    refused = second.start("run", "study.toml", "--no-wait").ended(100)
    assert refused.code == 5, refused.err
    assert "has no room for a trial: other jobs use it" in refused.err
    assert first.ended(200).code == 0
    assert second.start("run", "study.toml", "--no-wait").ended(200).code == 0


def test_one_that_gets_a_larger_node(scenario: Scenario, cluster: Cluster) -> None:
    written(scenario, cluster.address, cpus=2)
    for words in (), ("--no-wait",), ("--wait", "2s"):
        refused = scenario.start("run", "study.toml", *words).ended(100)
        assert refused.code == 2
        assert "resources.per_trial asks for 2 CPUs" in refused.err
    waiting = scenario.start("run", "study.toml", "--wait", "10m")
    time.sleep(5.0)
    cluster.add(2)
    assert waiting.ended(200).code == 0
