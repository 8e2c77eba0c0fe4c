"""A search that is killed at a random time, and continued by another process, comes to the same.

`python -m tests.benchmarks.bench_kills` does it as often as you like, for all seeds.
"""

import pytest

from tests.support.simulated_kills import SEARCHES, killed_and_continued, uninterrupted


@pytest.mark.parametrize("name", SEARCHES)
def test_a_killed_search_comes_to_the_same(name: str) -> None:
    whole = uninterrupted(name, 1)
    assert killed_and_continued(name, 1, 26) == whole
