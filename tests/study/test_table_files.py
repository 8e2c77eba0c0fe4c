"""Rows of CSV and Parquet files; further cases are in tests/records/importers/test_result_table.py."""

import math
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hpsearch.core.errors import BadInput
from hpsearch.study import table_files
from hpsearch.study.table_files import Faults, column_of, rows_of, wrong_numbers


def test_rows_have_the_line_of_their_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a;b\n\n1,5;x\n")
    assert list(rows_of(path)) == [(1, {"a": None, "b": None}), (3, {"a": "1.5", "b": "x"})]
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "table.PQ")
    assert [line for line, _ in rows_of(tmp_path / "table.PQ")] == [0, 1, 2]


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_the_byte_order_mark_names_the_encoding(encoding: str, tmp_path: Path) -> None:
    mark = "\ufeff" if encoding.endswith("e") else ""
    path = tmp_path / "table.csv"
    path.write_bytes(f"{mark}lr;café\n0,5;x\n".encode(encoding))
    assert list(rows_of(path)) == [(1, {"lr": None, "café": None}), (2, {"lr": "0.5", "café": "x"})]


def test_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "MAX_ROWS", 2)
    (tmp_path / "table.csv").write_text("a\n1\n2\n")
    with pytest.raises(BadInput):
        list(rows_of(tmp_path / "table.csv"))


def test_a_column_has_the_name_itself_before_a_prefix() -> None:
    assert column_of(["params.lr", "lr"], ["lr"]) == "lr"
    assert column_of(["loss", "config/lr"], ["learning_rate", "lr"]) == "config/lr"
    assert column_of(["learning_rate"], ["lr"]) is None


def test_only_the_first_faults_are_listed_and_the_others_counted() -> None:
    faults = Faults(Path("folder/table.csv"))
    faults.check()
    for line in range(2, 15):
        faults.add(line, [*wrong_numbers({"loss": "bad", "step": ""}, ["loss"], ["step"])])
    with pytest.raises(BadInput) as refused:
        faults.check("nothing is read")
    lines = str(refused.value).splitlines()
    assert (len(lines), lines[0][:12], lines[-1]) == (12, "table.csv:2:", "nothing is read")
    assert "16" in lines[-2]


def test_empty_cells_and_nan_are_no_wrong_numbers() -> None:
    assert not [*wrong_numbers({"a": "", "b": None, "c": "nan", "d": "3.0"}, ["a", "b", "c"], ["d"])]


def test_tables_in_cells_as_the_script_of_wandb_writes_them(tmp_path: Path) -> None:
    runs = pd.DataFrame(
        {
            "summary": [{"loss": 0.5, "_step": 3}, {"loss": float("nan"), "epoch": 2}, {}],
            "config": [{"lr": 0.1, "optimizer": {"name": "it's"}, "wd": None}, {"lr": 1e-3, "sizes": [64, 32]}, {}],
            "name": ["calm-sea-1", "old-sun-2", "crashed-3"],
        }
    )
    runs.to_csv(tmp_path / "project.csv")
    (_, header), (line, one), (_, two), (_, three) = rows_of(tmp_path / "project.csv")
    assert {"metrics.loss", "config.lr", "config.optimizer.name", "config.wd", "config.sizes", "name"} <= set(header)
    assert (line, one["config.lr"], one["config.optimizer.name"], one["metrics.loss"]) == (2, 0.1, "it's", 0.5)
    assert (two["config.sizes"], two["config.optimizer.name"]) == ([64, 32], None)
    assert math.isnan(two["metrics.loss"])
    assert three["config.lr"] is None
    assert column_of([*header], ["lr"]) == "config.lr"

    (tmp_path / "project.csv").write_text("summary,config\n{},\"{'lr': __import__('os')}\"\n")
    with pytest.raises(BadInput) as refused:
        [*rows_of(tmp_path / "project.csv")]
    assert "project.csv:2: `config`" in str(refused.value)
