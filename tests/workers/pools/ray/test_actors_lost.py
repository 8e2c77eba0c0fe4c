"""What a pool on Ray reports of lost workers and lost connections, without a Ray."""

from types import SimpleNamespace
from typing import Any

import pytest

from hpsearch.core.errors import PoolError
from hpsearch.core.messages import Lost
from hpsearch.workers.pools.ray.actors import LOST_DELAY, RayActors


@pytest.fixture
def pool() -> Any:
    return object.__new__(RayActors)


def test_a_lost_connection_says_what_to_do(pool: Any) -> None:
    """Ray's client raises ConnectionError, which is an OSError: it is no fault of a disk."""
    pool._problem = ConnectionError("Failed to reconnect within the reconnection grace period (30s)")
    with pytest.raises(PoolError, match=r"no longer reachable \(Failed .*\): run the same command again to continue"):
        pool.events(0.0)


@pytest.mark.parametrize("node_has_died", [True, False])
def test_a_worker_that_ended_just_before_its_node_was_lost_with_it(
    pool: Any, monkeypatch: pytest.MonkeyPatch, node_has_died: bool
) -> None:
    pool._unconfirmed = [(100.0, Lost(3, "its worker died"), "the actor")]
    pool._session = SimpleNamespace(check=lambda **_: None, node_has_died=lambda _: node_has_died)
    now = 100.0 + LOST_DELAY / 2
    monkeypatch.setattr("hpsearch.workers.pools.ray.actors.time.monotonic", lambda: now)
    assert pool._with_confirmed_losses([]) == []
    now = 100.0 + LOST_DELAY
    assert pool._with_confirmed_losses([]) == [Lost(3, "its worker died", outside=node_has_died)]
    assert pool._unconfirmed == []
