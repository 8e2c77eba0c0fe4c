"""Where a ray.tune.Trainable lives in a trial: folders of its own, and Ray's word for them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

from ray.train._internal.storage import StorageContext
from ray.train.constants import RAY_CHDIR_TO_TRIAL_DIR
from ray.tune import Trainable
from ray.tune.result import TRIAL_INFO

from hpsearch.core.trial import Params


class _Storage(StorageContext):
    """Checkpoints in a room of this training's own, what else it writes beside it; both without a Ray that runs."""

    def _get_session_path(self) -> str:
        return str(Path(self.storage_fs_path).with_name("tune"))


def made(kind: type[Trainable], params: Params, room: Path) -> Trainable:
    """Set up, named after its trial; the working directory stays what it is."""
    name = room.parent.name
    named = SimpleNamespace(trial_name=name, trial_id=name, trial_resources=None)
    storage = _Storage(room, "checkpoints", trial_dir_name=name)
    before = os.environ.get(RAY_CHDIR_TO_TRIAL_DIR)
    os.environ[RAY_CHDIR_TO_TRIAL_DIR] = "0"
    try:
        return kind(config={**params, TRIAL_INFO: named}, storage=storage)
    finally:
        del os.environ[RAY_CHDIR_TO_TRIAL_DIR]
        if before is not None:
            os.environ[RAY_CHDIR_TO_TRIAL_DIR] = before


@contextmanager
def room_in(scratch: Path) -> Iterator[Path]:
    """A folder for one training. What a worker that was killed has left is removed; one that was given up and trains on
    finds its own gone, and disturbs nobody."""
    for left in scratch.glob("tune-*"):
        shutil.rmtree(left, ignore_errors=True)
    with temporary(scratch) as room:
        yield room


@contextmanager
def temporary(beside: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=beside, prefix="tune-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
