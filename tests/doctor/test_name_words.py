"""The words of metric names by which the doctor knows a quantity."""

import pytest

from hpsearch.core.metric_names import goal_of
from hpsearch.doctor import name_words


@pytest.mark.parametrize("word", sorted(name_words.LOSSES | name_words.ERROR_RATES | name_words.PERPLEXITIES))
def test_a_word_of_a_loss_is_never_to_be_maximized(word: str) -> None:
    assert goal_of(word) in ("minimize", None)


@pytest.mark.parametrize(
    "word", sorted(name_words.ACCURACIES | name_words.GAINS | name_words.EXPLAINED | name_words.REWARDS)
)
def test_a_word_of_a_gain_is_never_to_be_minimized(word: str) -> None:
    assert goal_of(word) in ("maximize", None)
