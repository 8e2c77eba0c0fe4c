import numpy as np
import pytest
import torch

from hpsearch import Fold
from hpsearch.trainer.seal import Sealed, unsealed
from trainers.kit import data
from trainers.kit.data import (
    Data,
    Examples,
    Rows,
    Scaling,
    batch_sizes,
    split,
    standardized,
    strata_of,
)

STRATA = np.random.default_rng(0).choice(3, size=1000, p=[0.7, 0.2, 0.1]).astype(np.int64)


# One split ───────────────────────────────────────────────────────────────────────────────────────


def test_training_and_validation_are_disjoint_and_a_fifth_is_withheld():
    rows = split(STRATA)
    assert len({*rows.train, *rows.validation}) == len(rows.train) + len(rows.validation)
    # Each cut is rounded to a whole row, stratum by stratum.
    assert len(rows.train) == pytest.approx(600, abs=3)
    assert len(rows.validation) == pytest.approx(200, abs=3)


def test_every_class_has_its_share_in_each():
    rows = split(STRATA)
    for label in range(3):
        count = np.bincount(STRATA)[label]
        assert np.bincount(STRATA[rows.train])[label] == pytest.approx(0.6 * count, abs=0.5)
        assert np.bincount(STRATA[rows.validation])[label] == pytest.approx(0.2 * count, abs=1)


def test_the_split_is_the_same_whatever_the_global_random_state():
    np.random.seed(1)  # noqa: NPY002
    first = split(STRATA)
    np.random.seed(2)  # noqa: NPY002
    again, other = split(STRATA), split(STRATA, seed=1)
    assert np.array_equal(first.train, again.train)
    assert np.array_equal(first.validation, again.validation)
    assert not np.array_equal(first.train, other.train)


def test_where_the_test_is_elsewhere_nothing_is_withheld():
    rows = split(STRATA, test=0)
    assert sorted([*rows.train, *rows.validation]) == list(range(1000))
    assert len(rows.validation) == pytest.approx(200, abs=3)


def test_a_regression_is_stratified_by_tenths_of_its_values():
    values = np.random.default_rng(0).exponential(size=500)
    strata = strata_of(values)
    assert np.bincount(strata).tolist() == [50] * 10
    assert values[strata == 3].max() < values[strata == 4].min()
    rows = split(strata)
    assert values[rows.train].mean() == pytest.approx(values[rows.validation].mean(), rel=0.15)


# Folds ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_folds_validate_on_every_example_once_that_is_not_the_tests(folds):
    parts = [split(STRATA, fold) for fold in Fold.each(folds)]
    whole = split(STRATA)
    seen = sorted([*whole.train, *whole.validation])
    assert sorted(np.concatenate([rows.validation for rows in parts])) == seen
    for rows in parts:
        assert sorted([*rows.train, *rows.validation]) == seen


def test_folds_are_as_large_as_can_be_and_each_has_its_share_of_every_class():
    parts = [split(STRATA, fold) for fold in Fold.each(5)]
    assert max(len(rows.validation) for rows in parts) - min(len(rows.validation) for rows in parts) <= 1
    counts = np.array([np.bincount(STRATA[rows.validation], minlength=3) for rows in parts])
    assert (counts.max(axis=0) - counts.min(axis=0)).max() <= 1


def test_more_folds_than_there_are_examples_of_a_class_are_refused():
    assert round(0.8 * np.bincount(STRATA).min()) == 77
    with pytest.raises(ValueError, match="there can be 2 to 77 folds here, got 78"):
        split(STRATA, Fold(1, 78))


# The seal ────────────────────────────────────────────────────────────────────────────────────────


def test_the_test_split_is_sealed_until_it_is_opened_and_then_again():
    with pytest.raises(Sealed, match="sealed"):
        data.sealed_test(STRATA)
    with unsealed("the test of this test"):
        rows = data.sealed_test(STRATA)
    with pytest.raises(Sealed):
        data.sealed_test(STRATA)
    others = split(STRATA)
    assert sorted([*rows, *others.train, *others.validation]) == list(range(1000))


# Examples ────────────────────────────────────────────────────────────────────────────────────────


def test_batches_hold_every_example_once_in_an_order_drawn_from_the_generator():
    examples = Examples(torch.arange(10), torch.arange(10) * 2)
    generator = torch.Generator().manual_seed(0)
    first, second = (list(examples.shuffled(generator).batches(4)) for _ in range(2))
    assert [len(inputs) for inputs, _ in first] == [4, 4, 2]
    assert sorted(torch.cat([inputs for inputs, _ in first]).tolist()) == list(range(10))
    assert all(torch.equal(targets, 2 * inputs) for inputs, targets in first)
    assert not torch.equal(first[0][0], second[0][0])


@pytest.mark.parametrize(
    ("examples", "size", "sizes"),
    [(8, 4, [4, 4]), (9, 4, [4, 5]), (10, 4, [4, 4, 2]), (3, 4, [3]), (1, 4, [1]), (3, 1, [1, 1, 1]), (4, 3, [4])],
)
def test_a_single_example_that_is_left_over_joins_the_batch_before(examples, size, sizes):
    assert batch_sizes(examples, size) == sizes


def test_how_many_batches_there_are_is_known_beforehand():
    examples = Examples(torch.arange(9), torch.arange(9))
    batches = examples.batches(4)
    assert len(batches) == len(list(batches)) == 2


def test_columns_are_standardised_by_the_training_rows_alone():
    columns = np.random.default_rng(0).normal(5, 3, size=(100, 2))
    columns = np.column_stack([columns, np.full(100, 7.0)])
    train = np.arange(60)
    scaled = standardized(columns, train)
    assert scaled[:60, :2].mean(0).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert scaled[:60, :2].std(0, correction=0).tolist() == pytest.approx([1, 1], abs=1e-6)
    assert (scaled[:, 2] == 0).all()
    others = columns.copy()
    others[60:] += 1000
    assert torch.equal(standardized(others, train)[:60], scaled[:60])


def test_bytes_are_scaled_channel_by_channel_as_they_are_handed_out():
    pixels = torch.randint(0, 256, (50, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    pixels[:, 2] = 9
    examples = Examples(pixels, torch.zeros(50), Scaling.of(pixels))
    handed = torch.cat([inputs for inputs, _ in examples.batches(16)])
    assert handed.dtype == torch.float32
    assert handed.mean((0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert handed[:, :2].std((0, 2, 3)).tolist() == pytest.approx([1, 1], abs=1e-3)
    assert (handed[:, 2] == 0).all()


def test_a_data_set_is_cut_as_the_rows_say():
    whole = Data.of(Examples(torch.arange(6), torch.arange(6) + 10), Rows(np.array([0, 2, 4]), np.array([1, 5])))
    assert whole.train.inputs.tolist() == [0, 2, 4]
    assert whole.validation.targets.tolist() == [11, 15]
