import pytest

from hpsearch.core.replicates import SINGLE_TRAINING, Fold, Replicates


def test_all_folds_of_the_first_seed_come_before_those_of_the_second() -> None:
    made = list(Replicates(folds=2, repeats=2))
    assert [one.name for one in made] == ["fold1_repeat1", "fold2_repeat1", "fold1_repeat2", "fold2_repeat2"]
    assert [one.place for one in made] == [0, 1, 2, 3]
    assert [one.fold for one in made] == [Fold(1, 2), Fold(2, 2)] * 2
    assert made[2].of("val_loss") == "val_loss_fold1_repeat2"


@pytest.mark.parametrize(
    ("replicates", "names", "words"),
    [
        (SINGLE_TRAINING, [""], ""),
        (Replicates(repeats=2), ["repeat1", "repeat2"], "2 repeats"),
        (Replicates(folds=3), ["fold1", "fold2", "fold3"], "3 folds"),
        (Replicates(folds=2, repeats=2), None, "2 folds x 2 repeats"),
    ],
)
def test_only_what_there_is_several_of_is_named(replicates: Replicates, names: list[str] | None, words: str) -> None:
    assert str(replicates) == words
    assert len(list(replicates)) == len(replicates)
    assert names in (None, [one.name for one in replicates])


@pytest.mark.parametrize(
    ("replicates", "enough"),
    [
        (SINGLE_TRAINING, False),
        (Replicates(2), False),
        (Replicates(repeats=2), False),
        (Replicates(3), True),
        (Replicates(2, 2), True),
    ],
)
def test_three_are_enough_to_compare(replicates: Replicates, enough: bool) -> None:
    assert replicates.can_be_compared is enough


def test_a_recorded_study_has_those_of_its_trainer() -> None:
    assert Replicates.recorded({}) == SINGLE_TRAINING
    assert Replicates.recorded({"validation": {"folds": 5}, "repeats": 3}) == Replicates(5, 3)


@pytest.mark.parametrize(("number", "of"), [(0, 2), (3, 2), (1, 1), (1, 0)])
def test_a_fold_is_one_of_two_and_more(number: int, of: int) -> None:
    with pytest.raises(ValueError, match=f"there is no fold {number} of {of}"):
        Fold(number, of)
