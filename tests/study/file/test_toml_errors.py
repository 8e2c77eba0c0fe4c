"""The error for a file that is not TOML: the rule and what to write, independent of the words of this Python's tomllib."""
# ruff: noqa: E501 (one slip, one line)

from pathlib import Path

import pytest

from hpsearch.core.errors import StudyFileError
from hpsearch.study.file.reading import parse

ON_ONE_LINE = "an inline table { … } must begin and end on one line, without a comment in it: put it on one line, or write a [table] with one key on each line"
COLON = "a key and its value are joined by `=`, not by `:`: { low = 0, high = 1 }"
NAME = 'a name with characters other than a to z, digits, _ and - is quoted: "{}" = …'
NO_NULL = "TOML has no null: leave the key out, or write a string in quotes"
TRUE = "true or false is written in lower case, without quotes: `true`"
FALSE = TRUE.replace("`true`", "`false`")
DIGITS = "a number has digits before and after its point, and no leading zero: "
UNCLOSED = "a list is not closed: its last `]` is missing"
HEADER = "a table header is in brackets, alone on its line: [study]"
LIST = 'a list is written in brackets: ["sgd", "adam"]'
RENAME = "it can have only one of them: rename one, or put the key into the braces { } of the value"
ONE_VALUE = 'only a comment may follow a value on its line; several values are a list: ["sgd", "adam"]'

SLIPS = [
    # Inline tables
    ("a = {\n b = 1 }", "1:6", ON_ONE_LINE),
    ("a = { b = 1,\n c = 2 }", "1:13", ON_ONE_LINE),
    ("a = { b = 1\n}", "1:12", ON_ONE_LINE),
    ("a = { b = 1, # why\n c = 2 }", "1:14", ON_ONE_LINE),
    ("a = [\n { b = 1,\n c = 2 } ]", "2:10", ON_ONE_LINE),
    ("a = { b = 1, }", "1:14", "an inline table { … } must not end with a comma: remove the last `,`"),
    ("a = { b = 1 c = 2 }", "1:13", "the keys of an inline table { … } are separated by commas"),
    ("a = { low: 1 }", "1:10", COLON),
    ("a = { 'low': 1 }", "1:12", COLON),
    # Words and numbers
    ("a = True", "1:5", TRUE),
    ("a = [1, TRUE]", "1:9", TRUE),
    ("a = { b = False }", "1:11", FALSE),
    ("a = yes # or no", "1:5", TRUE),
    ("a = None", "1:5", NO_NULL),
    ("a = [null]", "1:6", NO_NULL),
    ("a = NaN", "1:5", "not a number is written `nan`, in lower case"),
    ("a = -Infinity", "1:5", "infinity is written `inf`, without capitals"),
    ("a = .1", "1:5", DIGITS + "0.1"),
    ("a = -.5e3", "1:5", DIGITS + "-0.5e3"),
    ("a = 1.", "1:6", DIGITS + "1.0"),
    ("a = { low = 1., high = 2 }", "1:14", DIGITS + "1.0"),
    ("a = 007", "1:6", DIGITS + "7"),
    ("a = 1,000", "1:6", "digits are grouped by `_`, not by commas: 1_000"),
    # Text
    ("a = trainers.digits:train", "1:5", 'text is written in quotes: "trainers.digits:train"'),
    ("a = two words # why", "1:5", 'text is written in quotes: "two words"'),
    ("a = [sgd, adam]", "1:6", 'text is written in quotes: "sgd"'),
    ("a = { b = c d, e = 1 }", "1:11", 'text is written in quotes: "c d"'),
    ("a = 6h", "1:6", 'text is written in quotes: "6h"'),
    ("b = 1\na = 2 c", "2:7", 'text is written in quotes: "2 c"'),
    ("β = 1", "1:1", NAME.format("β")),
    ("[space]\nweight decay = { low = 0 }", "2:8", NAME.format("weight decay")),
    ("val/lr = 1", "1:4", NAME.format("val/lr")),
    ("a = { größe = 1 }", "1:9", NAME.format("größe")),
    ("a = “x”", "1:5", 'a string is written in plain quotes: "text"'),
    ('a = "x', "1:7", 'a string is not closed: its last " is missing'),
    ("a = 'x\nb = 1", "1:7", "a string is not closed: its last ' is missing"),
    ('a = """x\nb', "2:2", 'a string is not closed: its last """ is missing'),
    (r'a = "C:\data"', "1:10", "a backslash begins an escape in \"…\": write '…' with single quotes, or two backslashes"),
    ('a = "x" "y"', "1:9", ONE_VALUE),
    ("a = [1] 2", "1:9", ONE_VALUE),
    ("a = 1; b = 2", "1:6", "each key has its own line, without `;`"),
    ("a = loguniform(1e-5, 1)", "1:5", 'a range is a table, a choice is a list: { low = 1e-5, high = 1.0, log = true }, ["sgd", "adam"]'),
    # Lists
    ("a = (1, 2)", "1:5", LIST),
    ("- a", "1:3", 'a list is written in brackets, not with dashes: ["sgd", "adam"]'),
    ("a = [1 2]", "1:8", "the values of a list are separated by commas"),
    ("a = [1,,2]", "1:8", "a value of the list is missing before `,`"),
    ("a = [1, 2", "1:10", UNCLOSED),
    ("a = [1, 2\nb = 3", "2:1", UNCLOSED),
    # Keys and headers
    ("lr: 0.1", "1:3", "a key and its value are joined by `=`, not by `:`: lr = …"),
    ("lr : { low: 1 }", "1:4", "a key and its value are joined by `=`, not by `:`: lr = …"),
    ("study:\n  a: 1", "1:6", "a table has its name in brackets: [study], and its keys below are `key = value`"),
    ('a "x"', "1:3", "`=` is missing between a key and its value: a = …"),
    ("a 3", "1:3", "`=` is missing between a key and its value: a = …"),
    ("a", "1:2", "a key needs a value: a = …"),
    ("a =\n", "1:4", "a key needs a value; write text in quotes"),
    ("a == 1", "1:4", "one `=` is enough: key = value"),
    ("= 3", "1:1", "a key is missing before `=`"),
    ("= 3\n= 4", "1:1", "a key is missing before `=`"),
    ("[study\na = 1", "1:7", HEADER),
    ("[study] a = 1", "1:9", HEADER),
    ("// why", "1:1", "a comment begins with `#`"),
    # Twice
    ("a = 1\nb = 2\na = [\n3]", "3:1", "the key `a` is given twice: the first is on line 1; put both into one"),
    ("[s]\n  a = 1\n  a = 2", "3:3", "the key `s.a` is given twice: the first is on line 2; put both into one"),
    ("[s]\n[t]\n[s]", "3:1", "the table [s] is given twice: the first is on line 1; put both into one"),
    ("[s.t]\n[s]\n[s]", "3:1", "the table [s] is given twice: the first is on line 2; put both into one"),
    ("a.b = 1\na = 3", "2:1", f"`a` has a value on line 2 and the key `b` on line 1; {RENAME}"),
    ("[s]\na = [1]\na.b = 1", "3:1", f"`a` has a value on line 2 and the key `a.b` on line 3; {RENAME}"),
    ("[space]\na = [1]\na.b = 1", "3:1", f"`a` has a value on line 2 and the key `a.b` on line 3; {RENAME}" '; for two parameters, quote the name with the dot: "a.b" = …'),
    ("[s]\na = { x = 1 }\n[s.a.b]\ny = 1", "3:1", f"`a` has a value on line 2 and the key `a.b` on line 3; {RENAME}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "message"), SLIPS)
def test_a_slip_is_named_with_its_place_and_what_to_write(text, place, message):
    with pytest.raises(StudyFileError) as refused:
        parse(Path("study.toml"), text)
    assert str(refused.value).split("\n")[0] == f"study.toml:{place}: {message}"


def test_what_looks_like_a_password_is_not_suggested():
    with pytest.raises(StudyFileError) as refused:
        parse(Path("study.toml"), "url = postgresql://me:hunter2@host/db")
    assert refused.value.faults[0].message.startswith('text is written in quotes: "…"')
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("text", ["a = @", 'a = "x\x01"', "a\x01 = 1"])
def test_what_is_no_common_slip_keeps_the_words_of_tomllib(text):
    with pytest.raises(StudyFileError) as refused:
        parse(Path("study.toml"), text)
    assert refused.value.faults[0].line == 1


def test_a_table_below_another_and_dotted_keys_are_not_given_twice():
    data, lines = parse(Path("study.toml"), "[s.t]\na.b = 1\na.c = 2\n[s]\n[[r]]\nx = 1\n[[r]]\nx = 2\n")
    assert data["r"] == [{"x": 1}, {"x": 2}]
    assert lines.repeated == []
