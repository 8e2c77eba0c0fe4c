"""How many workers fit on a cluster, and when the first one does."""

import math
import time
from collections.abc import Sequence

from ray.util.placement_group import placement_group, remove_placement_group

from hpsearch.core.errors import PoolError, ResourcesError
from hpsearch.core.format import duration, many
from hpsearch.core.stopping import RESUME
from hpsearch.workers.pools.ray.cluster import Cluster, RaySession, cores

PLACING_TIME = 3.0
"""Seconds in which Ray places what there is room for."""

Node = dict[str, float]
"""A node's resources, by Ray's names."""


def wait_for_room(cluster: Cluster, session: RaySession) -> None:
    """Waits up to `cluster.wait` seconds until a running cluster has room for a trial: other jobs end, nodes join. Ray
    tells an autoscaler of a placement group that waits. 0: not longer than Ray takes to place it. None: no wait here.

    PoolError where there is no room, ResourcesError where no node is large enough.
    """
    if cluster.wait is None or cluster.address == "local":
        return
    deadline = time.monotonic() + max(cluster.wait, PLACING_TIME)
    if cluster.wait == 0:
        worker_count(cluster, session.nodes())
    group = placement_group([cluster.of_one_trial])
    try:
        while not group.wait(1):
            session.check()
            if time.monotonic() > deadline:
                worker_count(cluster, session.nodes())
                waited = f" after {duration(cluster.wait)}" if cluster.wait else ""
                raise PoolError(
                    f"{cluster.place} has no room for a trial{waited}: other jobs use it, see `ray status`; "
                    f"{RESUME}, or wait longer with --wait, such as --wait 1h"
                )
    finally:
        remove_placement_group(group)


def worker_count(cluster: Cluster, nodes: Sequence[Node]) -> tuple[int, str]:
    """How many workers to start, at most the requested number, and a note for the user or "".

    ResourcesError where not even one fits.
    """
    wanted = cluster.of_one_trial
    fits = sum(_fits_on(node, wanted) for node in nodes)
    if fits == 0:
        has = "; ".join(_described({"GPU": 0.0, **node}) for node in nodes) or "no node"
        raise ResourcesError(
            f"resources.per_trial asks for {_described(wanted)}, but {cluster.place} has {has}: "
            "lower resources.per_trial or set another resources.address"
        )
    asked = cluster.workers or fits
    if asked <= fits:
        return asked, ""
    return fits, (
        f"resources.workers = {asked}, but {cluster.place} has resources for only {many(fits, 'trial')} in parallel, "
        f"{_described(wanted)} each"
    )


def _fits_on(has: Node, wanted: Node) -> int:
    """How many trials fit on a node."""
    counts = [math.floor(has.get(name, 0.0) / amount + 1e-9) for name, amount in wanted.items() if amount > 0]
    return min(counts, default=cores())


def _described(resources: Node) -> str:
    """1 CPU, 2 GPUs, 16.0 GiB memory"""
    parts = [_counted(resources[name], name) for name in ("CPU", "GPU") if name in resources]
    if resources.get("memory"):
        parts.append(f"{resources['memory'] / 2**30:.1f} GiB memory")
    return ", ".join(parts)


def _counted(amount: float, unit: str) -> str:
    return f"{amount:g} {unit}" if 0 < amount <= 1 else f"{amount:g} {unit}s"
