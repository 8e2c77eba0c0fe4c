"""A searched parameter that the trainer never reads is a warning after the first trial; the only one ends the study."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch.core.errors import TrainerError
from hpsearch.orchestrator import trainer_findings

Run = Callable[..., hpsearch.RunResult]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr(sys, "path", [*sys.path])

    def started(body: str, space: dict[str, Any], **sections: Any) -> hpsearch.RunResult:
        (tmp_path / "reading_trainer.py").write_text(
            f"from dataclasses import dataclass\nfrom hpsearch import Report\n\n{body}\n"
        )
        study = {
            "study": {"name": "reads", "metric": "val_loss", "goal": "minimize"},
            "trainer": {"use": "reading_trainer:train", "epochs": 2, **sections.pop("trainer", {})},
            "space": space,
            "search": {"method": "random", "trials": 3},
            "resources": {"address": "none"},
            "tracking": {"mlflow": "none"},
        }
        return hpsearch.run(hpsearch.Study.from_dict(study | sections, folder=tmp_path))

    yield started
    sys.modules.pop("reading_trainer", None)


def trainer(read: str, params: str = "params") -> str:
    return (
        f"def train({params}, run):\n    for epoch in run.epochs():\n        x = {read}\n"
        '        yield Report(epoch, {"val_loss": x / epoch})'
    )


RANGE = {"low": 0.1, "high": 1.0}
TWO = {"x": RANGE, "lr": RANGE}


def warnings(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if "never reads" in line]


def test_it_is_said_once_and_on_record(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(trainer('params["x"] + params.get("learning_rate", 1.0)'), TWO)
    (warning,) = warnings(capsys)
    assert "`lr`" in warning
    assert "`learning_rate`" in warning
    decisions = hpsearch.load(tmp_path / ".hpsearch").decisions
    assert list(decisions["kind"]).count("warning") == 1


@pytest.mark.parametrize(("steps", "warned"), [("range(100, 301, 100)", 1), ("range(2, 9, 2)", 0), ("range(1, 9)", 0)])
def test_a_trainer_that_counts_steps_beyond_the_epochs(run: Run, tmp_path: Path, steps: str, warned: int) -> None:
    run(trainer('params["x"]').replace("run.epochs()", steps), {"x": RANGE})
    kinds = list(hpsearch.load(tmp_path / ".hpsearch").decisions["kind"])
    assert (kinds.count("warning"), kinds.count("complete")) == (warned, 3)


def test_a_dataclass(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run("@dataclass\nclass P:\n    x: float\n    lr: float\n\n" + trainer("params.x", "params: P"), TWO)
    (warning,) = warnings(capsys)
    assert "`lr`" in warning


def test_the_lists_and_tables_of_a_dataclass_are_named_once(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    space = {"n": {"low": 1, "high": 3}, "w": {"count": "n", "low": 1, "high": 9}, "o.lr": RANGE}
    classes = "@dataclass\nclass O:\n    lr: float\n\n@dataclass\nclass P:\n    n: int\n    w: list[int]\n    o: O\n\n"
    run(classes + trainer("params.n", "params: P"), space)
    (warning,) = warnings(capsys)
    assert "`o`, `w`" in warning


SIDE_BY_SIDE = [{"repeats": 2}, {"validation": {"folds": 2}}, {"validation": {"folds": 2}, "repeats": 2}]


@pytest.mark.parametrize("section", SIDE_BY_SIDE)
@pytest.mark.parametrize("params", ["params", "params: P"])
def test_folds_and_repeats(run: Run, capsys: pytest.CaptureFixture[str], section: dict[str, Any], params: str) -> None:
    dataclass = "@dataclass\nclass P:\n    x: float\n    lr: float\n\n"
    read = "(run.fold, params.x)[1]" if ":" in params else '(run.fold, params["x"] * params.get("rate", 1))[1]'
    run(dataclass + trainer(read, params), TWO, trainer=section)
    (warning,) = warnings(capsys)
    assert "`lr`" in warning
    assert ("`rate`" in warning) == (":" not in params)


@pytest.mark.parametrize("section", SIDE_BY_SIDE)
def test_a_parameter_that_one_fold_or_repeat_reads(
    run: Run, capsys: pytest.CaptureFixture[str], section: dict[str, Any]
) -> None:
    first = "run.fold.number == 1" if "validation" in section else "run.seed == 0"
    run(trainer(f'(run.fold, params["x"] + (params["lr"] if {first} else 0))[1]'), TWO, trainer=section)
    assert not warnings(capsys)


@pytest.mark.parametrize("read", ['params["x"] + params["lr"]', "sum(params.values())", "sum({**params}.values())"])
def test_all_are_read(run: Run, capsys: pytest.CaptureFixture[str], read: str) -> None:
    run(trainer(read), TWO)
    assert not warnings(capsys)


GENERATOR = 'def train({}):\n    for epoch in run.epochs():\n        yield Report(epoch, {{"val_loss": ({}) / epoch}})'
FUNCTION = "def train({}):\n    return {}"


@pytest.mark.parametrize("form", [GENERATOR, FUNCTION])
@pytest.mark.parametrize(
    ("arguments", "read", "unread"),
    [
        ("x, lr, run", "x * lr", ""),
        ("x, lr, run", "x", "lr"),
        ("run, *, lr, x", "(lambda: x)()", "lr"),
        ("run, **params", 'params["x"] + params["lr"]', ""),
        ("run, **params", 'params["x"] + params.get("rate", 1)', "lr"),
        ("run, **params", "sum(params.values())", ""),
        ("run, **params", "max(dict(**params).values())", ""),
        ("x, run, **rest", 'x + rest["lr"]', ""),
        ("x, run, **rest", "x", "lr"),
        ("x, lr, run", "sum(v for v in locals().values() if isinstance(v, float))", ""),
    ],
)
def test_parameters_as_arguments(
    run: Run, capsys: pytest.CaptureFixture[str], form: str, arguments: str, read: str, unread: str
) -> None:
    run(form.format(arguments, read), TWO)
    said = warnings(capsys)
    assert len(said) == bool(unread)
    assert all(f"never reads `{unread}`" in line for line in said)
    assert all(("`rate`" in line) == ("rate" in read) for line in said)


COPIES = [
    "{**DEFAULTS, **params}",
    "dict(DEFAULTS, **params)",
    "SimpleNamespace(**DEFAULTS | params)",
    "AttrDict({**DEFAULTS, **params})",
]


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("is_used", [True, False])
def test_a_copy_of_all_parameters(run: Run, capsys: pytest.CaptureFixture[str], copy: str, is_used: bool) -> None:
    read = "config.{}" if copy[0] in "SA" else 'config["{}"]'
    second = read.format("lr" if is_used else "learning_rate")
    body = (
        "from types import SimpleNamespace\nDEFAULTS = {'learning_rate': 1.0}\n"
        "class AttrDict(dict):\n    __getattr__ = dict.__getitem__\n\n"
        f"def train(params, run):\n    config = {copy}\n    for epoch in run.epochs():\n"
        f'        yield Report(epoch, {{"val_loss": {read.format("x")} + {second}}})'
    )
    run(body, TWO)
    said = warnings(capsys)
    assert len(said) == (not is_used)
    assert all("`lr`" in line and "`learning_rate`" in line for line in said)


def test_a_conditional_parameter_counts_where_it_applies(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    space = {"x": RANGE, "kind": ["a", "b"], "momentum": {**RANGE, "when": {"kind": "b"}}}
    read = 'params["x"] + (params["momentum"] if params["kind"] == "b" else 0.0)'
    run(trainer(read), space, search={"method": "random", "trials": 8})
    assert not warnings(capsys)


def test_options_need_not_be_read(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(trainer('params["x"]'), {"x": RANGE}, trainer={"options": {"depth": 3}})
    assert not warnings(capsys)


def test_the_only_searched_parameter_is_misspelt(run: Run) -> None:
    with pytest.raises(TrainerError, match=r"`x`.*`y`"):
        run(trainer('params.get("y", 1.0)'), {"x": RANGE})


def test_a_trainer_that_reads_nothing(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """It may be a first draft: its study runs."""
    assert len(run(trainer("1.0"), {"x": RANGE}).history) == 3
    assert len(warnings(capsys)) == 1


def test_metric_names_without_end_stop_the_study(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer_findings, "MAX_METRIC_NAMES", 5)
    body = (
        "def train(params, run):\n    for epoch in run.epochs():\n        x = sum(dict(params).values())\n"
        '        yield Report(epoch, {"val_loss": x, f"{x}-{epoch}-a": x, f"{x}-{epoch}-b": x})'
    )
    with pytest.raises(TrainerError) as stopped:
        run(body, TWO)
    assert "different metrics; the maximum is 5" in str(stopped.value)
