"""Seeds and random generators of a study, all derived from study.seed. The global random state is never used."""

import numpy as np

from hpsearch.core.trial import TrialSeeds

LIMIT = 2**31
"""All seeds are smaller: NumPy and programs in other languages do not accept larger ones."""


def stream(study_seed: int, number: int) -> np.random.Generator:
    """The random generator with which a sampler draws trial `number`, independent of the generators of other trials.

    NumPy's SeedSequence with a spawn key (O'Neill 2015; NumPy docs, "Parallel random number generation").
    """
    return np.random.default_rng(np.random.SeedSequence(study_seed, spawn_key=(0, number)))


def seed_of_trial(study_seed: int, rule: TrialSeeds, number: int, repeat: int) -> int:
    """The seed, in [0, 2^31), that trial `number` trains with.

    repeat: the number of earlier trials with the same parameters. With the rule "same", the first trial of each
    parameter set has the study's seed; its repeats have other seeds, to measure the noise.
    """
    if rule == "different":
        return trial_seed(study_seed, number)
    return study_seed if repeat == 0 and study_seed < LIMIT else trial_seed(study_seed, repeat)


def trial_seed(study_seed: int, number: int) -> int:
    """Seed `number` of the sequence that is derived from the study's seed; in [0, 2^31)."""
    sequence = np.random.SeedSequence(study_seed, spawn_key=(1, number, 0))
    return int(sequence.generate_state(1)[0] >> 1)


def replicate_seed(seed: int, place: int) -> int:
    """The seed, in [0, 2^31), of replicate `place` (from 0) of a trial; replicate 0 has the trial's seed."""
    if place == 0:
        return seed
    return int(np.random.SeedSequence(seed, spawn_key=(3, place)).generate_state(1)[0] >> 1)


def fresh_seed(study_seed: int) -> int:
    """The seed, in [0, 2^31), of a study's evaluation: finalists train with seeds that the search did not use."""
    return int(np.random.SeedSequence(study_seed, spawn_key=(2,)).generate_state(1)[0] >> 1)
