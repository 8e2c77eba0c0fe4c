"""Disks that fill up, turn read-only, or fail: a small tmpfs, and a shim that is loaded before the C library."""

import errno
import hashlib
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SHIM = Path(__file__).with_name("disk_shim.c")


@dataclass
class SmallDisk:
    """A file system of its own, in memory. size: as `mount` takes it, such as "400k"."""

    at: Path

    def remount(self, *options: str) -> bool:
        """Whether the system did it: not read-only while something on it is open for writing."""
        return subprocess.run(["mount", "-o", ",".join(["remount", *options]), str(self.at)]).returncode == 0

    def resize(self, size: str) -> None:
        assert self.remount(f"size={size}")

    def read_only(self) -> None:
        deadline = time.monotonic() + 30
        while not self.remount("ro"):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def fill(self, leave: int) -> None:
        """Until so many bytes are free."""
        free = shutil.disk_usage(self.at).free
        with suppress(OSError):  # somebody else may have been quicker
            (self.at / "filling").write_bytes(bytes(max(0, free - leave)))

    def unmount(self) -> None:
        if subprocess.run(["umount", str(self.at)], capture_output=True).returncode:
            subprocess.run(["umount", "--lazy", str(self.at)], check=True)


MountDisk = Callable[[str, str], SmallDisk]


@contextmanager
def mounting(folder: Path) -> Iterator[MountDisk]:
    """Gives a function that mounts a new disk at a place below the folder; at the end all are unmounted."""
    disks: list[SmallDisk] = []

    def mount(place: str, size: str) -> SmallDisk:
        at = folder / place
        at.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no tmpfs may be mounted here")
        disks.append(SmallDisk(at))
        return disks[-1]

    try:
        yield mount
    finally:
        for disk in disks:
            disk.unmount()


@dataclass
class BadDisk:
    """Writes below `at` fail in the processes that have these variables, while there is a fault."""

    at: str
    fault: Path
    library: Path
    variables: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.variables = {"LD_PRELOAD": str(self.library), "DISK_AT": self.at, "DISK_FAULT": str(self.fault)}

    def fail(self, name: str) -> None:
        """name: of an error, such as "EIO"."""
        beside = self.fault.with_suffix(".new")
        beside.write_text(str(getattr(errno, name)))
        beside.replace(self.fault)

    def recover(self) -> None:
        self.fault.unlink()


def bad_disk(at: str, folder: Path) -> BadDisk:
    """The shim, compiled; skips where there is no compiler."""
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("needs a C compiler")
    library = folder / "disk_shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(SHIM), "-ldl"], check=True)
    return BadDisk(at, folder / "fault", library)


def check_checkpoints(folder: Path) -> int:
    """None below the folder is half written, and nothing lies beside them; how many there are."""
    files = [path for path in folder.rglob("*.pt*") if path.is_file()]
    assert not [path for path in files if path.name.startswith(".")], files
    whole = [path for path in files if path.suffix == ".pt"]
    for path in whole:
        hashed = path.with_name(f"{path.name}.sha256").read_text()
        assert hashlib.sha256(path.read_bytes()).hexdigest() == hashed, f"{path} is half written"
    assert len(files) == 2 * len(whole), files
    return len(whole)


def check_told(said: str, at: Path) -> None:
    """The message names the file, how much room there is or that it may not be written, and what to do."""
    assert str(at) in said, said
    assert re.search(r"[\d,]+ bytes are free|attempt to write a readonly database; make", said), said
    assert re.search(r"run (it )?again", said), said
    assert "Traceback" not in said, said
