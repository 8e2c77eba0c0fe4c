"""The check of a trainer in a process of its own, which something else may kill."""

import os
from pathlib import Path

import pytest

from hpsearch.core.errors import TrainerError
from hpsearch.core.messages import Lost
from hpsearch.workers.isolation.isolated_worker import IMPORTS_KILLED, IsolatedWorker
from tests.support.studies import setup


@pytest.mark.parametrize("times", [1, IMPORTS_KILLED])
def test_it_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    worker = IsolatedWorker(setup(tmp_path, "learner", isolated=True))
    ends = [Lost(0, "its process was killed by SIGKILL")] * times
    monkeypatch.setattr(worker, "_in_new_process", lambda *_: ends.pop() if ends else None)
    if times < IMPORTS_KILLED:
        assert worker.check({}) == os.getpid()
    else:
        with pytest.raises(TrainerError, match="SIGKILL"):
            worker.check({})
