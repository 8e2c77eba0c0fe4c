"""Rows of CSV and Parquet files; further cases are in tests/records/importers/test_result_table.py."""

from pathlib import Path

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
