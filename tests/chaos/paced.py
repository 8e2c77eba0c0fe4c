"""A trainer whose epochs take as long as a file says, which is no part of the study."""

import time
from collections.abc import Iterator
from pathlib import Path

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.support import torch_toy


def train(params: Params, run: Run) -> Iterator[Report]:
    """A real network, with a diary; every epoch takes the seconds that stand in the file `pace` beside the diary."""
    diary = Path(str(params["diary"]))
    for report in torch_toy.train(params, run):
        with diary.open("a", encoding="utf-8") as file:
            file.write(f"{run.seed} {report.step}\n")
        time.sleep(float(diary.with_name("pace").read_text()))
        yield report
