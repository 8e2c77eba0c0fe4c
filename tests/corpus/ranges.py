"""Whether the range test finds the best rate of each trainer: `python -m tests.corpus.ranges [--held-back] [NAME…]`.

The best rate is that of full trainings over eight decades (`tests.corpus.rates`).
"""

import json
import math
import sys
import time
import warnings
from dataclasses import dataclass

import torch

from hpsearch.preflight.judge import lr_curve
from hpsearch.preflight.judge.lr_curve import LrRange
from hpsearch.preflight.measure.lr_sweep import LrSweep
from hpsearch.study.file.space.space_forms import AUTO_HIGH, AUTO_LOW
from tests.corpus.as_trainers import context
from tests.corpus.planted import SOUND
from tests.corpus.rates import FILE, RATES
from tests.corpus.trainers import TRAINERS, chosen


@dataclass(frozen=True)
class Found:
    """best: the best rate of the sweep. good: those with nearly its result. range: None where the test finds none, for
    the reason `problem`."""

    name: str
    best: float
    good: tuple[float, ...]
    range: LrRange | None
    problem: str
    seconds: float

    @property
    def contains(self) -> bool:
        return self.range is not None and self.range.low <= self.best <= self.range.high

    @property
    def contains_a_good_one(self) -> bool:
        return self.range is not None and any(self.range.low <= one <= self.range.high for one in self.good)

    @property
    def row(self) -> str:
        if self.range is None:
            return f"| {self.name} | {self.best:.2g} | none: {self.problem} | | | {self.seconds:.1f} |"
        decades = math.log10(self.range.high / self.range.low)
        ends = f"{self.range.low:.2g} to {self.range.high:.2g}"
        return (
            f"| {self.name} | {self.best:.2g} | {ends} | {decades:.1f} | {'yes' if self.contains else 'no'} | "
            f"{self.seconds:.1f} |"
        )


NEARLY = 0.05
"""Of what the best rate gains over the lowest one."""


def good_rates(name: str) -> tuple[float, ...]:
    """The best one first."""
    results = json.loads(FILE.read_text(encoding="utf-8"))[name]
    known = sorted((result, rate) for result, rate in zip(results, RATES, strict=True) if result is not None)
    best = known[0][0]
    return tuple(rate for result, rate in known if result <= best + NEARLY * (results[0] - best))


def tried(name: str, seed: int = 0) -> Found:
    trainer = next(one for one in TRAINERS if one.name == name)
    params = {"trainer": name, "fault": SOUND, "lr": trainer.lr}
    began = time.perf_counter()
    swept = LrSweep(params, seed, 20, "lr", AUTO_LOW, AUTO_HIGH).measure(context(name))
    read = lr_curve.read(swept)
    good = good_rates(name)
    return Found(name, good[0], good, lr_curve.lr_range([read]), read.problem, time.perf_counter() - began)


def main(options: list[str]) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print("| trainer | best rate | range | decades | contains it | s |\n| --- | ---: | --- | ---: | --- | ---: |")
    found = []
    for trainer in chosen(options):
        found.append(tried(trainer.name))
        print(found[-1].row, flush=True)
    nearly = sum(one.contains_a_good_one for one in found)
    print(f"\n{sum(one.contains for one in found)} of {len(found)} ranges contain the best rate, {nearly} a good one")


if __name__ == "__main__":
    main(sys.argv[1:])
