"""A trainer's module that cannot be imported."""

from collections.abc import Iterator

from hpsearch import Report, Run
from hpsearch.core.trial import Params


def train(params: Params, run: Run) -> Iterator[Report]:
    yield Report(1, {})


raise RuntimeError("no data here")
