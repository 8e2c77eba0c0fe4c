"""A trainer with the duration of an epoch in a file, so that it is not part of the study."""

import time
from collections.abc import Iterator
from pathlib import Path

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.support import torch_toy


def train(params: Params, run: Run) -> Iterator[Report]:
    """A real network, with an epoch_log. An epoch takes the number of seconds in the file `pace` beside it."""
    epoch_log = Path(str(params["epoch_log"]))
    for report in torch_toy.train(params, run):
        with epoch_log.open("a", encoding="utf-8") as file:
            file.write(f"{run.seed} {report.step}\n")
        time.sleep(float(epoch_log.with_name("pace").read_text()))
        yield report
