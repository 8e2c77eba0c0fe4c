"""GPU memory of a trial, and how many trials fit a GPU. Without a GPU: the functions of torch.cuda are replaced."""

from pathlib import Path

import pytest
import torch

from hpsearch.preflight.judge.checklist import cost
from hpsearch.preflight.measure import epochs
from hpsearch.preflight.measure.learning import LearningMeasurement
from hpsearch.workers.pools.in_process import InProcess
from tests.support.studies import setup

GIB = 1 << 30


def gpu(monkeypatch: pytest.MonkeyPatch, *, total: int, free: int, reserved: int, most: int) -> None:
    """In GiB, as torch.cuda would say. reserved, most: by torch in this process, now and at the most."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda _: None)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free * GIB, total * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: reserved * GIB)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: most * GIB)


def test_without_a_gpu_its_memory_is_zero() -> None:
    memory = epochs.memory("cpu", 0)
    assert memory.host > 50e6
    assert (memory.gpu, memory.gpu_total) == (0, 0)


def test_peak_reserved_memory_and_the_cuda_context(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu(monkeypatch, total=80, free=73, reserved=6, most=9)
    memory = epochs.memory("cuda", 0)
    assert (memory.gpu, memory.gpu_total) == (10 * GIB, 80 * GIB)


def test_memory_of_other_processes_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu(monkeypatch, total=80, free=20, reserved=6, most=9)
    assert epochs.memory("cuda", 0).gpu == 10 * GIB


@pytest.mark.parametrize(("gpus", "device"), [(0.0, "cpu"), (0.25, "cuda")])
def test_a_worker_measures_on_the_device_of_its_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: float, device: str
) -> None:
    gpu(monkeypatch, total=80, free=73, reserved=6, most=9)
    pool = InProcess(setup(tmp_path, "noop", gpus=gpus))
    found = pool.measure(LearningMeasurement({}, seed=0, epochs=3))
    assert found.failure is None
    assert found.memory.gpu == (10 * GIB if device == "cuda" else 0)
    assert cost(found).per_gpu == (7 if device == "cuda" else None), "nine tenths of 80 GiB"
