"""`hpsearch run FILE` with a stopwatch on its sampler and on its journal.

    python -m tests.benchmarks.timed_driver FILE

The last line says, in JSON, for each thousand trials the median seconds of processor time for an ask and for a write to
the journal, and of wall clock from one ask to the next; and the most memory that this process had, in MiB.
"""

import contextlib
import io
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median
from typing import Any

from hpsearch.cli import main as cli
from hpsearch.journal import Writer
from hpsearch.samplers.random import Random

THOUSAND = 1000


def timed(function: Callable[..., Any], when: list[float], took: list[float]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        when.append(time.perf_counter())
        before = time.thread_time()
        try:
            return function(*arguments)
        finally:
            took.append(time.thread_time() - before)

    return call


def thousands(asked: list[float], asks: list[float], writes: list[float]) -> Iterator[tuple[float, float, float]]:
    """Trials in process come one by one: an ask, then a write, that of the end of the trial before included."""
    whole = [after - before for before, after in pairwise(asked)]
    for first in range(0, len(whole) // THOUSAND * THOUSAND, THOUSAND):
        last = first + THOUSAND
        yield median(asks[first:last]), median(writes[first:last]), median(whole[first:last])


def main(file: str) -> None:
    asked: list[float] = []
    asks: list[float] = []
    writes: list[float] = []
    Random.ask = timed(Random.ask, asked, asks)  # type: ignore[method-assign]
    Writer.write = timed(Writer.write, [], writes)  # type: ignore[method-assign]
    with contextlib.redirect_stdout(io.StringIO()):
        code = cli.main(["run", file, "--quiet"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(json.dumps({"thousands": list(thousands(asked, asks, writes)), "peak_mib": round(peak)}))
    sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
