"""`python -m tests.support.fresh_process work epochs number…`: continues trials of `torch_toy`, and prints the reports.

Trial k was paused after epoch k.
"""

import json
import sys
from pathlib import Path

from hpsearch.core.messages import Start
from hpsearch.workers.worker import Worker
from tests.support.studies import setup


def main() -> None:
    work, epochs, *numbers = sys.argv[1:]
    worker = Worker(setup(Path(work), "torch_toy:train"))
    for number in map(int, numbers):
        start = Start(number, {"lr": 0.01}, seed=3, until=int(epochs), epochs=int(epochs), after=number)
        reported = worker.start(start)
        curve = list(reported.reports)
        while not (reported.ended or reported.failure):
            reported = worker.advance()
            curve += reported.reports
        print(json.dumps([number, [[r.step, dict(r.metrics)] for r in curve], list(reported.notes)]))


main()
