from itertools import islice

import pytest

from hpsearch.tracking.mlflow_tracker import CpuShare, backoff


def test_waits_double_up_to_a_minute():
    assert list(islice(backoff(), 8)) == [1, 2, 4, 8, 16, 32, 60, 60]


def test_throttle_reduces_cpu_time_to_the_share():
    clock = iter([100.0, 100.5, 100.5, 100.6, 100.6])
    waits: list[float] = []
    share = CpuShare(0.1, waits.append, lambda: next(clock))
    share.begin()
    share.throttle()
    share.throttle()
    assert waits == pytest.approx([4.5, 0.9])
