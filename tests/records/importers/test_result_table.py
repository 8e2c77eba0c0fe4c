"""Results in CSV and Parquet files: what is read, and what is refused."""

import math
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.imported import MAX_IMPORTED
from hpsearch.core.trial import Objective, State
from hpsearch.records.importers.result_table import read
from hpsearch.study.earlier_names import Earlier
from hpsearch.study.earlier_results import fitted
from hpsearch.study.space import Choice, Float, Int, Space

SPACE = Space((Float("lr", 0.0, 1.0), Int("units", 1, 64), Choice("opt", ("sgd", "adam"))))
LOSS = Objective("loss", "minimize")
HEADER = "lr,units,opt,loss"
GOOD = f"{HEADER}\n0.1,8,sgd,0.5\n0.2,16,adam,0.4\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "results.csv"


def found(path: Path, text: str | bytes, columns: dict[str, str] | None = None, **options: Any) -> list[Any]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    space = options.pop("space", SPACE)
    return read(path, space, LOSS, columns or {}, options.pop("encoding", None))


def values(*args: Any, **options: Any) -> list[list[tuple[int, float]]]:
    return [list(one.values) for one in found(*args, **options)]


def problem(*args: Any, **options: Any) -> str:
    with pytest.raises(BadInput) as refused:
        found(*args, **options)
    return str(refused.value)


def test_a_row_is_a_trial(table: Path) -> None:
    one, two = found(table, GOOD)
    assert (one.label, dict(one.params)) == ("line 2", {"lr": "0.1", "units": "8", "opt": "sgd"})
    assert (list(two.values), two.state) == ([(0, 0.4)], None)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace(",", ";").replace(".", ","),  # decimal commas
        "\ufeff" + GOOD,
        GOOD.encode("utf-16"),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace(HEADER, "params.lr,params_units,config/opt,metrics.loss"),
        GOOD.replace("0.5\n", '"0.5"\n'),
        GOOD.replace(",", "|"),
        GOOD.replace(",", ", "),
    ],
)
def test_the_same_table_in_other_forms(table: Path, text: str | bytes) -> None:
    assert values(table, text) == values(table, GOOD)
    assert found(table, text)[0].params["lr"] == "0.1"


def test_a_table_of_optuna(table: Path) -> None:
    """`trials_dataframe().to_csv()`: `value` is the objective, and None is an empty cell."""
    space = Space((*SPACE.parameters[:2], Choice("clip", ("none", 0.5), none=True)))
    text = ",number,value,params_lr,params_units,params_clip,state\n0,0,0.5,0.1,8,,COMPLETE\n1,1,0.4,0.1,8,0.5,PRUNED\n"
    one, two = found(table, text, space=space)
    assert (list(one.values), list(two.values)) == ([(0, 0.5)], [(0, 0.4)])
    assert [fitted(space, trial.params) for trial in (one, two)] == [
        {"lr": 0.1, "units": 8, "clip": "none"},
        {"lr": 0.1, "units": 8, "clip": 0.5},
    ]


def test_cells_without_a_value(table: Path) -> None:
    cells = ("NA", "n/a", "null", "None", "")
    assert values(table, f"{HEADER}\n" + "".join(f"0.1,8,sgd,{cell}\n" for cell in cells)) == [[]] * len(cells)


def test_columns_with_other_names(table: Path) -> None:
    text = GOOD.replace(HEADER, "learning_rate,units,opt,score")
    assert values(table, text, {"lr": "learning_rate", "loss": "score"}) == values(table, GOOD)


def test_former_names_and_parameters_that_were_added(table: Path) -> None:
    space = Space(
        (*SPACE.parameters, Float("drop", 0.0, 1.0)), earlier={"drop": Earlier(0.0), "lr": Earlier(None, "rate")}
    )
    one, _ = found(table, GOOD.replace("lr,", "rate,"), space=space)
    assert dict(one.params) == {"lr": "0.1", "units": "8", "opt": "sgd"}


def test_latin_1(table: Path) -> None:
    text = GOOD.replace("sgd", "é").encode("latin-1")
    assert "--encoding latin-1" in problem(table, text)
    assert found(table, text, encoding="latin-1")[0].params["opt"] == "é"
    assert "klingon" in problem(table, text, encoding="klingon")


def test_curves(table: Path) -> None:
    """With a column of trials their rows may be mixed; without one, a trial begins where the parameters change, or the
    step does not rise. Steps from 0 are shifted."""
    rows = "0.1,8,sgd,0.5,{0},a\n0.1,8,sgd,0.4,{1},a\n0.1,8,sgd,0.6,{0},b\n0.1,8,sgd,0.3,{1},b\n"
    curves = [[(1, 0.5), (2, 0.4)], [(1, 0.6), (2, 0.3)]]
    assert values(table, f"{HEADER},epoch,trial\n" + rows.format(1, 2)) == curves
    assert values(table, f"{HEADER},step,ignored\n" + rows.format(0, 1)) == curves
    assert values(table, f"{HEADER},t,id\n" + rows.format(0, 1), {"step": "t", "trial": "id"}) == curves


def test_states(table: Path) -> None:
    text = f"{HEADER},State\n" + "".join(f"0.1,8,sgd,0.5,{state}\n" for state in ("crashed", "finished", "PRUNED"))
    assert [one.state for one in found(table, text)] == [State.FAILED, None, State.PRUNED]


def test_a_metric_that_is_missing_or_not_finite(table: Path) -> None:
    one, two, three = values(table, f"{HEADER}\n0.1,8,sgd,\n0.1,8,sgd,nan\n0.1,8,sgd,-inf\n")
    assert one == []
    assert math.isnan(two[0][1])
    assert three == [(0, -math.inf)]


def test_all_missing_columns_at_once(table: Path) -> None:
    text = problem(table, "learning,units,optim,val_loss\n0.1,8,sgd,0.5\n", {"lr": "lern", "lrr": "units"})
    for part in ("`opt`", "`loss`", "did you mean `learning`?", "did you mean `lr`?", "--columns"):
        assert part in text


def test_all_wrong_cells_at_once(table: Path) -> None:
    text = problem(table, f"{HEADER}\nhigh,8,sgd,0.5\n0.1,8.5,sgd,0.5\n0.1,8,sgd,good\n")
    for line, column in ((2, "lr"), (3, "units"), (4, "loss")):
        assert f"results.csv:{line}: `{column}` must be" in text


def test_many_wrong_cells_are_counted(table: Path) -> None:
    assert "and 15 more" in problem(table, f"{HEADER}\n" + "x,8,sgd,0.5\n" * 25)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "empty"),
        ("lr,lr,units,opt,loss\n", "has the column `lr` twice"),
        (f"{HEADER}\n0,1,8,sgd,0,5\n", ":2: has 6 cells, and the header has 4"),
        (f"{HEADER}\n0.1,8,sgd\n", ":2: has 3 cells"),
        (f"{HEADER},epoch\n0.1,8,sgd,0.5,two\n", "`epoch` must be a whole number"),
    ],
)
def test_what_is_no_table(table: Path, text: str, part: str) -> None:
    assert part in problem(table, text)


def test_too_many_trials(table: Path) -> None:
    """Reading stops there, however long the file is."""
    text = f"{HEADER}\n" + "0.1,8,sgd,0.5\n" * (MAX_IMPORTED + 1) + "not,a,row\n"
    assert f"more than {MAX_IMPORTED:,} trials" in problem(table, text)


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "results.parquet"
    pq.write_table(pa.table({"lr": [0.1], "units": [8], "opt": ["sgd"], "loss": [None]}), path)
    (one,) = read(path, SPACE, LOSS, {}, None)
    assert (dict(one.params), list(one.values)) == ({"lr": 0.1, "units": 8, "opt": "sgd"}, [])
    path.write_bytes(b"nothing")
    with pytest.raises(BadInput):
        read(path, SPACE, LOSS, {}, None)
