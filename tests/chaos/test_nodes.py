"""FAULTS rows 5 and 8: a cluster loses a node, its head, or all; a node that was cut off comes back."""

import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.kit import Driver, Process, Scene, tally
from tests.chaos.ray_kit import Cluster, undisturbed
from tests.chaos.wild import pids

EPOCHS = 40

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600), pytest.mark.xdist_group("ray")]


@pytest.fixture
def cluster(scene: Scene) -> Iterator[Cluster]:
    """A head and one node more, a cpu each."""
    cluster = Cluster(scene, cpus=1)
    try:
        cluster.add(1)
        yield cluster
    finally:
        cluster.close()


def written(scene: Scene, address: str, *, trials: int = 4, epochs: int = EPOCHS, pace: float = 0.1) -> None:
    scene.desk.study(
        f'method = "random"\ntrials = {trials}',
        trainer="tests.chaos.wild:network",
        epochs=epochs,
        options=f"pace = {pace}",
        more="[limits]\nretries = 3\n",
    )
    scene.desk.change(('address = "none"', f'address = "{address}"\nworkers = 2'))


def two_at_work(scene: Scene) -> Driver:
    """A driver with a trial on each node."""
    driver = scene.start()
    scene.until(lambda: len({pid for _, _, pid, _ in pids(scene.desk.diary)}) == 2, driver)
    return driver


def trials_of(scene: Scene, node: set[Process]) -> set[int]:
    """The seeds of the trials that a node has trained."""
    its = {process.pid for process in node}
    return {seed for seed, _, pid, _ in pids(scene.desk.diary) if pid in its}


def trained_since(scene: Scene, seeds: set[int], since: float, but_not_by: set[Process]) -> bool:
    """Whether each of these trials has trained an epoch elsewhere."""
    others = {process.pid for process in but_not_by}
    lines = [one for one in pids(scene.desk.diary) if one[3] > since and one[2] not in others]
    return seeds <= {seed for seed, _, _, _ in lines}


def finished(scene: Scene, driver: Driver, trials: int = 4) -> list[dict[str, Any]]:
    answer = driver.ended(300)
    assert answer.code == 0, answer.err
    done = scene.export()["trials"]
    assert [one["state"] for one in done] == ["COMPLETE"] * trials
    assert [one["curve"] for one in done] == undisturbed(scene)
    return list(done)


def test_a_node_is_lost(scene: Scene, cluster: Cluster) -> None:
    written(scene, cluster.address)
    driver, witness = two_at_work(scene), scene.witness()
    node = cluster.nodes[1].processes()
    lost = trials_of(scene, node)
    cluster.nodes[1].signal(signal.SIGKILL)
    fell = time.time()
    scene.until(lambda: trained_since(scene, lost, fell, node), driver)
    took = time.time() - fell
    witness.look()
    trials = finished(scene, driver)
    witness.look()
    assert sorted(one["attempts"] for one in trials) == [1, 1, 1, 2]
    scene.check(budget=4, kills=1, concurrency=1)
    tally("5", "SIGKILL to one of two nodes", its_trial_went_on_after_s=round(took, 1), epochs_redone=scene.redone())
    assert took < 60


def test_a_node_is_cut_off_and_comes_back(scene: Scene, cluster: Cluster) -> None:
    """Nobody hears of it for so long that Ray gives it up (a minute, by its own clock); then its orphan goes on.

    What the orphan writes is in tests/workers/test_worker_claim.py; here nothing of it may be seen.
    """
    written(scene, cluster.address, pace=0.5)
    driver, witness = two_at_work(scene), scene.witness()
    node = cluster.nodes[1].signal(signal.SIGSTOP)
    cut, lost = time.time(), trials_of(scene, node)
    scene.until(lambda: trained_since(scene, lost, cut, node), driver, 180)
    took = time.time() - cut
    witness.look()
    orphans = {process for process in node if process.pid in {pid for _, _, pid, _ in pids(scene.desk.diary)}}
    for orphan in orphans:
        orphan.kill(signal.SIGCONT)
    time.sleep(5)  # its epoch ends, which it tells and wants to keep
    cluster.nodes[1].signal(signal.SIGCONT)
    trials = finished(scene, driver)
    witness.look()
    assert len(orphans) == 1
    assert sorted(one["attempts"] for one in trials) == [1, 1, 1, 2]
    scene.check(budget=4)
    tally("5, 8", "one of two nodes cut off, given up, back again", its_trial_went_on_after_s=round(took, 1))


@pytest.mark.parametrize("how", ["gcs", "client"])
def test_all_nodes_are_lost(scene: Scene, cluster: Cluster, how: str) -> None:
    """The driver says so before Ray would end it without a word, after 60 s."""
    written(scene, cluster.address if how == "gcs" else cluster.client)
    driver, witness = two_at_work(scene), scene.witness()
    for node in cluster.nodes:
        node.signal(signal.SIGKILL)
    fell = time.time()
    answer = driver.ended(100)
    took = time.time() - fell
    assert answer.code == 5, answer.err
    assert "run the same command again to go on" in answer.err
    witness.look()
    scene.check(budget=4)
    scene.desk.change((f'address = "{cluster.address if how == "gcs" else cluster.client}"', 'address = "none"'))
    assert scene.finish().code == 0
    witness.look()
    scene.check(budget=4, kills=1, concurrency=2)
    assert [one["curve"] for one in scene.export()["trials"]] == undisturbed(scene)
    tally("5", f"SIGKILL to all nodes, address {how}", driver_ended_after_s=round(took, 1), exit_code=5)


def test_the_node_with_the_cpus_is_lost(scene: Scene) -> None:
    """The cluster lives, and has nothing to train with: after two minutes that is said."""
    cluster = Cluster(scene, cpus=0)
    try:
        cluster.add(2)
        written(scene, cluster.address)
        driver, witness = two_at_work(scene), scene.witness()
        cluster.nodes[1].signal(signal.SIGKILL)
        fell = time.time()
        answer = driver.ended(200)
        assert answer.code == 5, answer.err
        assert "no worker came up within 120 s" in answer.err
        took = time.time() - fell
        cluster.add(2)
        answer = scene.finish(timeout=200)
        witness.look()
        scene.check(budget=4, kills=1, concurrency=2)
        assert [one["curve"] for one in scene.export()["trials"]] == undisturbed(scene)
        tally("5", "SIGKILL to the only node with cpus", driver_ended_after_s=round(took, 1), exit_code=5)
    finally:
        cluster.close()
