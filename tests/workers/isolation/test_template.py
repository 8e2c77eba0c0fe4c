"""What the template decides and imports, in a Python of its own."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hpsearch.core.messages import Reported, Start
from hpsearch.trainer import state
from hpsearch.workers.isolation import fork_safety, shared_imports
from hpsearch.workers.worker import Worker
from tests.support.studies import ROOT, setup

IMPORTS = """
import sys
from pathlib import Path
from hpsearch.workers.isolation import fork_safety, shared_imports
from tests.support.studies import setup

{first}
shared_imports.import_everything(setup(Path(), "{trainer}"))
print("torch._dynamo" in sys.modules, repr(fork_safety.spawn_reason()))
"""


def imported(trainer: str, first: str = "") -> str:
    code = IMPORTS.format(trainer=trainer, first=first)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("trainer", ["torch_toy:train", "loading_toys:train"])
def test_what_the_first_optimizer_and_checkpoint_import_is_imported_before(trainer: str) -> None:
    """It takes seconds, which each trial would need anew."""
    assert imported(trainer) == "True ''"


def test_the_trials_that_compute_nothing_succeed_and_leave_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Their failure would only be seen as slower starts."""
    reported: list[Reported] = []

    class Recorded(Worker):
        def start(self, start: Start) -> Reported:
            reported.append(super().start(start))
            return reported[-1]

    monkeypatch.setattr(shared_imports, "Worker", Recorded)
    before, random = dict(os.environ), state.random_state()
    shared_imports._rehearse(setup(tmp_path, "toys:train"))
    state.set_random_state(random)
    assert [(one.failure, one.ended, len(one.reports)) for one in reported] == [(None, True, 1)] * len(reported) != []
    assert dict(os.environ) == before
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_threads_of_pyarrow_and_openblas_do_not_hinder_a_fork() -> None:
    assert imported("loading_toys:train", "import pandas, pyarrow, scipy.linalg") == "True ''"


@pytest.mark.slow
def test_a_thread_of_a_c_library_does() -> None:
    """One that Python does not know of, as torch starts it for a computation on several threads."""
    compute = "import torch; torch.set_num_threads(2); torch.ones(2000, 2000).exp().sum()"
    assert "a C library started a thread" in imported("loading_toys:train", compute)


def test_an_import_that_initialises_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fork_safety.linux, "open_devices", lambda: {fork_safety.CUDA_DEVICE})
    assert "CUDA" in fork_safety.spawn_reason()


@pytest.mark.parametrize("devices", [0, 1])
def test_a_bad_fork_counts_only_where_there_is_a_gpu(monkeypatch: pytest.MonkeyPatch, devices: int) -> None:
    """A CUDA build of torch reports a bad fork also on a machine without a GPU, once `cuda.is_available` was called."""
    cuda = SimpleNamespace(device_count=lambda: devices)
    torch = SimpleNamespace(_C=SimpleNamespace(_cuda_isInBadFork=lambda: True), cuda=cuda)
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert fork_safety._fork_keeps_cuda() == (devices == 0)
