"""SQLite: opening and copying its file, checks of the file system, and advice for its errors."""

import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine

from hpsearch.core.errors import BadInput, JournalError
from hpsearch.core.folders import FILE_MODE, make_private, umask

BUSY_TIMEOUT = 90.0
"""Seconds to wait for the lock of another process, unless a transaction has its own limit."""

_ADVICE = {
    "SQLITE_BUSY": "another process has locked it: wait until that process is done, or end it",
    "SQLITE_CORRUPT": "it is damaged: `sqlite3 FILE .recover` may save what is in it",
    "SQLITE_READONLY": "make the file and its folder writable",
    "SQLITE_CANTOPEN": "make the file and its folder readable and writable",
    "SQLITE_FULL": "make room",
    "SQLITE_IOERR": "its disk fails or is full: check the disk",
}

_LOCKS = Path("/proc/locks")

_WRITE_LOCK = "120"
"""The byte of the -shm file that a writer locks (https://www.sqlite.org/walformat.html, "WAL Locks")."""


def engine(url: URL, path: Path, *, create: bool) -> Engine:
    """create: whether a connection may create the file. `Database` begins transactions."""
    return sa.create_engine(url, creator=lambda: _connect(path, create), paramstyle="named", hide_parameters=True)


def make_file(path: Path) -> None:
    """Create folder and file, with a write-ahead log (a property of the file): readers do not block the writer."""
    try:
        make_private(path.parent)
    except OSError as error:
        raise JournalError(
            f"journal {path}: its folder cannot be made: {error}\n"
            "set HPSEARCH_HOME to a folder that can be written, or journal.url to a file in one"
        ) from error
    with suppress(OSError):  # SQLite reports the error; its other files get the mode of this one
        path.touch(FILE_MODE & ~umask())
    with closing(_connect(path, create=True)) as connection:
        _use_wal(connection, time.monotonic() + BUSY_TIMEOUT)


def back_up(path: Path, to: Path) -> None:
    """Copy the committed state of the file, also while it is in use. A copy that fails is removed."""
    try:
        to.touch(path.stat().st_mode & FILE_MODE)
        with closing(_connect(path, create=False)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def is_busy(error: BaseException) -> bool:
    """Whether another process has locked the file."""
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def advice(error: BaseException, path: Path) -> str:
    """What the user can do about an error."""
    name = getattr(error, "sqlite_errorname", "")
    todo = next((text for kind, text in _ADVICE.items() if name.startswith(kind)), f"fix this ({name})")
    if is_busy(error) and (pid := writing_process(path)) is not None:
        todo = f"process {pid} has locked it: wait until it is done, or end it"
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")):
        with suppress(OSError):
            todo = f"{shutil.disk_usage(path.parent).free:,} bytes are free in {path.parent}: {todo}"
    return todo


def writing_process(path: Path) -> int | None:
    """The pid of another process that holds the write lock of the file; None if there is none, or if it cannot be
    determined (macOS, another pid namespace)."""
    with suppress(OSError):
        inode = Path(f"{path}-shm").stat().st_ino
        return next(_pids_of_write_locks(_LOCKS.read_text(), inode), None)
    return None


def _pids_of_write_locks(locks: str, inode: int) -> Iterator[int]:
    """proc_locks(5): "1: POSIX  ADVISORY  WRITE 13028 fe:00:2238387 120 120".

    A query of the lock itself (F_GETLK) needs a descriptor, and closing that drops SQLite's own locks in this process.
    """
    for line in locks.splitlines():
        match line.split():
            case [_, "POSIX", _, "WRITE", pid, file, first, _] if file.endswith(f":{inode}") and first == _WRITE_LOCK:
                if int(pid) not in (0, -1, os.getpid()):  # 0 and -1: of another pid namespace, and of no process
                    yield int(pid)


def _connect(path: Path, create: bool) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode={'rwc' if create else 'rw'}"
    # isolation_level None: SQLAlchemy begins transactions (see its page on pysqlite), so that they can be IMMEDIATE.
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")  # committed data survives a power failure
    except BaseException:  # such as for a file that is not a database
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # SQLite applies no busy timeout here, if another process opens the same new file.
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


# The file system ────────────────────────────────────────────────────────────────────────────────
#
# Network file systems are refused: a write-ahead log needs shared memory and reliable locks: "WAL does not work over a
# network filesystem" (https://www.sqlite.org/wal.html), and locks over NFS have destroyed databases
# (https://www.sqlite.org/faq.html#q5).

_MOUNTINFO = Path("/proc/self/mountinfo")
"""Linux only. On macOS, `mount` is run instead."""

_NETWORK = re.compile(
    r"(fuse\.)?(9p|afpfs|afs|beegfs|blobfuse2?|ceph(-fuse)?|cifs|coda|curlftpfs|davfs2?|fhgfs|gcsfuse|geesefs|gfs2|"
    r"glusterfs|goofys|gpfs|grpcfuse|juicefs|lizardfs|lustre|mfs|moosefs|mount-s3|mountpoint-s3|ncpfs|nfs4?|ocfs2|"
    r"orangefs|panfs|pvfs2|quobyte|rclone|s3fs|s3ql|seaweedfs|smb[23]|smbfs|sshfs|vboxsf|weed|wekafs|webdav)"
)
"""Types of network file systems, and of folders that a virtual machine shares with its host."""


@dataclass(frozen=True)
class Mount:
    """A mounted file system: its mount point, and its type, such as "ext4" or "fuse.sshfs"."""

    point: PurePosixPath
    kind: str

    @property
    def is_network(self) -> bool:
        return _NETWORK.fullmatch(self.kind) is not None


def check_is_local(path: Path) -> None:
    """BadInput for the path of a SQLite file on a network file system."""
    real = path.resolve()
    mount = mount_of(PurePosixPath(real), mounts())
    if mount is not None and mount.is_network:
        raise BadInput(
            f"journal {path}: {mount.point} is a network file system ({mount.kind}), on which SQLite loses data. "
            "Give journal.url a file on a local disk, or set HPSEARCH_HOME to a folder on one, or set journal.url to "
            "a PostgreSQL database"
        )


def mount_of(path: PurePosixPath, mounted: Iterator[Mount]) -> Mount | None:
    """The mount of a path without links: the deepest mount point, and of several mounts there the last one. None:
    unknown."""
    around = [mount for mount in mounted if path.is_relative_to(mount.point)]
    return max(reversed(around), key=lambda mount: len(mount.point.parts), default=None)


def mounts() -> Iterator[Mount]:
    """All mounts, in order; none if they cannot be read."""
    with suppress(OSError):
        return of_mountinfo(_MOUNTINFO.read_text(errors="surrogateescape"))
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(["mount"], capture_output=True, text=True, errors="surrogateescape", timeout=5)
        return of_mount(said.stdout)
    return iter(())


def of_mountinfo(text: str) -> Iterator[Mount]:
    """proc_pid_mountinfo(5): "36 35 98:0 / /mnt/a\\040b rw shared:1 - ext3 /dev/root rw"."""
    for line in text.splitlines():
        before, dash, after = line.partition(" - ")
        if dash and len(fields := before.split(" ")) > 4 and after:
            point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
            yield Mount(PurePosixPath(point), after.split(" ")[0])


def of_mount(text: str) -> Iterator[Mount]:
    """mount(8) of BSD and macOS: "//ada@nas/share on /Volumes/share (smbfs, nodev, mounted by ada)"."""
    for line in text.splitlines():
        if found := re.fullmatch(r".*? on (/.*) \(([^,()]+)[^()]*\)", line.strip()):
            yield Mount(PurePosixPath(found[1]), found[2])
