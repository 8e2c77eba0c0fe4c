"""Screens that fit the terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

from hpsearch.cli.text.layout import in_blocks, table, width, wrapped

SENTENCE = "a validation loss that rises again while the training loss falls is a sign of overfitting"
ROWS = [
    ["trial", "name", "why"],
    ["3", "short", SENTENCE],
    ["12", "a-name-without-any-space-that-is-longer-than-its-column", "no reason"],
]


def at(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))


def test_width_is_that_of_the_terminal_and_a_pipe_has_no_limit() -> None:
    code = "from hpsearch.cli.text.layout import width; print(width())"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 73, 0, 0))
    subprocess.run([sys.executable, "-c", code], stdout=theirs, env=environment, check=True)
    assert os.read(ours, 100).strip() == b"73"
    piped = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment, check=True)
    assert piped.stdout.strip() == b"None"


def test_columns_names_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 61)
    assert width() == 61


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_a_table_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    at(monkeypatch, columns)
    lines = table(ROWS, narrow=(1, 2), lines=None).splitlines()
    assert all(len(line) <= columns for line in lines)
    assert [line.split()[0] for line in lines if line[0] != " "] == ["trial", "3", "12"]
    words = {word for row in ROWS for cell in row for word in cell.split()}
    assert {word for line in lines for word in line.split() if "…" not in word} <= words


def test_a_cell_of_many_lines_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 40)
    assert table(ROWS[:2], narrow=(2,)).splitlines() == [
        "trial  name   why",
        "3      short  a validation loss that",
        "              rises again while the",
        "              training loss falls is a …",
    ]


def test_a_wrapped_cell_keeps_its_indentation(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 24)
    rows = [["* the best of them all", "0.5"], ["  another one of many", "0.25"]]
    assert table(rows, narrow=(0,)).splitlines() == [
        "* the best of them  0.5",
        "  all",
        "  another one of    0.25",
        "  many",
    ]


def test_a_table_that_fits_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 200)
    assert table(ROWS, narrow=(1, 2)).splitlines()[1].split(maxsplit=2) == ROWS[1]


def test_a_column_keeps_a_few_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 5)
    assert "a-n…lumn" in table(ROWS, narrow=(1,))


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("epochs until it converged", ["epochs until it", "  converged"]),
        ("  advice  lower the learning rate", ["  advice  lower the", "          learning", "          rate"]),
        ("    indented twice by two", ["    indented twice", "      by two"]),
        ("a /very/long/path/that/stays/whole here", ["a", "  /very/long/path/that/stays/whole", "  here"]),
        ("weight-decay-of-0.1 is", ["weight-decay-of-0.1", "  is"]),
        ("", [""]),
    ],
)
def test_a_long_line_wraps_below_its_text(monkeypatch: pytest.MonkeyPatch, line: str, lines: list[str]) -> None:
    at(monkeypatch, 20)
    assert wrapped(line).splitlines() == [one for one in lines if one]


def test_blocks_have_the_first_column_each(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 20)
    rows = [["trial", "lr", "momentum"], ["0", "0.001", "0.9"]]
    assert in_blocks(rows).splitlines() == ["trial  lr", "0      0.001", "", "trial  momentum", "0      0.9"]
    at(monkeypatch, 60)
    assert in_blocks(rows).splitlines() == ["trial  lr     momentum", "0      0.001  0.9"]


def test_columns_are_narrowed_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one stays whole while the others have room enough."""
    rows = [["a study with a long name", "5 complete, 3 failed", "0.08788 (trial 2, epoch 12)"]]
    at(monkeypatch, 66)
    assert table(rows, narrow=(0, 1, 2)).splitlines() == [
        "a study with a  5 complete, 3 failed  0.08788 (trial 2, epoch 12)",
        "long name",
    ]
    at(monkeypatch, 60)
    assert table(rows, narrow=(0, 1, 2)).splitlines() == [
        "a study with a  5 complete, 3  0.08788 (trial 2, epoch 12)",
        "long name       failed",
    ]
    at(monkeypatch, 50)
    assert all(len(line) <= 50 for line in table(rows, narrow=(0, 1, 2)).splitlines())
