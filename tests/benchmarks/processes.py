"""Every measurement has a process of its own: nothing is warm from the one before, and its noise goes to a pipe."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

MAX_SECONDS = 150.0
"""A measurement that takes longer is ended, and the benchmark with it."""


def progress(text: str) -> None:
    print(f"  {text} …", file=sys.stderr, flush=True)


def python(*arguments: object) -> list[str]:
    return [sys.executable, *map(str, arguments)]


def output(command: Sequence[str], folder: Path = ROOT) -> str:
    """What the command prints to stdout. RuntimeError with the end of its stderr where it fails or takes too long."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HPSEARCH_", "MLFLOW_"))}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said, noise = process.communicate(timeout=MAX_SECONDS)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} exits with {process.returncode}\n{noise[-3000:]}")
    return said


def measured(module: str, *arguments: object) -> Any:
    """What a module of tests.benchmarks, run as a process, prints as the last line of its stdout, in JSON."""
    return json.loads(output(python("-m", f"tests.benchmarks.{module}", *arguments)).strip().rpartition("\n")[2])


def seconds(command: Sequence[str], folder: Path = ROOT) -> float:
    """Wall clock of a whole process."""
    began = time.perf_counter()
    output(command, folder)
    return time.perf_counter() - began


def rate(moments: Sequence[float]) -> float:
    """Events per second between the first and the last of them: whatever it took to come up is not in it."""
    return (len(moments) - 1) / (max(moments) - min(moments))
