"""Disks that are full, read-only, or fail: a small tmpfs, and a shim that is loaded before the C library."""

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
        """Returns False where the system refuses: read-only, while a file on it is open for writing."""
        return subprocess.run(["mount", "-o", ",".join(["remount", *options]), str(self.at)]).returncode == 0

    def resize(self, size: str) -> None:
        assert self.remount(f"size={size}")

    def read_only(self) -> None:
        deadline = time.monotonic() + 30
        while not self.remount("ro"):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def fill(self, leave: int) -> None:
        """Fill the disk until `leave` bytes are free."""
        free = shutil.disk_usage(self.at).free
        with suppress(OSError):  # somebody else may have been quicker
            (self.at / "filling").write_bytes(bytes(max(0, free - leave)))

    def unmount(self) -> None:
        if subprocess.run(["umount", str(self.at)], capture_output=True).returncode:
            subprocess.run(["umount", "--lazy", str(self.at)], check=True)


MountDisk = Callable[[str, str], SmallDisk]


@contextmanager
def mounting(folder: Path) -> Iterator[MountDisk]:
    """A context with a function that mounts a new disk below the folder; at its end all disks are unmounted."""
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
    """Makes writes below `at` fail, in processes with these environment variables, while a fault is set."""

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
    """Check that all checkpoints below the folder are complete, without other files. Returns their number."""
    files = [path for path in folder.rglob("*.pt*") if path.is_file()]
    assert not [path for path in files if path.name.startswith(".")], files
    whole = [path for path in files if path.suffix != ".sha256"]  # best.pt.before is one too
    for path in whole:
        hashed = path.with_name(f"{path.name}.sha256").read_text()
        assert hashlib.sha256(path.read_bytes()).hexdigest() == hashed, f"{path} is half written"
    assert len(files) == 2 * len(whole), files
    return len(whole)


def check_told(said: str, at: Path) -> None:
    """The message has the file, the free space or that it is read-only, and the advice."""
    assert str(at) in said, said
    assert re.search(r"[\d,]+ bytes are free|attempt to write a readonly database; make", said), said
    assert re.search(r"run (it )?again", said), said
    assert "Traceback" not in said, said
