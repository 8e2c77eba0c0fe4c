"""Minibatches of any shape, and the filters that replace them."""

from collections import namedtuple
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from hpsearch.preflight.measure.batches import (
    RepeatedBatches,
    ShuffledTargets,
    conflicting,
    copied,
    cut,
    rows,
    targets_place,
)

Pair = namedtuple("Pair", "inputs targets")


def pairs(count: int = 4, size: int = 8, start: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Every example differs, and its target says which it is."""
    numbers = torch.arange(start, start + count * size).float()
    return [(chunk.unsqueeze(1) * torch.ones(3), chunk.long()) for chunk in numbers.split(size)]


@pytest.mark.parametrize(
    ("batch", "count"),
    [
        (torch.ones(5, 2), 5),
        ((torch.ones(5, 2), torch.ones(5)), 5),
        ({"x": torch.ones(4), "more": [torch.ones(4, 1), "text"]}, 4),
        ((torch.ones(5), torch.ones(4)), 0),
        (torch.tensor(1.0), 0),
        ("nothing", 0),
        ((), 0),
    ],
)
def test_rows_is_the_common_length_of_all_tensors(batch: Any, count: int) -> None:
    assert rows(batch) == count


def test_a_copy_has_tensors_of_its_own_and_the_same_shape() -> None:
    batch = {"pair": Pair(torch.ones(2), [torch.zeros(2), 3]), "name": "x"}
    own = copied(batch)
    own["pair"].inputs.add_(1)
    assert type(own["pair"]) is Pair
    assert own["pair"].targets[1] == 3
    assert batch["pair"].inputs.tolist() == [1, 1]
    assert rows(cut(batch, 1)) == 1


class TestRepeatedBatches:
    def test_the_first_batch_repeats(self) -> None:
        feed = RepeatedBatches(enough=4)
        got = list(islice(feed(pairs()), 5))
        assert feed.rows == 8
        assert all(targets.tolist() == list(range(8)) for _, targets in got)

    def test_several_small_batches_until_there_are_enough_examples(self) -> None:
        feed = RepeatedBatches(enough=16)
        got = list(islice(feed(pairs(9, 4)), 8))
        assert feed.rows == 16
        assert [targets[0].item() for _, targets in got] == [0, 4, 8, 12, 0, 4, 8, 12]

    def test_at_most_so_many_examples(self) -> None:
        feed = RepeatedBatches(most=3)
        assert [len(targets) for _, targets in islice(feed(pairs()), 2)] == [3, 3]
        assert feed.rows == 3

    def test_changes_by_the_trainer_do_not_persist(self) -> None:
        batches = RepeatedBatches()(pairs(1, 16))
        next(iter(batches))[0].mul_(0)
        assert next(iter(batches))[0].sum() > 0

    def test_a_batch_that_cannot_be_counted_is_unchanged(self) -> None:
        feed = RepeatedBatches(most=2)
        assert list(islice(feed(["abc", "def"]), 3)) == ["abc", "abc", "abc"]
        assert feed.rows == 0

    def test_no_batches(self) -> None:
        assert list(RepeatedBatches()([])) == []


class TestShuffledTargets:
    def test_every_target_is_that_of_another_example_in_the_batch(self) -> None:
        feed = ShuffledTargets(seed=1)
        for (_, own), (inputs, given) in zip(pairs(), feed(pairs()), strict=True):
            assert sorted(given.tolist()) == own.tolist()
            assert not (given == own).any()
            assert inputs[:, 0].tolist() == own.tolist()
        assert feed.possible

    def test_an_example_keeps_its_target(self) -> None:
        """In another epoch and batch too: a wrong label can be memorised like the right one."""
        feed = ShuffledTargets(seed=1)
        first = {x.item(): y for inputs, targets in feed(pairs()) for x, y in zip(inputs[:, 0], targets, strict=True)}
        order = torch.randperm(32, generator=torch.Generator().manual_seed(0))
        everything = [torch.cat(part)[order] for part in zip(*pairs(), strict=True)]
        again = zip(*(part.split(5) for part in everything), strict=True)
        for inputs, targets in feed(again):
            assert [first[x].item() for x in inputs[:, 0].tolist()] == targets.tolist()

    def test_another_seed_gives_others(self) -> None:
        one, other = (next(iter(ShuffledTargets(seed)(pairs())))[1].tolist() for seed in (1, 2))
        assert one != other

    def test_a_mapping_by_the_name_of_its_targets(self) -> None:
        inputs, labels = pairs()[0]
        feed = ShuffledTargets(seed=1)
        (given,) = feed([{"pixels": inputs, "labels": labels}])
        assert given["pixels"] is inputs
        assert given["labels"].tolist() != labels.tolist()

    def test_a_pair_stays_what_it_is(self) -> None:
        (given,) = ShuffledTargets(seed=1)([Pair(*pairs()[0])])
        assert type(given) is Pair

    @pytest.mark.parametrize(
        "batch",
        [
            torch.ones(4),
            (torch.ones(4), torch.ones(4), torch.ones(4)),
            {"a": torch.ones(4), "b": torch.ones(4)},
            "text",
        ],
        ids=["indices", "three", "names", "text"],
    )
    def test_batches_without_known_targets_are_unchanged(self, batch: Any) -> None:
        feed = ShuffledTargets(seed=1)
        (given,) = feed([batch])
        assert given is batch
        assert not feed.possible

    def test_batches_of_one_example_are_unchanged(self) -> None:
        feed = ShuffledTargets(seed=1)
        assert [targets.tolist() for _, targets in feed(pairs(2, 1))] == [[0], [1]]
        assert not feed.possible


def test_the_place_of_the_targets() -> None:
    assert targets_place(pairs()[0]) == 1
    assert targets_place({"x": torch.ones(2), "Label": torch.ones(2)}) == "Label"
    assert targets_place((torch.ones(2), "text")) is None
    assert targets_place((torch.ones(2), torch.ones(3))) is None


def test_equal_inputs_with_other_targets_conflict() -> None:
    inputs = torch.tensor([[0.0, 1.0], [2.0, 3.0], [0.0, 1.0], [2.0, 3.0]])
    assert conflicting((inputs, torch.tensor([1, 2, 3, 2]))) == (0, 2)
    assert conflicting(inputs) == ()
