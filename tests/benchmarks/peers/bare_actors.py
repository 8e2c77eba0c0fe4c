"""The limit: two long-lived Ray actors, a call a report (or a trial of one epoch) with a decision, and nothing else.

python -m tests.benchmarks.peers.bare_actors CALLS
"""

import json
import math
import sys
import time
from typing import Any

import ray

from tests.benchmarks.peers.local_ray import local_ray
from tests.benchmarks.processes import rate


class Actor:
    def __init__(self) -> None:
        self.epoch = 0

    def report(self) -> tuple[int, dict[str, float]]:
        self.epoch += 1
        return self.epoch, {"val_loss": 1.0 / self.epoch}


def calls_per_second(calls: int) -> float:
    actors: list[Any] = [ray.remote(Actor).options(num_cpus=1).remote() for _ in range(2)]
    ray.get([actor.report.remote() for actor in actors])  # both are up
    pending = {actor.report.remote(): actor for actor in actors}
    moments: list[float] = []
    while len(moments) < calls:
        for call in ray.wait(list(pending), num_returns=1)[0]:
            actor = pending.pop(call)
            _, metrics = ray.get(call)
            if math.isfinite(metrics["val_loss"]):  # the decision
                pending[actor.report.remote()] = actor
            moments.append(time.perf_counter())
    return rate(moments)


if __name__ == "__main__":
    with local_ray():
        print(json.dumps(calls_per_second(int(sys.argv[1]))))
