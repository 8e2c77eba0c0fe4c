"""FAULTS rows 5 and 8: a cluster loses a node, its head, or all; a node that was cut off comes back."""

import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.misbehaving_trainers import pids
from tests.chaos.ray_nodes import Cluster, undisturbed
from tests.chaos.scenario import AHEAD, Driver, Process, Scenario, add_summary

EPOCHS = 40

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600), pytest.mark.xdist_group("ray")]


@pytest.fixture
def cluster(scenario: Scenario) -> Iterator[Cluster]:
    """A head and one node more, a cpu each."""
    cluster = Cluster(scenario, cpus=1)
    try:
        cluster.add(1)
        yield cluster
    finally:
        cluster.close()


def written(scenario: Scenario, address: str, *, trials: int = 4, epochs: int = EPOCHS, pace: float = 0.1) -> None:
    scenario.cli.study(
        f'method = "random"\ntrials = {trials}',
        trainer="tests.chaos.misbehaving_trainers:network",
        epochs=epochs,
        options=f"pace = {pace}",
        more="[limits]\nretries = 3\n",
    )
    scenario.cli.change(('address = "none"', f'address = "{address}"\nworkers = 2'))


def two_at_work(scenario: Scenario) -> Driver:
    """A driver with a trial on each node."""
    driver = scenario.start()
    scenario.until(lambda: len({pid for _, _, pid, _ in pids(scenario.cli.epoch_log)}) == 2, driver)
    return driver


def trials_of(scenario: Scenario, node: set[Process]) -> set[int]:
    """The seeds of the trials that a node has trained."""
    its = {process.pid for process in node}
    return {seed for seed, _, pid, _ in pids(scenario.cli.epoch_log) if pid in its}


def trained_since(scenario: Scenario, seeds: set[int], since: float, but_not_by: set[Process]) -> bool:
    """Whether each of these trials has trained an epoch elsewhere."""
    others = {process.pid for process in but_not_by}
    lines = [one for one in pids(scenario.cli.epoch_log) if one[3] > since and one[2] not in others]
    return seeds <= {seed for seed, _, _, _ in lines}


def finished(scenario: Scenario, driver: Driver, trials: int = 4) -> list[dict[str, Any]]:
    answer = driver.ended(300)
    assert answer.code == 0, answer.err
    done = scenario.export()["trials"]
    assert [one["state"] for one in done] == ["COMPLETE"] * trials
    assert [one["curve"] for one in done] == undisturbed(scenario)
    return list(done)


def test_a_node_is_lost(scenario: Scenario, cluster: Cluster) -> None:
    written(scenario, cluster.address)
    driver, finished_results = two_at_work(scenario), scenario.finished_results()
    node = cluster.nodes[1].processes()
    lost = trials_of(scenario, node)
    cluster.nodes[1].signal(signal.SIGKILL)
    fell = time.time()
    scenario.until(lambda: trained_since(scenario, lost, fell, node), driver)
    took = time.time() - fell
    finished_results.check_unchanged()
    trials = finished(scenario, driver)
    finished_results.check_unchanged()
    assert sorted(one["attempts"] for one in trials) == [1, 1, 1, 1]
    scenario.check(budget=4, kills=1, concurrency=AHEAD)
    add_summary(
        "5", "SIGKILL to one of two nodes", its_trial_went_on_after_s=round(took, 1), epochs_redone=scenario.retrained()
    )
    assert took < 60


def test_a_node_is_cut_off_and_comes_back(scenario: Scenario, cluster: Cluster) -> None:
    """It is silent for so long that Ray declares it dead (a minute, by its own clock); then its orphan continues.

    What the orphan writes is in tests/workers/test_worker_claim.py; here nothing of it may be seen.
    """
    written(scenario, cluster.address, pace=0.5)
    driver, finished_results = two_at_work(scenario), scenario.finished_results()
    node = cluster.nodes[1].signal(signal.SIGSTOP)
    cut, lost = time.time(), trials_of(scenario, node)
    scenario.until(lambda: trained_since(scenario, lost, cut, node), driver, 180)
    took = time.time() - cut
    finished_results.check_unchanged()
    orphans = {process for process in node if process.pid in {pid for _, _, pid, _ in pids(scenario.cli.epoch_log)}}
    for orphan in orphans:
        orphan.kill(signal.SIGCONT)
    time.sleep(5)  # its epoch ends, which it reports and tries to save
    cluster.nodes[1].signal(signal.SIGCONT)
    trials = finished(scenario, driver)
    finished_results.check_unchanged()
    assert len(orphans) == 1
    assert sorted(one["attempts"] for one in trials) == [1, 1, 1, 1]
    scenario.check(budget=4)
    add_summary("5, 8", "one of two nodes cut off, given up, back again", its_trial_went_on_after_s=round(took, 1))


@pytest.mark.parametrize("how", ["gcs", "client"])
def test_all_nodes_are_lost(scenario: Scenario, cluster: Cluster, how: str) -> None:
    """The driver says so before Ray would end it without a word, after 60 s."""
    written(scenario, cluster.address if how == "gcs" else cluster.client)
    driver, finished_results = two_at_work(scenario), scenario.finished_results()
    for node in cluster.nodes:
        node.signal(signal.SIGKILL)
    fell = time.time()
    answer = driver.ended(100)
    took = time.time() - fell
    assert answer.code == 5, answer.err
    assert "run the same command again to continue" in answer.err
    finished_results.check_unchanged()
    scenario.check(budget=4)
    scenario.cli.change((f'address = "{cluster.address if how == "gcs" else cluster.client}"', 'address = "none"'))
    assert scenario.finish().code == 0
    finished_results.check_unchanged()
    scenario.check(budget=4, kills=1, concurrency=2 * AHEAD)
    assert [one["curve"] for one in scenario.export()["trials"]] == undisturbed(scenario)
    add_summary("5", f"SIGKILL to all nodes, address {how}", driver_ended_after_s=round(took, 1), exit_code=5)


def test_the_node_with_the_cpus_is_lost(scenario: Scenario) -> None:
    """The cluster lives, and has nothing to train with: after two minutes that is said."""
    cluster = Cluster(scenario, cpus=0)
    try:
        cluster.add(2)
        written(scenario, cluster.address)
        driver, finished_results = two_at_work(scenario), scenario.finished_results()
        cluster.nodes[1].signal(signal.SIGKILL)
        fell = time.time()
        answer = driver.ended(200)
        assert answer.code == 5, answer.err
        assert "no worker was ready within 120 s" in answer.err
        took = time.time() - fell
        cluster.add(2)
        answer = scenario.finish(timeout=200)
        finished_results.check_unchanged()
        scenario.check(budget=4, kills=1, concurrency=2 * AHEAD)
        assert [one["curve"] for one in scenario.export()["trials"]] == undisturbed(scenario)
        add_summary("5", "SIGKILL to the only node with cpus", driver_ended_after_s=round(took, 1), exit_code=5)
    finally:
        cluster.close()
