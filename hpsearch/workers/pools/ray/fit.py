"""How many workers fit on a cluster."""

import math
from collections.abc import Sequence

from hpsearch.core.errors import ResourcesError
from hpsearch.core.format import many
from hpsearch.workers.pools.ray.cluster import Cluster, cores

Node = dict[str, float]
"""A node's resources, by Ray's names."""


def worker_count(cluster: Cluster, nodes: Sequence[Node]) -> tuple[int, str]:
    """How many workers to start, at most the requested number, and a note for the user or "".

    ResourcesError where not even one fits.
    """
    amounts = {"CPU": cluster.cpus, "GPU": cluster.gpus, "memory": float(cluster.memory or 0)}
    wanted = {name: amount for name, amount in amounts.items() if amount}
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
