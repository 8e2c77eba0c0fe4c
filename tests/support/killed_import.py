"""A trainer whose import ends its process with SIGKILL. The file that KILLS names has one character for each kill."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

from hpsearch import Report, Run
from hpsearch.core.trial import Params

left = Path(os.environ["KILLS"])
if count := left.stat().st_size:
    left.write_text("x" * (count - 1))
    os.kill(os.getpid(), signal.SIGKILL)


def train(params: Params, run: Run) -> Iterator[Report]:
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": 1.0})
