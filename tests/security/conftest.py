"""A second, ordinary user of this machine. Made and removed by the tests, which needs root."""

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest


@dataclass(frozen=True)
class OtherUser:
    """name, uid, gid: of the account. folder: the user's own, which everybody may enter."""

    name: str
    uid: int
    gid: int
    folder: Path

    def does(self, action: Callable[[], Any]) -> Any:
        """The result of a function that this user runs, or the name of the class of its exception."""
        reading, writing = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fork of a process with threads: the child only makes system calls
            pid = os.fork()
        if pid == 0:
            self._run(action, writing)
        os.close(writing)
        with open(reading, "rb") as results:  # noqa: PTH123 (a descriptor)
            content = results.read()
        os.waitpid(pid, 0)
        return pickle.loads(content)

    def command(self, *start: str) -> list[str]:
        """It runs as this user, who can read the Python of the tests here, although that may be in a closed folder."""
        rights = [f"--{kind}=-all,+dac_read_search" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", *rights, *start]

    def _run(self, action: Callable[[], Any], writing: int) -> NoReturn:
        try:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)
            result = action()
        except BaseException as problem:
            result = type(problem).__name__
        os.write(writing, pickle.dumps(result))
        os._exit(0)


@pytest.fixture(scope="session")
def other_user() -> Iterator[OtherUser]:
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("useradd") is None:
        pytest.skip("NOT TESTED, what another user of this machine can reach: run as root on Linux, with useradd")
    import pwd

    name = f"hpsearch-test-{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", "--shell", "/bin/false", name], check=True, capture_output=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        account = pwd.getpwnam(name)
        os.chown(folder, account.pw_uid, account.pw_gid)
        folder.chmod(0o755)
        yield OtherUser(name, account.pw_uid, account.pw_gid, folder)
    finally:
        shutil.rmtree(folder)
        subprocess.run(["userdel", name], check=True, capture_output=True)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of this user that everybody may enter: pytest's own folders are closed to others, which would hide what
    hpsearch leaves open."""
    folder = Path(tempfile.mkdtemp(prefix="hpsearch-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
