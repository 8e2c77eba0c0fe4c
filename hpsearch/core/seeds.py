"""Where every random number of a study comes from: passed-in generators, derived by name, never the global state."""

import numpy as np


def stream(study_seed: int, number: int) -> np.random.Generator:
    """The generator that a sampler draws trial `number` from; independent of every other number's.

    NumPy's SeedSequence with a spawn key (O'Neill 2015; NumPy docs, "Parallel random number generation").
    """
    return np.random.default_rng(np.random.SeedSequence(study_seed, spawn_key=(0, number)))


def trial_seed(study_seed: int, number: int) -> int:
    """The seed, in [0, 2^31), that trial `number` trains with."""
    sequence = np.random.SeedSequence(study_seed, spawn_key=(1, number, 0))
    return int(sequence.generate_state(1)[0] >> 1)


def replicate_seed(seed: int, place: int) -> int:
    """The seed, in [0, 2^31), of one of those that a trial with this seed trains side by side; the first, 0, has it."""
    if place == 0:
        return seed
    return int(np.random.SeedSequence(seed, spawn_key=(3, place)).generate_state(1)[0] >> 1)


def fresh_seed(study_seed: int) -> int:
    """The seed, in [0, 2^31), of a study's evaluation: its trials train with seeds that the search never used."""
    return int(np.random.SeedSequence(study_seed, spawn_key=(2,)).generate_state(1)[0] >> 1)
