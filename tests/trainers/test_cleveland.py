import math
import random
from itertools import pairwise

import numpy as np
import pytest

from tests.trainers.conftest import answers, patients, server
from trainers.kit import cleveland
from trainers.kit.cleveland import CATEGORIES, COLUMNS, Encoding, parse
from trainers.kit.fetch import DataMissing, cache_folder


def as_csv(rows: list[list[str]], header: bool = False) -> bytes:
    lines = [",".join(row) for row in ([list(COLUMNS)] if header else []) + rows]
    return ("\n".join(lines) + "\n").encode()


# The table ───────────────────────────────────────────────────────────────────────────────────────


def test_header_row_order_line_ends_grades_and_number_formats_do_not_matter():
    rows = patients(60)
    repository = [[*map(str, map(float, row[:-1])), "3" if row[-1] == "1" else "0"] for row in rows]
    random.Random(1).shuffle(repository)
    ours = parse(as_csv(rows, header=True), "ours")
    theirs = parse(as_csv(repository).replace(b"\n", b"\r\n"), "theirs")
    assert np.array_equal(ours, theirs)
    assert cleveland.sha256(ours) == cleveland.sha256(theirs)


def test_another_value_is_another_sha256():
    rows = patients(20)
    before = cleveland.sha256(parse(as_csv(rows), ""))
    rows[4][COLUMNS.index("ca")] = "?"
    assert cleveland.sha256(parse(as_csv(rows), "")) != before


def test_sick_is_any_grade_above_zero():
    rows = [[*row[:-1], grade] for row, grade in zip(patients(5), "01234", strict=True)]
    assert sorted(cleveland.sick(parse(as_csv(rows), ""))) == [0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("thal", "4", r"f\.csv:2: thal must be one of \(3, 6, 7\), got '4'"),
        ("age", "old", r"f\.csv:2: age must be a number, got 'old'"),
        ("chol", "inf", r"f\.csv:2: chol must be a number, got 'inf'"),
        ("target", "?", r"f\.csv:2: target must be one of \(0, 1, 2, 3, 4\), got '\?'"),
        ("target", "5", r"f\.csv:2: target must be one of \(0, 1, 2, 3, 4\), got '5'"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(column, cell, message):
    rows = patients(3)
    rows[1][COLUMNS.index(column)] = cell
    with pytest.raises(ValueError, match=message):
        parse(as_csv(rows), "f.csv")


def test_a_row_too_short_and_an_empty_file_are_named():
    with pytest.raises(ValueError, match=r"f\.csv:1: a row has 14 values .* this one has 2"):
        parse(b"1,2\n", "f.csv")
    with pytest.raises(ValueError, match="no patient"):
        parse(b"", "f.csv")


# The encoding ────────────────────────────────────────────────────────────────────────────────────


def test_five_numbers_are_standardised_and_the_rest_is_one_hot():
    table = parse(as_csv(patients(100)), "")
    inputs = Encoding.of(table).inputs(table)
    assert inputs.shape == (100, 29)
    assert inputs[:, :5].mean(axis=0) == pytest.approx(np.zeros(5), abs=1e-9)
    assert inputs[:, :5].std(axis=0) == pytest.approx(np.ones(5))
    edges = np.cumsum([5, *map(len, CATEGORIES.values())])
    for first, last in pairwise(edges):
        assert (inputs[:, first:last].sum(axis=1) == 1).all()
    assert (inputs[:, 28] == 0).all()


def test_a_missing_value_counts_as_the_commonest_in_training_and_is_marked():
    rows = patients(50)
    for row in rows:
        row[COLUMNS.index("thal")] = "7"
    encoding = Encoding.of(parse(as_csv(rows), ""))
    rows[0][COLUMNS.index("thal")] = "?"
    one = encoding.inputs(parse(as_csv(rows[:1]), ""))
    assert one[0, 25:].tolist() == [0, 0, 1, 1]  # thal 3, 6, 7; missing


def test_a_missing_number_counts_as_the_mean_and_is_marked():
    rows = patients(50)
    rows[0][COLUMNS.index("chol")] = "?"
    table = parse(as_csv(rows), "")
    inputs = Encoding.of(table).inputs(table)
    without = np.isnan(table[:, COLUMNS.index("chol")])
    assert inputs[without, 2].tolist() == [0]
    assert inputs[:, 28].tolist() == without.astype(float).tolist()


def test_a_column_that_is_constant_in_training_is_no_division_by_zero():
    rows = patients(10)
    for row in rows:
        row[0] = "50"
    table = parse(as_csv(rows), "")
    assert (Encoding.of(table).inputs(table)[:, 0] == 0).all()


def test_a_category_that_training_never_saw_has_its_column():
    rows = patients(30)
    for row in rows:
        row[COLUMNS.index("ca")] = "0"
    encoding = Encoding.of(parse(as_csv(rows), ""))
    rows[0][COLUMNS.index("ca")] = "3"
    assert encoding.inputs(parse(as_csv(rows[:1]), "")).shape == (1, 29)


# Where it comes from ─────────────────────────────────────────────────────────────────────────────

NAME = "processed.cleveland.data"


@pytest.fixture
def repository(empty_cache, monkeypatch) -> bytes:
    """The content that a download is expected to have."""
    rows = patients(40)
    rows[0][COLUMNS.index("ca")] = "?"
    content = as_csv(rows)
    monkeypatch.setattr(cleveland, "SHA256", cleveland.sha256(parse(content, "")))
    return content


def test_it_is_downloaded_once_and_then_read_from_the_cache(repository, tmp_path):
    with server(answers(repository)) as url:
        first = cleveland.table(None, url + NAME)
    assert np.array_equal(first, parse(repository, ""), equal_nan=True)
    assert (cache_folder() / NAME).read_bytes() == repository
    cleveland.table.cache_clear()
    assert np.array_equal(cleveland.table(tmp_path / "no data here", url + NAME), first, equal_nan=True)


def test_a_cached_file_that_is_damaged_is_downloaded_again(repository):
    cache_folder().mkdir(parents=True)
    kept = cache_folder() / NAME
    kept.write_bytes(repository[: len(repository) // 2])
    with server(answers(repository)) as url:
        assert len(cleveland.table(None, url + NAME)) == 40
    assert kept.read_bytes() == repository


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda good: answers(good.replace(b"?", b"1")), "the content of .* is wrong: .*SHA-256"),
        (lambda good: answers(good[: good.rindex(b"\n", 0, -1) + 1]), "the content of .* is wrong: .*SHA-256"),
        (lambda _: answers(b"<html>Moved</html>"), "the content of .* is wrong"),
        (lambda _: answers(b"\xff\xfe"), "the content of .* is wrong"),
        (lambda good: answers(good[:500], promised=len(good)), "failed: the connection was cut after 500 of"),
        (lambda _: answers(b"", status=404), "failed: HTTP Error 404"),
    ],
    ids=["another value", "rows missing", "a web page", "no text", "cut connection", "not found"],
)
def test_a_download_that_is_not_it_is_refused_and_not_kept(repository, answer, reason):
    with server(answer(repository)) as url, pytest.raises(DataMissing, match=reason) as refused:
        cleveland.table(None, url + NAME)
    assert "set HPSEARCH_DATA" in str(refused.value)
    assert "heart_disease/heart_cleveland.csv" in str(refused.value)
    assert not (cache_folder() / NAME).exists()


def test_without_a_network_it_says_where_the_file_should_be(repository):
    with server(answers(b"")) as url:
        pass
    with pytest.raises(DataMissing, match=r"set HPSEARCH_DATA.*failed: .*[Rr]efused"):
        cleveland.table(None, url + NAME)


def test_the_data_folder_comes_first(data_dir):
    table = cleveland.table(data_dir, "http://nowhere.invalid/")
    assert table.shape == (200, 14)
    assert sum(math.isnan(value) for value in table.flatten()) == 2
