"""What a trial's process asks of its system."""

import resource

import pytest

from hpsearch.workers.isolation import linux

NO_LIMIT = resource.RLIM_INFINITY


@pytest.mark.parametrize(("limit", "own"), [((700, 900), (600, 900)), ((150, 900), None), ((NO_LIMIT, NO_LIMIT), None)])
def test_a_trial_leaves_processes_to_others(
    monkeypatch: pytest.MonkeyPatch, limit: tuple[int, int], own: tuple[int, int] | None
) -> None:
    """Not where the limit is so low that the trial would have none itself."""
    done: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limit)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: done.append(limits))
    linux.spare_processes()
    assert done == ([] if own is None else [own])
