"""Seeds and generators of a study, all derived from study.seed. The global random state is never used."""

import numpy as np

from hpsearch.core.trial import TrialSeeds

LIMIT = 2**31
"""Above all seeds: NumPy and programs of other languages take no larger ones."""


def stream(study_seed: int, number: int) -> np.random.Generator:
    """The random generator with which a sampler draws trial `number`; independent of those of other trials.

    NumPy's SeedSequence with a spawn key (O'Neill 2015; NumPy docs, "Parallel random number generation").
    """
    return np.random.default_rng(np.random.SeedSequence(study_seed, spawn_key=(0, number)))


def seed_of_trial(study_seed: int, rule: TrialSeeds, number: int, repeat: int) -> int:
    """The seed, in [0, 2^31), that trial `number` trains with. repeat: how many trials before it have its parameters.

    With "same" it is the study's seed. Only repeated parameters get others, which measure the noise.
    """
    if rule == "different":
        return trial_seed(study_seed, number)
    return study_seed if repeat == 0 and study_seed < LIMIT else trial_seed(study_seed, repeat)


def trial_seed(study_seed: int, number: int) -> int:
    """Seed `number` of those that follow from the study's seed; in [0, 2^31)."""
    sequence = np.random.SeedSequence(study_seed, spawn_key=(1, number, 0))
    return int(sequence.generate_state(1)[0] >> 1)


def replicate_seed(seed: int, place: int) -> int:
    """The seed, in [0, 2^31), of replicate `place` (from 0) of a trial with this seed; replicate 0 has the trial's."""
    if place == 0:
        return seed
    return int(np.random.SeedSequence(seed, spawn_key=(3, place)).generate_state(1)[0] >> 1)


def fresh_seed(study_seed: int) -> int:
    """The seed, in [0, 2^31), of a study's evaluation, so that finalists train with seeds that the search did not
    use."""
    return int(np.random.SeedSequence(study_seed, spawn_key=(2,)).generate_state(1)[0] >> 1)
