import pytest

from hpsearch.samplers.freeze_thaw.rung_counts import ETA, Vacancy, first_look, rungs, vacancies


def test_the_first_look_grows_only_with_a_schedule_over_all_epochs() -> None:
    assert [first_look(51, spent, has_schedule=True) for spent in (0, 61, 62, 152, 153, 9999)] == [1, 1, 2, 2, 5, 5]
    assert {first_look(51, spent, has_schedule=False) for spent in (0, 62, 9999)} == {1}
    assert first_look(300, 0, has_schedule=False) == 6


@pytest.mark.parametrize("epochs", [1, 2, 3, 10, 51, 300, 5000])
def test_rungs_ascend_to_the_last_epoch(epochs: int) -> None:
    for spent in (0, 2 * epochs, 9 * epochs):
        found = rungs(first_look(epochs, spent, has_schedule=True), epochs)
        assert found == sorted(set(found))
        assert found[-1] == epochs


def test_rungs_are_three_times_as_long_as_the_one_before() -> None:
    assert rungs(1, 51) == [1, 3, 9, 27, 51]
    assert rungs(5, 51) == [5, 16, 51]


def test_one_in_three_goes_up_from_the_highest_rung_that_has_one_left() -> None:
    epochs = [1, 1, 1, 3, 3, 3]
    found = list(vacancies([1, 3, 9], epochs, [0] * 6, paused=range(6)))
    assert found == [Vacancy([3, 4, 5], 9, reached=3, gone=0)]
    found = list(vacancies([1, 3, 9], [*epochs, 9], [0] * 7, paused=range(6)))
    assert found == []
    assert ETA == 3


@pytest.mark.parametrize(("last", "promoted"), [(50, 2), (51, 2), (27 * 3, 1), (27 * 9, 1)])
def test_a_larger_share_continues_to_a_rung_that_is_less_than_three_times_as_long(last: int, promoted: int) -> None:
    epochs = [27] * 5
    full = [last] * promoted + [27] * (5 - promoted)
    assert not list(vacancies([9, 27, last], full, [0] * 5, paused=range(5)))
    (one,) = vacancies([9, 27, last], [*full[1:], 27], [0] * 5, paused=range(5))
    assert one == Vacancy([n for n in range(5) if n >= promoted - 1], last, 5, promoted - 1)
    assert list(vacancies([9, 27, last], epochs, [0] * 5, paused=range(5)))


def test_random_draws_have_promotions_of_their_own() -> None:
    epochs = [1, 1, 1, 3, 1, 1]
    assert list(vacancies([1, 3], epochs, [0] * 6, range(6), drawn=[3, 4, 5])) == [Vacancy([0, 1, 2, 4, 5], 3, 6, 1)]
    first, _ = vacancies([1, 3], epochs, [0] * 6, range(6), drawn=[0, 1, 2])
    assert first == Vacancy([0, 1, 2], 3, 3, 0, is_drawn=True)


def test_running_trials_count_by_the_epoch_that_they_train_to() -> None:
    assert list(vacancies([1, 3], [1, 1, 1], [0, 0, 0], [0, 1, 2]))
    assert not list(vacancies([1, 3], [1, 1, 1], [0, 3, 0], [0, 2]))
