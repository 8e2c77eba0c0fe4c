"""`python -m tests.benchmarks.traced_run`: one trial of two epochs, from its TOML to MLflow, in one process and traced.

Prints, as JSON, the files of hpsearch that the driver's thread passes through in the order of first calls, and how many
functions, calls and changes of file that takes: all of the run, and the loop alone. What runs while modules are
imported does not count, nor does the thread that writes to MLflow. Run as a file, it traces whatever hpsearch
PYTHONPATH leads to: another checkout, say.
"""

import json
import os
import sys
import tempfile
from contextlib import redirect_stdout
from inspect import CO_OPTIMIZED
from io import StringIO
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

LOOP = str(Path("orchestrator", "loop.py"))
"""From its first call to its last the trial is proposed, trained, judged and recorded: no set-up is in between."""

VALUES = f"core{os.sep}"
"""The room of the values that travel: a call there mostly reads a property, such as the last epoch of a trial."""

STUDY = """
[study]
name = "traced"
metric = "val_loss"
goal = "minimize"
[trainer]
use = "trainer:train"
epochs = 2
[space]
x = { low = 0.0, high = 1.0 }
[search]
method = "random"
trials = 1
[resources]
address = "none"
"""

TRAINER = """
from hpsearch import Report
def train(params, run):
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": params["x"] / epoch})
"""


def traced(folder: Path) -> dict[str, Any]:
    import hpsearch

    root = f"{Path(hpsearch.__file__).parent}{os.sep}"
    calls: list[CodeType] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if (
            event == "call"
            and code.co_flags & CO_OPTIMIZED
            and code.co_filename.startswith(root)
            and not imports(frame)
        ):
            calls.append(code)

    def imports(frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code.co_name == "<module>" and frame.f_code.co_filename.startswith(root):
                return True
            frame = frame.f_back
        return False

    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    (folder / "trainer.py").write_text(TRAINER, encoding="utf-8")
    os.chdir(folder)
    try:
        from hpsearch.cli.main import main
    except ImportError:  # an older checkout
        from hpsearch.cli import main  # type: ignore[attr-defined, no-redef]
    with redirect_stdout(StringIO()):
        sys.setprofile(note)
        code = main(["run", "study.toml", "--quiet"])
        sys.setprofile(None)
    assert code == 0, f"the traced run exits with {code}"
    files = [code.co_filename.removeprefix(root) for code in calls]
    loop = [number for number, file in enumerate(files) if file == LOOP]
    in_loop = slice(loop[0], loop[-1] + 1) if loop else slice(0)
    passed = list(zip(files, calls, strict=True))
    return {
        "order": list(dict.fromkeys(files)),
        "all": _numbers(passed),
        "loop": _numbers(passed[in_loop]),
        "without values": _numbers([one for one in passed[in_loop] if not one[0].startswith(VALUES)]),
    }


def _numbers(passed: list[tuple[str, CodeType]]) -> tuple[int, int, int, int]:
    """Files, functions, calls, changes of file."""
    files = [file for file, _ in passed]
    changes = sum(one != other for one, other in pairwise(files))
    return len(set(files)), len({code for _, code in passed}), len(passed), changes


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        print(json.dumps(traced(Path(place))))
