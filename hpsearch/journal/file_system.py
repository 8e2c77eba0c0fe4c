"""What kind of file system a SQLite file lies on. Over a network it is refused.

Its write-ahead log needs memory that all processes share, and locks that keep their word: "WAL does not work over a
network filesystem" (https://www.sqlite.org/wal.html), and locks over NFS have lost whole databases
(https://www.sqlite.org/faq.html#q5).
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hpsearch.core.errors import BadInput

_MOUNTINFO = Path("/proc/self/mountinfo")
"""What is mounted where, as Linux tells it. Elsewhere (macOS) `mount` is asked."""

_NETWORK = re.compile(
    r"(fuse\.)?(9p|afpfs|afs|beegfs|blobfuse2?|ceph(-fuse)?|cifs|coda|curlftpfs|davfs2?|fhgfs|gcsfuse|geesefs|gfs2|"
    r"glusterfs|goofys|gpfs|grpcfuse|juicefs|lizardfs|lustre|mfs|moosefs|mount-s3|mountpoint-s3|ncpfs|nfs4?|ocfs2|"
    r"orangefs|panfs|pvfs2|quobyte|rclone|s3fs|s3ql|seaweedfs|smb[23]|smbfs|sshfs|vboxsf|weed|wekafs|webdav)"
)
"""Kinds of file systems that lie on other machines, or on that of a virtual machine's host."""


@dataclass(frozen=True)
class Mount:
    """A file system of one kind, such as "ext4" or "fuse.sshfs", and where it is mounted."""

    point: PurePosixPath
    kind: str

    @property
    def is_network(self) -> bool:
        return _NETWORK.fullmatch(self.kind) is not None


def check_is_local(path: Path) -> None:
    """BadInput for a SQLite file (or where one would be made) on a network file system."""
    real = path.resolve()
    mount = mount_of(PurePosixPath(real), mounts())
    if mount is not None and mount.is_network:
        raise BadInput(
            f"journal {path}: {mount.point} is a network file system ({mount.kind}), on which SQLite loses data. "
            "Give journal.url a file on a local disk, or set HPSEARCH_HOME to a folder on one, or let journal.url be "
            "that of a PostgreSQL database"
        )


def mount_of(path: PurePosixPath, mounted: Iterator[Mount]) -> Mount | None:
    """The mount that a path without links lies in: the deepest, and of several at one place the last, which hides the
    others. None where nothing is known."""
    around = [mount for mount in mounted if path.is_relative_to(mount.point)]
    return max(reversed(around), key=lambda mount: len(mount.point.parts), default=None)


def mounts() -> Iterator[Mount]:
    """All that is mounted, in that order; nothing where the system does not tell."""
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
