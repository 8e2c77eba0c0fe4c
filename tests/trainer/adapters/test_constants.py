"""Scripts that run with other values for their constants."""

from typing import Any

import pytest

from hpsearch.trainer.adapters.constants import with_values
from hpsearch.trainer.failures import ProgramFailed
from tests.trainer.adapters.programs import PATTERN, Programs

SCRIPT = """
lr = 0.1
betas = (0.9, 0.99)
size: int = 28 * 28
params = {"depth": 3, "objective": None}
options = dict(rate=-1)
nested = dict(inner={"rate": 1, "other": dict(x=1)})

class Config:
    width = 16
    name: str = "adam"

def train(momentum=0.9, *, decay=0.1):
    lr_inside = 3
    return momentum, decay

if True:
    epochs = 5
"""


@pytest.mark.parametrize(
    ("name", "value", "read", "expected"),
    [
        ("lr", 0.5, "lr", 0.5),
        ("betas", [0.5, 0.6], "betas", (0.5, 0.6)),
        ("size", 64, "size", 64),
        ("params.depth", 4, "params", {"depth": 4, "objective": None}),
        ("params.objective", "mse", "params", {"depth": 3, "objective": "mse"}),
        ("options.rate", 2, "options", {"rate": 2}),
        ("nested.inner.rate", 2, "nested", {"inner": {"rate": 2, "other": {"x": 1}}}),
        ("nested.inner.other.x", 2, "nested", {"inner": {"rate": 1, "other": {"x": 2}}}),
        ("Config.width", 32, "Config.width", 32),
        ("Config.name", "sgd", "Config.name", "sgd"),
        ("train.momentum", 0.5, "train()", (0.5, 0.1)),
        ("train.decay", 0.5, "train()", (0.9, 0.5)),
        ("epochs", "9", "epochs", 9),
        ("lr", "1e-3", "lr", 1e-3),
    ],
)
def test_values(name: str, value: Any, read: str, expected: Any) -> None:
    space: dict[str, Any] = {}
    exec(compile(with_values(SCRIPT, {name: value}, "train.py"), "train.py", "exec"), space)
    assert eval(read, space) == expected


@pytest.mark.parametrize("name", ["lr_inside", "lrr", "Config"])
def test_other_names(name: str) -> None:
    with pytest.raises(SystemExit, match=name):
        with_values(SCRIPT, {name: 1}, "train.py")


def test_a_script_is_run_with_them(programs: Programs) -> None:
    programs.write("beside.py", "scale = 2")
    text = """
        from pathlib import Path
        from beside import scale
        lr = 0.1
        assert Path(__file__).name == "train.py" and __name__ == "__main__"
        print("val_loss", lr * scale)
    """
    assert programs.curve(programs.script(text, style="constants", metrics=PATTERN), {"lr": 0.5}) == [1.0]
    with pytest.raises(ProgramFailed, match="lrr"):
        programs.curve(programs.script(text, style="constants", metrics=PATTERN), {"lrr": 0.5})
