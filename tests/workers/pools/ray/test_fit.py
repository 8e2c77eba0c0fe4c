import pytest

from hpsearch.core.errors import ResourcesError
from hpsearch.workers.pools.ray.cluster import Cluster
from hpsearch.workers.pools.ray.fit import worker_count

GIB = float(1 << 30)
TWO_NODES = [{"CPU": 4.0, "GPU": 1.0, "memory": 16 * GIB}, {"CPU": 3.0, "memory": 4 * GIB}]


@pytest.mark.parametrize(
    ("trial", "count"),
    [
        ({}, 7),
        ({"cpus": 2.0}, 3),  # 2 on the first node and 1 on the second: what is left of both is no place
        ({"cpus": 0.1}, 70),
        ({"gpus": 1.0}, 1),
        ({"gpus": 0.25}, 4),
        ({"memory": int(4 * GIB)}, 5),
        ({"cpus": 3.0, "memory": int(5 * GIB)}, 1),
    ],
)
def test_as_many_as_the_scarcest_resource_of_each_node_has_room_for(trial: dict[str, float], count: int) -> None:
    assert worker_count(Cluster(**trial), TWO_NODES) == (count, "")  # type: ignore[arg-type]


@pytest.mark.parametrize("asked", [1, 6, 7])
def test_as_many_as_are_asked_for_where_they_fit(asked: int) -> None:
    assert worker_count(Cluster(workers=asked), TWO_NODES) == (asked, "")


def test_more_than_fit_are_fewer_with_a_note() -> None:
    count, note = worker_count(Cluster(workers=8), TWO_NODES)
    assert count == 7
    assert note.endswith(" has resources for only 7 trials in parallel, 1 CPU each")


@pytest.mark.parametrize(
    ("trial", "nodes", "has"),
    [
        ({"cpus": 5.0}, TWO_NODES, "4 CPUs, 1 GPU, 16.0 GiB memory; 3 CPUs, 0 GPUs, 4.0 GiB memory"),
        ({"gpus": 1.01}, TWO_NODES, "4 CPUs, 1 GPU, 16.0 GiB memory; 3 CPUs, 0 GPUs, 4.0 GiB memory"),
        ({}, [], "no node"),
    ],
)
def test_what_never_fits_is_refused(trial: dict[str, float], nodes: list[dict[str, float]], has: str) -> None:
    with pytest.raises(ResourcesError) as caught:
        worker_count(Cluster("10.0.0.1:6379", **trial), nodes)  # type: ignore[arg-type]
    assert f"the cluster at 10.0.0.1:6379 has {has}: " in str(caught.value)
