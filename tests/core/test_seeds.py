import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.seeds import fresh_seed, replicate_seed, seed_of_trial, stream, trial_seed

SEEDS = st.integers(0, 2**63)
NUMBERS = st.integers(0, 10_000)


@given(SEEDS, NUMBERS, NUMBERS)
def test_a_seed_is_what_torch_and_numpy_take(study: int, number: int, repeat: int) -> None:
    same = [seed_of_trial(study, "same", number, place) for place in (0, repeat)]
    for seed in (*same, trial_seed(study, number), replicate_seed(trial_seed(study, number), repeat)):
        assert type(seed) is int
        assert 0 <= seed < 2**31


def test_seeds_never_change() -> None:
    """Another value here would make every recorded study impossible to reproduce."""
    assert [trial_seed(0, 0), trial_seed(0, 1), trial_seed(1, 0)] == [238126281, 1976395206, 1466754944]
    assert [replicate_seed(238126281, repeat) for repeat in range(3)] == [238126281, 443353845, 543377613]
    assert [fresh_seed(study) for study in range(2)] == [1620722436, 1374802077]
    assert [round(float(stream(study, number).random()), 12) for study, number in ((0, 0), (0, 1), (1, 0))] == [
        0.565131765561,
        0.364803101308,
        0.881549137337,
    ]


def test_all_trials_have_the_seed_of_their_study_and_repeated_parameters_have_others() -> None:
    assert [seed_of_trial(7, "same", number, repeat=0) for number in (0, 1, 99)] == [7, 7, 7]
    assert [seed_of_trial(7, "same", number, repeat=number) for number in (1, 2)] == [
        trial_seed(7, 1),
        trial_seed(7, 2),
    ]
    assert seed_of_trial(2**40, "same", 5, repeat=0) == trial_seed(2**40, 0)


def test_with_the_other_rule_a_seed_follows_from_the_number_of_its_trial() -> None:
    assert [seed_of_trial(7, "different", 3, repeat) for repeat in (0, 2)] == [trial_seed(7, 3)] * 2


def test_trials_studies_and_repeats_differ() -> None:
    """10^4 seeds out of 2^31 hold a pair of equals with probability 10^8 / 2^32 = 2%; these hold none."""
    trials = [trial_seed(study, number) for study in range(10) for number in range(100)]
    seeds = [replicate_seed(seed, repeat) for seed in trials for repeat in range(10)]
    assert len(set(seeds)) == len(seeds)


def test_streams_are_independent_of_each_other_and_of_the_trials_seeds() -> None:
    draws = {float(stream(study, number).random()) for study in range(20) for number in range(50)}
    assert len(draws) == 1000
    assert float(np.random.default_rng(trial_seed(0, 0)).random()) not in draws


def test_no_global_state_is_touched() -> None:
    python, numpy = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]  # noqa: NPY002
    stream(0, 1).random()
    trial_seed(0, 1)
    assert random.getstate() == python
    assert np.random.get_state()[1].tolist() == numpy  # type: ignore[index, union-attr]  # noqa: NPY002


def test_an_evaluation_has_seeds_that_its_search_never_used() -> None:
    for study_seed in range(20):
        again = fresh_seed(study_seed)
        assert again == fresh_seed(study_seed) != study_seed
        searched = {trial_seed(study_seed, number) for number in range(500)}
        assert searched.isdisjoint(trial_seed(again, number) for number in range(50))
