"""Numbers in sentences."""

from collections.abc import Sequence

CAUSES = 12
"""How many trials a sentence names."""


def many(count: int, word: str) -> str:
    """ "1 trial", "2 trials"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def named(trials: Sequence[int]) -> str:
    """ "trial 3", "trials 1, 4, 5", of many the first."""
    first = ", ".join(map(str, trials[:CAUSES]))
    return f"trial{'s' * (len(trials) != 1)} {first}{', …' * (len(trials) > CAUSES)}"
