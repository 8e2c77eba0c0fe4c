"""Patterns that match more than one line of an epoch."""

import pytest

from hpsearch.trainer.adapters.report_lines import ReportLines


def warning(*lines: str, in_epochs: bool = True, label: str = "loss ") -> str:
    found = ReportLines("my loss", in_epochs)
    for line in lines:
        start = line.index(label)
        found.add(line, start, start + len(label))
    return found.warning


def test_each_batch() -> None:
    found = warning("[Epoch 0/3] [Batch 0/9] loss 0.3", "[Epoch 0/3] [Batch 1/9] loss 0.2")
    assert found.endswith("""{ "my loss" = 'Epoch (?P<step0>[0-9]+).*loss {number}' }, take = "mean\"""")
    assert "(?P<step>" in warning("epoch=1 loss 0.3", "epoch=1 loss 0.2")


def test_training_and_validation() -> None:
    lines = ("Train Epoch: 1 loss 0.3", "Valid Epoch: 1 loss 0.4", "Train Epoch: 2 loss 0.3", "Valid Epoch: 2 loss 0.4")
    assert warning(*lines).endswith("""metrics = { "my loss" = 'Valid.*loss {number}' }""")
    assert warning(*lines[:3]) == ""


@pytest.mark.parametrize(
    "lines",
    [
        ["epoch 1 loss 0.3", "epoch 2 loss 0.3", "epoch 3 loss 0.3"],
        ["loss 0.3", "loss 0.3", "loss 0.3"],
        ["12ms/step loss 0.3", "1s 900us/step loss 0.3", "2s 8ms/step loss 0.3", "2s 900us/step loss 0.3"],
        ["epoch 1 loss 0.3", "epoch 2 loss 0.3", "the best loss 0.3"],
        ["loss 0.3 epoch 1", "loss 0.3 epoch 2"],
    ],
)
def test_one_line_per_epoch(lines: list[str]) -> None:
    assert warning(*lines) == ""


def test_evaluations_in_one_epoch_are_no_mistake_where_they_are_the_unit() -> None:
    assert warning("epoch 1 loss 0.3", "epoch 1 loss 0.2", in_epochs=False) == ""
