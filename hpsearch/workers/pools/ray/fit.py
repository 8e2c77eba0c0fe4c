"""How many workers fit on a cluster."""

import math
from collections.abc import Sequence

from hpsearch.core.errors import ResourcesError
from hpsearch.workers.pools.ray.cluster import Cluster, cores

Node = dict[str, float]
"""What a node has, by Ray's names."""


def fitting(cluster: Cluster, nodes: Sequence[Node]) -> tuple[int, str]:
    """How many workers fit, at most as many as are asked for, and what a person should know about that, or "".

    ResourcesError where not one ever will.
    """
    wanted = {"CPU": cluster.cpus, "GPU": cluster.gpus, "memory": float(cluster.memory or 0)}
    fits = sum(_fits_on(node, wanted) for node in nodes)
    if fits == 0:
        has = "; ".join(_described(node) for node in nodes) or "no node"
        raise ResourcesError(
            f"resources.per_trial asks for {_described(wanted)}, and {cluster.place} has {has}: "
            "ask for less, or for another address"
        )
    asked = cluster.workers or fits
    if asked <= fits:
        return asked, ""
    return fits, (
        f"resources.workers = {asked}, but {cluster.place} fits {fits} with {_described(wanted)} each: "
        f"{fits} in parallel"
    )


def _fits_on(has: Node, wanted: Node) -> int:
    """How many trials."""
    counts = [math.floor(has.get(name, 0.0) / amount + 1e-9) for name, amount in wanted.items() if amount > 0]
    return min(counts, default=cores())


def _described(resources: Node) -> str:
    parts = [f"{resources.get('CPU', 0):g} cpus", f"{resources.get('GPU', 0):g} gpus"]
    if resources.get("memory"):
        parts.append(f"{resources['memory'] / 2**30:.1f} GiB")
    return ", ".join(parts)
