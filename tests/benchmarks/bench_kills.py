"""Searches on virtual workers that are killed at a random time and continued: do they come to the same?

    python -m tests.benchmarks.bench_kills --kills 500

One line for each difference, and one for each search at the end. tests/orchestrator/simulation has a sample of it.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from functools import cache

from tests.support.simulated_kills import SEARCHES, killed_and_continued, uninterrupted

SEEDS = 5
"""Searches of each method that are killed in turn."""


@cache
def whole(name: str, seed: int) -> list[object]:
    return uninterrupted(name, seed)


def epochs_of(outcome: Sequence[object]) -> int:
    return sum(len(trial[3]) for trial in outcome)  # type: ignore[index]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="of all searches together; default: 500")
    parser.add_argument("--searches", nargs="+", choices=list(SEARCHES), default=list(SEARCHES))
    args = parser.parse_args(argv)
    generator, killed, differ = random.Random(0), Counter[str](), Counter[str]()
    for number in range(args.kills):
        name = args.searches[number % len(args.searches)]
        seed = number // len(args.searches) % SEEDS
        at = generator.randrange(epochs_of(whole(name, seed)))
        killed[name] += 1
        if killed_and_continued(name, seed, at) != whole(name, seed):
            differ[name] += 1
            sys.stdout.write(f"{name}, seed {seed}, killed in epoch {at + 1}: not the same\n")
            sys.stdout.flush()
    for name in args.searches:
        sys.stdout.write(f"{name}: {killed[name]} kills, {differ[name]} differences\n")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
