"""Hostile files: whatever one holds, there is a StudyFileError that says where, and nothing else."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch.core.errors import StudyFileError
from hpsearch.study.definition import Study
from hpsearch.study.space import Float, Int

GOOD = """\
[study]
name = "digits"
metric = "val_loss"
goal = "minimize"
[trainer]
use = "trainers.digits:train"
epochs = 9
options = { layers = 2, act = "relu" }
[space]
lr = { low = 1e-5, high = 1.0, log = true }
drop = { low = 0.0, high = 0.6, step = 0.1 }
opt = ["sgd", "adam"]
momentum = { low = 0.0, high = 0.99, when = { opt = "sgd" } }
batch = 64
[search]
method = "coarse-to-fine"
rounds = [ { trials = 8, epochs = 3 }, { trials = 4, epochs = 9 } ]
[prune]
method = "halving"
[limits]
study = "6h"
[journal]
url = "postgresql://me:${env:PASSWORD}@host/db"
"""
ENVIRONMENT = {"PASSWORD": "hunter2"}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def faults_of(content: bytes) -> str:
    Path("study.toml").write_bytes(content)
    with pytest.raises(StudyFileError) as refused:
        Study.load("study.toml", environment={})
    assert refused.value.exit_code == 2
    return str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[space]\r\nlr = @\r\n", "study.toml:2:6: invalid value\n    lr = @\n         ^"),
        (b"a = 'x\x1b[31m'", "study.toml:1:7: found invalid character '\\x1b'\n    a = 'x [31m'\n          ^"),
        (
            b"seed = 1\nseed2 = " + b"9" * 5000,
            "study.toml:2:9: a number has too many digits\n    seed2 = " + "9" * 40 + "\n            ^",
        ),
        (b"a = 1\nb = 0x" + b"f" * 100_000, "study.toml:2 b: must fit into 64 bits"),
        (b"a = 1\nb = [1, 99999999999999999999]", "study.toml:2 b.1: must fit into 64 bits"),
        (b"name = 1\n# caf\xe9\n", "study.toml:2:6: must be UTF-8, got byte 0xe9"),
        ("name = 1".encode("utf-16"), "study.toml:1:1: must be UTF-8, got byte 0xff"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "study.toml:1: keys and brackets must go at most 32 deep"),
        (b"a" + b".a" * 60_000 + b" = 1", "study.toml:1: keys and brackets must go at most 32 deep"),
        (b"a = 1\n" * 50_000, "study.toml: must have at most 131,072 bytes, got 300,000"),
    ],
)
def test_a_malformed_file_is_named_with_its_place(content, message):
    """The errors for common slips are in test_toml_errors.py."""
    assert faults_of(content) == message


def test_a_password_does_not_show_in_the_line_that_is_quoted():
    message = faults_of(b'[journal]\nurl = "postgresql://me:hunter2@host/db\n')
    assert "hunter2" not in message
    assert message.endswith('    url = "postgresql://**********@host/db\n' + " " * 41 + " ^")


def test_a_long_line_is_cut_around_the_place():
    message = faults_of(b"a = '" + b"x" * 3000 + b"' oops " + b"y" * 3000)
    shown, caret = message.split("\n")[1:]
    assert len(shown) == 104
    assert shown[len(caret) - 1] == "o"


def test_a_byte_order_mark_is_read_over(tmp_path):
    (tmp_path / "study.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert Study.load("study.toml", environment=ENVIRONMENT).study.name == "digits"


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    os.mkfifo("fifo.toml")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    for name, message in {
        "fifo.toml": "fifo.toml: is not a regular file",
        "/dev/zero": "/dev/zero: is not a regular file",
        "folder": "folder: is a folder; name the study file in it",
        "gone.toml": "gone.toml: there is no such file; `hpsearch init` writes a first study file",
        "loop.toml": "loop.toml: cannot be read: Too many levels of symbolic links",
        "nul\0.toml": "nul\0.toml: cannot be read: its name contains a null character",
    }.items():
        with pytest.raises(StudyFileError) as refused:
            Study.load(name)
        assert str(refused.value) == message


def test_another_file_that_was_meant(tmp_path):
    for name in ("digits.toml", "wine.toml"):
        (tmp_path / name).write_text(GOOD)
    for name in ("pyproject.toml", "train.py", "sweep.yaml"):
        (tmp_path / name).write_text("name = 1\n")
    for name, expected in {
        "digit.toml": "`digits.toml`",
        "digits": "`digits.toml`",
        "other.toml": "digits.toml, wine.toml",
        ".": "digits.toml",
        "train.py": "`hpsearch init --from train.py`",
        "sweep.yaml": "`hpsearch init --from sweep.yaml`",
    }.items():
        with pytest.raises(StudyFileError) as refused:
            Study.load(name)
        assert expected in str(refused.value)
        assert "pyproject" not in str(refused.value)


def test_a_huge_file_is_refused_unread(tmp_path):
    with Path("study.toml").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(StudyFileError, match="must have at most 131,072 bytes, got 1,073,741,824"):
        Study.load("study.toml")


@pytest.mark.parametrize(
    "content",
    [
        b"".join(b"k%d=1\n" % i for i in range(12_000)),
        b"[space]\n" + b"".join(b"k%d={low=2,high=1}\n" % i for i in range(6_000)),
        b"[space]\n" + b"".join(b"k%d=[]\n" % i for i in range(12_000)),
        b"[search]\nmethod='coarse-to-fine'\nrounds=[" + b"{}," * 40_000 + b"]",
        b"[space]\nx={low=0,high=1,grid=[" + b"9," * 60_000 + b"]}",
        b"[study]\nname='" + b"x" * 100_000 + b"'",
        b"[study]\n" + b"x" * 100_000 + b"=1",
        b'"""' + b'\\"""' * 30_000,
    ],
    ids=["tables", "ranges", "lists", "rounds", "grid", "name", "key", "quotes"],
)
def test_a_flood_of_faults_is_cut(content):
    message = faults_of(content)
    assert "131,072" not in message
    assert message.count("\n") <= 101
    assert max(map(len, message.split("\n"))) < 1000


# Fuzzing ─────────────────────────────────────────────────────────────────────────────────────────

fuzzing = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])


def load_or_refuse(content: bytes, overrides: tuple[str, ...] = ()) -> None:
    Path("study.toml").write_bytes(content)
    outcome = loaded(overrides)
    assert outcome.faults if isinstance(outcome, StudyFileError) else isinstance(outcome, Study)
    for leak in ("hunter2", "Input should", "is not valid, got"):
        assert leak not in str(outcome)


def loaded(overrides: tuple[str, ...]) -> Study | StudyFileError:
    try:
        return Study.load("study.toml", overrides, ENVIRONMENT)
    except StudyFileError as refused:
        return refused


@fuzzing
@given(st.binary(max_size=300))
def test_random_bytes(content):
    load_or_refuse(content)


@fuzzing
@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.text(alphabet="ab01=.,[]{}\"'-_ \n\\$:#é", max_size=8))
def test_a_good_file_with_a_piece_changed(start, length, piece):
    load_or_refuse((GOOD[:start] + piece + GOOD[start + length :]).encode())


VALUES = [
    *("nan", "-inf", "1e400", "0", "-1", "1.0", "true", '""', '"x"', '"%"', '"../x"', '"é ü"', "[]", "[[]]", "{}"),
    *(
        "[1, true]",
        "[1, 1]",
        "1979-05-27",
        "07:32:00",
        "9223372036854775807",
        "-9223372036854775808",
        "1e308",
        "5e-324",
    ),
    *("{ low = 1, high = 2 }", "{ low = -1e308, high = 1e308 }", "{ low = 1e-300, high = 1e300, step = 1e-300 }"),
    *("{ values = [1], when = { opt = 1 } }", '{ when = { lr = "x" } }', '"${env:NONE}"', '"${env:"', '"a:b"', '"5m"'),
    *("{ low = -9223372036854775808, high = 9223372036854775807, log = true }", "[{ trials = 1, epochs = 1 }]"),
    *("{ low = 0, high = 1, grid = [0.5, nan] }", "{ low = 1, high = 9, points = 3, when = { momentum = 0.5 } }"),
]
LEAVES = [
    *("study", "study.name", "study.metric", "study.goal", "study.seed", "study.at", "trainer", "trainer.use"),
    *("trainer.epochs", "trainer.options", "trainer.options.act", "space", "space.lr", "space.lr.low", "space.lr.high"),
    *("space.lr.log", "space.lr.step", "space.lr.when", "space.lr.points", "space.lr.grid", "space.opt", "space.batch"),
    *(
        "space.momentum.when.opt",
        "search",
        "search.method",
        "search.rounds",
        "search.rounds.0",
        "search.rounds.1.epochs",
    ),
    *("search.trials", "search.sampler", "search.keep", "prune", "prune.method", "prune.min_epochs", "prune.eta"),
    *("prune.lower", "early_stopping", "early_stopping.patience", "resources.workers", "resources.address"),
    *("resources.per_trial", "resources.per_trial.gpus", "resources.per_trial.memory", "limits.study", "limits.trials"),
    *("journal", "journal.url", "tracking", "tracking.mlflow", "unknown", "unknown.key", "space.unknown"),
]


@fuzzing
@given(st.lists(st.tuples(st.sampled_from(LEAVES), st.sampled_from(VALUES)), min_size=1, max_size=4))
def test_a_good_file_with_values_changed(changes):
    load_or_refuse(GOOD.encode(), tuple(f"{key}={value}" for key, value in changes))


@fuzzing
@given(st.lists(st.text(alphabet="abst.lr=\"'[]{}0\n ", max_size=20), max_size=3))
def test_any_text_after_set(overrides):
    load_or_refuse(GOOD.encode(), tuple(overrides))


def test_the_file_that_is_fuzzed_is_good():
    tomllib.loads(GOOD)
    load_or_refuse(GOOD.encode())


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("{ low = 16, high = 1e3 }", Int),
        ("{ low = 1e1, high = 500, log = true }", Int),
        ("{ low = 16, high = 1000.0 }", Float),
        ("{ low = 0, high = 1.0 }", Float),
        ("{ low = 1e1, high = 1e3 }", Float),
        ("{ low = 0, high = 1e-3 }", Float),
    ],
)
def test_a_whole_number_with_an_exponent(tmp_path: Path, written: str, kind: type) -> None:
    file = tmp_path / "study.toml"
    before, after = GOOD.split("batch = 64")
    file.write_text(f"{before}x = {written}{after}")
    study = Study.load(file, environment=ENVIRONMENT)
    assert type(study.space["x"]) is kind
    overrides = [f"space.x={written}", "trainer.options.layers=1e3"]
    study = Study.load(file, overrides, ENVIRONMENT)
    assert type(study.space["x"]) is kind
    assert type(study.trainer.options["layers"]) is float
