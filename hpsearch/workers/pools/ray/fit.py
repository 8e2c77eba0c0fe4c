"""How many workers fit on a cluster."""

import math
from collections.abc import Sequence

from hpsearch.core.errors import ResourcesError
from hpsearch.workers.pools.ray.cluster import Cluster, cores

Node = dict[str, float]
"""A node's resources, by Ray's names."""


def worker_count(cluster: Cluster, nodes: Sequence[Node]) -> tuple[int, str]:
    """How many workers to start, at most the requested number, and a note for the user or "".

    ResourcesError where not even one fits.
    """
    wanted = {"CPU": cluster.cpus, "GPU": cluster.gpus, "memory": float(cluster.memory or 0)}
    fits = sum(_fits_on(node, wanted) for node in nodes)
    if fits == 0:
        has = "; ".join(_described(node) for node in nodes) or "no node"
        raise ResourcesError(
            f"resources.per_trial asks for {_described(wanted)}, but {cluster.place} has {has}: "
            "lower resources.per_trial or set another resources.address"
        )
    asked = cluster.workers or fits
    if asked <= fits:
        return asked, ""
    return fits, (
        f"resources.workers = {asked}, but only {fits} with {_described(wanted)} each fit on {cluster.place}: "
        f"{fits} trials in parallel"
    )


def _fits_on(has: Node, wanted: Node) -> int:
    """How many trials fit on a node."""
    counts = [math.floor(has.get(name, 0.0) / amount + 1e-9) for name, amount in wanted.items() if amount > 0]
    return min(counts, default=cores())


def _described(resources: Node) -> str:
    parts = [f"{resources.get('CPU', 0):g} cpus", f"{resources.get('GPU', 0):g} gpus"]
    if resources.get("memory"):
        parts.append(f"{resources['memory'] / 2**30:.1f} GiB")
    return ", ".join(parts)
