"""What a trial's process asks of its system."""

import mmap
import resource
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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


@pytest.mark.parametrize(("enabled", "is_used"), [("always [madvise] never", True), ("always madvise [never]", False)])
def test_huge_pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, enabled: str, is_used: bool) -> None:
    """Only whole huge pages of this process's own memory, and not where the system forbids them."""
    size, moved = 1 << 16, list[int]()
    (tmp_path / "hpage_pmd_size").write_text(f"{size}\n")
    (tmp_path / "enabled").write_text(enabled)
    memory = mmap.mmap(-1, 16 * size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def madvise(start: Any, length: Any, advice: int) -> None:
        assert (start.value % size, length.value % size, advice) == (0, 0, linux.MADV_COLLAPSE)
        moved.append(length.value)

    monkeypatch.setattr(linux, "HUGE_PAGES", tmp_path)
    monkeypatch.setattr(linux, "_libc", SimpleNamespace(madvise=madvise))
    linux.use_huge_pages()
    memory.close()
    assert (max(moved, default=0) >= 15 * size) == is_used
