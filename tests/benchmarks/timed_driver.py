"""`hpsearch run FILE` with a stopwatch on its sampler and on its journal.

    python -m tests.benchmarks.timed_driver FILE

The last line says, in JSON, the seconds that each thousand trials took, a trial: ask, journal, everything; and the
most memory that this process had, in MiB.
"""

import contextlib
import io
import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from hpsearch import cli
from hpsearch.history import History
from hpsearch.journal import Writer
from hpsearch.samplers.random import Random

THOUSAND = 1000


class Stopwatch:
    """Seconds by (what, thousand of trials)."""

    def __init__(self) -> None:
        self.seconds: defaultdict[tuple[str, int], float] = defaultdict(float)
        self.asked: list[float] = []

    def timed(self, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self.seconds[what, max(0, len(self.asked) - 1) // THOUSAND] += time.perf_counter() - began

        return call

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """An ask begins a trial."""

        def ask(sampler: Random, history: History) -> Any:
            if len(history) < sampler.trials:
                self.asked.append(time.perf_counter())
            return function(sampler, history)

        return ask

    def thousands(self) -> list[tuple[float, float, float]]:
        ends = [*self.asked[THOUSAND::THOUSAND], time.perf_counter()]
        spans = [end - self.asked[THOUSAND * place] for place, end in enumerate(ends)]
        parts = [(self.seconds["ask", place], self.seconds["write", place]) for place in range(len(spans))]
        return [
            (ask / THOUSAND, write / THOUSAND, span / THOUSAND) for (ask, write), span in zip(parts, spans, strict=True)
        ]


def main(file: str) -> None:
    watch = Stopwatch()
    Random.ask = watch.counted(watch.timed("ask", Random.ask))  # type: ignore[method-assign]
    Writer.write = watch.timed("write", Writer.write)  # type: ignore[method-assign]
    with contextlib.redirect_stdout(io.StringIO()):
        code = cli.main(["run", file, "--quiet"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(json.dumps({"thousands": watch.thousands(), "peak_mib": round(peak)}))
    sys.exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
