"""Processes with a wall clock of their own, or as if on another machine."""

import os
import shutil
import struct
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SHIM = Path(__file__).with_name("clock_shim.c")
HOUR, DAY = 3600, 86_400


@dataclass
class Clock:
    """The wall clock of processes with these environment variables, and of their children."""

    ahead: Path
    library: Path
    variables: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.variables = {"LD_PRELOAD": str(self.library), "CLOCK_AHEAD": str(self.ahead)}

    def set(self, seconds: int) -> None:
        """Set the clock ahead by so many seconds."""
        with self.ahead.open("r+b") as file:  # the processes have mapped it
            file.write(struct.pack("q", seconds))


class Clocks:
    """Creates clocks. Without a compiler the test is skipped."""

    def __init__(self, folder: Path):
        if (compiler := shutil.which("cc")) is None:
            pytest.skip("needs a C compiler")
        self._folder, self._library = folder, folder / "clock_shim.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", self._library, SHIM, "-ldl"], check=True)

    def __call__(self, seconds: int = 0) -> Clock:
        file = self._folder / f"ahead-{uuid.uuid4().hex}"
        file.write_bytes(struct.pack("q", seconds))
        return Clock(file, self._library)


def another_machine(folder: Path, host: str) -> list[str]:
    """A command that runs another as on a machine of that name: another boot, other pids. Skips where that is refused.

    What it starts ends with it.
    """
    boot = folder / f"boot-{host}"
    boot.write_text(f"{uuid.uuid4()}\n")
    script = 'hostname "$0" && mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && exec "$@"'
    words = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script]
    words += [host, str(boot)]
    try:
        subprocess.run([*words, "true"], check=True, capture_output=True, env={**os.environ, "LD_PRELOAD": ""})
    except (OSError, subprocess.CalledProcessError) as refusal:
        pytest.skip(f"no namespaces here: {refusal}")
    return words
