"""Curves from files and from recorded trials."""

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.trial import Objective, Params, Report, State, Trial
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.workers.pools.simulated.curve_table import CurveTable, from_trials, read

LOSS = Objective("val_loss", "minimize")
SPACE = Space(
    (
        Float("lr", 1e-4, 1.0, log=True),
        Choice("opt", ("sgd", "adam")),
        Float("momentum", 0.0, 1.0, when={"opt": ("sgd",)}),
        Int("layers", 1, 4),
    ),
    fixed={"batch": 64},
)
HEAD = "trial,epoch,seconds,lr,opt,momentum,layers,val_loss,train_loss\n"


def table(folder: Path, text: str) -> CurveTable:
    path = folder / "curves.csv"
    path.write_text(text)
    return read(path, SPACE, LOSS)


def values(found: CurveTable, params: Params, epochs: int) -> list[float]:
    return [one.metrics["val_loss"] for one in found.curve(params, 0, epochs).reports]


def test_a_csv_file(tmp_path: Path) -> None:
    rows = "0,2,3.5,0.01,sgd,0.9,2,0.4,0.3\n0,1,2.5,0.01,sgd,0.9,2,0.5,0.4\n1,1,1,0.1,adam,,3,0.7,0.6\n"
    found = table(tmp_path, HEAD + rows)
    first, second = found.rows
    assert first == {"batch": 64, "lr": 0.01, "opt": "sgd", "momentum": 0.9, "layers": 2}
    assert second == {"batch": 64, "lr": 0.1, "opt": "adam", "layers": 3}
    curve = found.curve(first, 0, 2)
    assert [one.metrics for one in curve.reports] == [
        {"val_loss": 0.5, "train_loss": 0.4},
        {"val_loss": 0.4, "train_loss": 0.3},
    ]
    assert curve.seconds == (2.5, 3.5)
    assert (found.longest, found.shorter, found.outside, found.timed) == (2, 1, 0, True)


def test_a_stopped_curve_stays_at_its_last_value_and_a_long_one_is_cut(tmp_path: Path) -> None:
    found = table(tmp_path, HEAD + "0,1,2,0.01,adam,,2,0.5,\n0,2,4,0.01,adam,,2,0.4,\n")
    assert values(found, found.rows[0], 4) == [0.5, 0.4, 0.4, 0.4]
    assert found.curve(found.rows[0], 0, 4).seconds == (2.0, 4.0, 3.0, 3.0)
    assert values(found, found.rows[0], 1) == [0.5]


def test_a_diverged_curve_does_not_go_on(tmp_path: Path) -> None:
    found = table(tmp_path, HEAD + "0,1,1,0.01,adam,,2,0.5,\n0,2,1,0.01,adam,,2,nan,\n")
    assert len(values(found, found.rows[0], 9)) == 2
    assert math.isnan(values(found, found.rows[0], 9)[1])


def test_trials_outside_of_the_space_are_left_out(tmp_path: Path) -> None:
    inside = "0,1,1,0.01,adam,,2,0.5,\n"
    outside = "1,1,1,9.0,adam,,2,0.5,\n2,1,1,0.01,lamb,,2,0.5,\n3,1,1,0.01,sgd,,2,0.5,\n"
    found = table(tmp_path, HEAD + inside + outside)
    assert (len(found.rows), found.outside) == (1, 3)


def test_a_range_with_expand_has_no_ends(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_text("epoch,lr,val_loss\n1,9.0,0.5\n")
    found = read(path, Space((Float("lr", 1e-4, 1.0, log=True, expand=True),)), LOSS)
    assert (found.rows, found.timed) == ([{"lr": 9.0}], False)


def test_rows_without_a_trial_number_are_one_curve_for_equal_parameters(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_text("epoch,lr,val_loss\n1,0.1,0.5\n1,0.2,0.6\n2,0.1,0.4\n")
    found = read(path, Space((Float("lr", 1e-4, 1.0),)), LOSS)
    assert values(found, {"lr": 0.1}, 2) == [0.5, 0.4]


ONE = "epoch,lr,val_loss\n1,0.1,0.5\n2,0.1,0.4\n"
LR = Space((Float("lr", 1e-4, 1.0),))


@pytest.mark.parametrize(
    "text",
    [
        ONE.replace(",", ";").replace(".", ","),  # decimal commas
        ONE.replace(",", "\t"),
        ONE.replace("\n", "\r\n\r\n"),
        "\ufeff" + ONE,
        ONE.encode("utf-16"),
        ONE.replace("lr", "config/lr").replace("val_loss", "metrics.val_loss"),
        "epoch,lr,val_loss\n0,0.1,0.5\n1,0.1,0.4\n",  # epochs from 0
    ],
)
def test_the_same_curves_in_other_forms(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "curves.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = read(path, LR, LOSS)
    assert [(one.step, one.metrics) for one in found.curve({"lr": 0.1}, 0, 2).reports] == [
        (1, {"val_loss": 0.5}),
        (2, {"val_loss": 0.4}),
    ]


def test_trials_with_the_parameters_of_an_earlier_one_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_text("trial,epoch,lr,val_loss\n0,1,0.1,0.5\n1,1,0.1,0.4\n")
    found = read(path, LR, LOSS)
    assert (values(found, {"lr": 0.1}, 1), found.equal) == ([0.5], 1)


def test_a_csv_file_of_an_encoding(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_bytes("epoch,lr,val_loss,größe\n1,0.1,0.5,3\n".encode("latin-1"))
    assert values(read(path, LR, LOSS, "latin-1"), {"lr": 0.1}, 1) == [0.5]
    with pytest.raises(BadInput, match="--encoding"):
        read(path, LR, LOSS)


def test_a_parquet_file_of_an_export(tmp_path: Path) -> None:
    columns = {
        "number": [4, 4],
        "step": [1, 2],
        "params.lr": [0.1, 0.1],
        "state": ["FAILED"] * 2,
        "val_loss": [2.0, 1.0],
    }
    pq.write_table(pa.table(columns), tmp_path / "curves.parquet")
    found = read(tmp_path / "curves.parquet", Space((Float("lr", 1e-4, 1.0),)), LOSS)
    curve = found.curve({"lr": 0.1}, 0, 9)
    assert curve.failure is not None
    assert (len(curve.reports), curve.failure.kind) == (2, "error")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("epoch,val_loss\n1,0.5\n", "`lr`"),
        ("trial,lr,val_loss\n1,0.5,0.1\n", "`epoch`"),
        ("epoch,lr,loss\n1,0.5,0.1\n", "`val_loss`"),
        ("epoch,lr,val_loss\n", "no rows"),
        ("epoch,lr,val_loss\n1,,0.5\n", "no trial"),
        ("epoch,lr,val_loss\n1,0.1,0.5\n1,0.1,0.6\n", ":3: epoch 1 is there twice"),
        ("epoch,lr,val_loss\n1,0.1,low\n", ":2: `val_loss`"),
        ("epoch,lr,val_loss\n1.5,0.1,0.5\n", ":2: `epoch`"),
        ("epoch,LR,val_loss\n1,0.1,0.5\n", "did you mean `LR`"),
        ("epoch,lr,val_loss\n1,0.1\n", ":2: has 2 cells"),
    ],
)
def test_a_fault_of_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "curves.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=named):
        read(path, Space((Float("lr", 1e-4, 1.0),)), LOSS)


def test_recorded_trials() -> None:
    space = Space((Float("lr", 1e-4, 1.0),))
    curve = (Report(1, {"val_loss": 0.5}), Report(2, {"val_loss": 0.4}))
    whole = Trial(0, {"lr": 0.1}, 0, 2, State.COMPLETE, curve=curve, busy=6.0, reads_epochs=True)
    trials = [
        whole,
        Trial(1, {"lr": 0.2}, 0, 2, State.PRUNED, curve=curve[:1]),
        Trial(2, {"lr": 0.3}, 0, 2, State.INFEASIBLE),
        Trial(3, {"lr": 0.1}, 0, 2, State.COMPLETE, curve=curve[:1]),
        Trial(4, {"lr": 2.0}, 0, 2, State.COMPLETE, curve=curve),
        Trial(5, {"lr": 0.4}, 0, 2, State.WAITING),
    ]
    found = from_trials(trials, space, LOSS)
    assert [one["lr"] for one in found.rows] == [0.1, 0.2, 0.3]
    assert (found.outside, found.equal, found.shorter, found.timed) == (1, 1, 1, True)
    assert [found.curve({"lr": lr}, 0, 2).reads_epochs for lr in (0.1, 0.2)] == [True, False]
    assert found.curve({"lr": 0.1}, 0, 2).seconds == (3.0, 3.0)
    failure = found.curve({"lr": 0.3}, 0, 2).failure
    assert failure is not None
    assert failure.kind == "infeasible"
    with pytest.raises(BadInput):
        from_trials(trials[2:3], space, LOSS)
