"""Where every random number of a study comes from: passed-in generators, derived by name, never the global state."""

import numpy as np


def stream(study_seed: int, number: int) -> np.random.Generator:
    """The generator that a sampler draws trial `number` from; independent of every other number's.

    NumPy's SeedSequence with a spawn key (O'Neill 2015; NumPy docs, "Parallel random number generation").
    """
    return np.random.default_rng(np.random.SeedSequence(study_seed, spawn_key=(0, number)))


def trial_seed(study_seed: int, number: int, repeat: int = 0) -> int:
    """The seed, in [0, 2^31), that trial `number` trains with."""
    sequence = np.random.SeedSequence(study_seed, spawn_key=(1, number, repeat))
    return int(sequence.generate_state(1)[0] >> 1)
