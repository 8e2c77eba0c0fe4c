"""A reproduction in words."""

from dataclasses import replace

from hpsearch.cli.text import reproduce
from hpsearch.reproduce.reproduction import Reproduction
from tests.reproduce.test_reproduction import COMPLETE, again, curve, failed, failure

SAME = again(COMPLETE, curve(0.5, 0.25))
OTHER = again(COMPLETE, curve(0.5, 0.5))


def text(found: Reproduction) -> str:
    return reproduce.text(found, versions="print them")


def test_identical() -> None:
    assert text(SAME).splitlines() == [
        "toy, trial 3: COMPLETE, val_loss 0.25 at epoch 2",
        "  identical bit for bit: 2 epochs x 1 metric",
    ]


def test_differences_without_a_recorded_reason() -> None:
    assert text(OTHER).splitlines()[1:] == [
        "  differs, first in val_loss at epoch 2: was 0.25, is 0.5",
        "  largest relative difference 0.5, in val_loss at epoch 2: was 0.25, is 0.5",
        "  nothing that is recorded has changed, so the training depends on more than its seed (such as numbers "
        "without a seed, a GPU, threads, the time, or data that run.uses does not name)",
    ]


def test_what_has_changed_since() -> None:
    changes = [f"sources.{number}: was a, is b" for number in range(22)]
    lines = text(replace(OTHER, since=changes)).splitlines()
    start = lines.index("  changed since it was trained, which may be the reason:")
    assert lines[start + 1 :] == [*(f"    {one}" for one in changes[:20]), "    and 2 more (--json has all)"]
    found = text(replace(SAME, since=changes, other_distributions=True)).splitlines()
    assert found[-1] == (
        "  to install the recorded versions: print them > requirements.txt; pip install -r requirements.txt"
    )
    assert "  changed since it was trained:" in text(replace(SAME, since=changes)).splitlines()


def test_what_is_not_compared() -> None:
    compared = replace(SAME.compared, timings=("epoch_seconds", "other_seconds"))
    found = replace(SAME)
    found.__dict__["compared"] = compared
    assert text(found).splitlines()[-1] == "  not compared, since they are times: epoch_seconds, other_seconds"


def test_that_it_is_not_recorded_where_it_was_trained() -> None:
    said = "  where it was trained is not recorded, since an older hpsearch trained it"
    assert said in text(replace(SAME, is_recorded=False)).splitlines()


def test_how_it_fails() -> None:
    assert "  fails as before, after epoch 1: in other words" in text(again(failed(), curve(0.5), failure()))
    assert "  fails differently: was 'anything', is 'it did not fail' (after epoch 2)" in text(
        again(failed(), curve(0.5, 0.4))
    )
    assert "  fails differently: was 'it did not fail', is 'in other words' (after epoch 1)" in text(
        again(COMPLETE, curve(0.5), failure())
    )
