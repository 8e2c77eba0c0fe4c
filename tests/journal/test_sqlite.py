"""A SQLite journal on a network file system is refused, whatever mounts what where."""

import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from hpsearch.core.errors import BadInput, NotFound
from hpsearch.journal import Journal, sqlite, upgrade
from hpsearch.journal.sqlite import check_is_local, mount_of, of_mount, of_mountinfo

CLUSTER = """\
22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw
27 1 259:2 / / rw,relatime shared:1 - xfs /dev/nvme0n1p2 rw,attr2,inode64,logbufs=8,noquota
31 27 0:27 / /tmp rw,nosuid,nodev shared:12 - tmpfs tmpfs rw,size=131072k
40 27 0:31 / /home rw,relatime shared:20 - autofs systemd-1 rw,fd=29,pgrp=1,timeout=0,minproto=5,maxproto=5,direct
612 40 0:52 / /home rw,nosuid,relatime shared:330 - nfs4 10.0.0.5:/export/home rw,vers=4.2,rsize=1048576,sec=sys
613 27 0:53 / /work\\040space rw,relatime - lustre 10.0.0.9@tcp:/work rw,checksum,flock,lazystatfs
614 613 259:3 / /work\\040space/local rw,relatime shared:333 master:1 - ext4 /dev/nvme1n1 rw
615 27 0:54 / /mnt/ssh rw,nosuid,nodev,relatime shared:30 - fuse.sshfs ada@gauss:/srv rw,user_id=1000,group_id=1000
616 27 0:55 / /mnt/overlay rw,relatime - fuse.fuse-overlayfs fuse-overlayfs rw,user_id=0,group_id=0
617 27 8:33 / /media/disk rw,relatime - fuseblk /dev/sdc1 rw,user_id=0,group_id=0
618 27 0:56 /@scratch /scratch rw,relatime shared:40 - btrfs /dev/sda2 rw,subvol=/@scratch
619 27 0:57 / /shares/b\\134c rw,relatime - cifs //fileserver/b\\134c rw,vers=3.1.1,cache=strict
620 27 0:58 / /beeg rw,relatime - beegfs beegfs_nodev rw,cfgFile=/etc/beegfs/beegfs-client.conf
this line is none
"""
WINDOWS = """\
523 504 8:96 / / rw,relatime - ext4 /dev/sdg rw,discard,errors=remount-ro,data=ordered
479 523 0:154 / /mnt/c rw,noatime - 9p C:\\134 rw,dirsync,aname=drvfs;path=C:\\134;uid=1000;gid=1000;symlinkroot=/mnt/
"""
CONTAINER = """\
1036 970 0:96 / / rw,relatime master:295 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/AB:/var/lib/CD
1045 1036 259:2 /var/lib/docker/volumes/v/_data /data rw,relatime master:1 - ext4 /dev/nvme0n1p2 rw
1046 1036 0:52 /ada /study rw,nosuid,relatime master:330 - nfs4 10.0.0.5:/export/home rw,vers=4.2
"""
MAC = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect, root data)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
//ada@nas._smb._tcp.local/my%20share on /Volumes/my share (smbfs, nodev, nosuid, mounted by ada)
nas:/export/media on /Volumes/media (nfs, nodev, nosuid, mounted by ada)
tank/home on /zroot (zfs, local, nfsv4acls)
"""


@pytest.mark.parametrize(
    ("system", "path", "point", "kind"),
    [
        (CLUSTER, "/etc/journal.db", "/", "xfs"),
        (CLUSTER, "/tmp/journal.db", "/tmp", "tmpfs"),
        (CLUSTER, "/homeless/journal.db", "/", "xfs"),
        (CLUSTER, "/work space/local/ada/journal.db", "/work space/local", "ext4"),
        (CLUSTER, "/mnt/overlay/journal.db", "/mnt/overlay", "fuse.fuse-overlayfs"),
        (CLUSTER, "/media/disk/journal.db", "/media/disk", "fuseblk"),
        (CLUSTER, "/scratch/journal.db", "/scratch", "btrfs"),
        (WINDOWS, "/home/ada/journal.db", "/", "ext4"),
        (CONTAINER, "/journal.db", "/", "overlay"),
        (CONTAINER, "/data/journal.db", "/data", "ext4"),
        (MAC, "/Users/ada/journal.db", "/", "apfs"),
        (MAC, "/zroot/journal.db", "/zroot", "zfs"),
    ],
)
def test_a_local_disk(system: str, path: str, point: str, kind: str) -> None:
    mount = mount_of(PurePosixPath(path), (of_mount if system is MAC else of_mountinfo)(system))
    assert mount is not None
    assert (str(mount.point), mount.kind, mount.is_network) == (point, kind, False)


@pytest.mark.parametrize(
    ("system", "path", "point", "kind"),
    [
        (CLUSTER, "/home/ada/.hpsearch/journal.db", "/home", "nfs4"),
        (CLUSTER, "/work space/ada/journal.db", "/work space", "lustre"),
        (CLUSTER, "/mnt/ssh/journal.db", "/mnt/ssh", "fuse.sshfs"),
        (CLUSTER, "/shares/b\\c/journal.db", "/shares/b\\c", "cifs"),
        (CLUSTER, "/beeg/journal.db", "/beeg", "beegfs"),
        (WINDOWS, "/mnt/c/Users/ada/journal.db", "/mnt/c", "9p"),
        (CONTAINER, "/study/.hpsearch/journal.db", "/study", "nfs4"),
        (MAC, "/Volumes/my share/journal.db", "/Volumes/my share", "smbfs"),
        (MAC, "/Volumes/media/journal.db", "/Volumes/media", "nfs"),
    ],
)
def test_a_network_file_system(system: str, path: str, point: str, kind: str) -> None:
    mount = mount_of(PurePosixPath(path), (of_mount if system is MAC else of_mountinfo)(system))
    assert mount is not None
    assert (str(mount.point), mount.kind, mount.is_network) == (point, kind, True)


def test_a_later_mount_hides_an_earlier_one() -> None:
    over = "90 40 8:1 / /home rw,relatime - ext4 /dev/sda1 rw\n"
    mount = mount_of(PurePosixPath("/home/ada/journal.db"), of_mountinfo(CLUSTER + over))
    assert mount is not None
    assert mount.kind == "ext4"


def test_nothing_is_known_of_nothing() -> None:
    assert mount_of(PurePosixPath("/home/journal.db"), of_mountinfo("")) is None
    assert mount_of(PurePosixPath("/home/journal.db"), of_mount("")) is None


def test_the_mount_of_this_machine() -> None:
    mount = mount_of(PurePosixPath(Path(__file__).resolve()), sqlite.mounts())
    assert mount is not None
    assert Path(mount.point).is_mount()


@pytest.fixture
def abroad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that this machine believes to be mounted from another one."""
    folder = tmp_path.resolve() / "a share"
    folder.mkdir()
    (tmp_path / "mountinfo").write_text(
        "27 1 259:2 / / rw - ext4 /dev/sda rw\n"
        f"28 27 0:52 / {str(folder).replace(' ', chr(92) + '040')} rw shared:3 - nfs4 nas:/export rw\n"
    )
    monkeypatch.setattr(sqlite, "_MOUNTINFO", tmp_path / "mountinfo")
    return folder


@pytest.mark.parametrize("place", ["journal.db", "not made yet/journal.db"])
def test_no_journal_is_opened_or_made_there(abroad: Path, place: str) -> None:
    url = f"sqlite:///{abroad}/{place}"
    looks: list[Any] = [lambda: Journal.open(url), lambda: Journal.open(url, create=False), lambda: upgrade(url)]
    for look in looks:
        with pytest.raises(BadInput, match=r"a share is a network file system \(nfs4\)") as refused:
            look()
        assert "HPSEARCH_HOME" in str(refused.value)
        assert "PostgreSQL" in str(refused.value)
    assert list(abroad.iterdir()) == []


def test_a_link_is_followed(abroad: Path, tmp_path: Path) -> None:
    (tmp_path / "here").symlink_to(abroad)
    (tmp_path / "journal.db").symlink_to(abroad / "journal.db")
    for path in (tmp_path / "here" / "journal.db", tmp_path / "journal.db"):
        with pytest.raises(BadInput, match="network file system"):
            check_is_local(path)
    check_is_local(tmp_path / "beside.db")
    with pytest.raises(NotFound):
        Journal.open(f"sqlite:///{tmp_path}/beside.db", create=False)


def test_without_proc_mount_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_MOUNTINFO", tmp_path / "nothing")
    said = f"/dev/disk1 on / (apfs, local)\nnas:/x on {tmp_path.resolve()} (nfs, nodev, nosuid, mounted by ada)\n"
    answer = subprocess.CompletedProcess(["mount"], 0, said, "")
    monkeypatch.setattr(sqlite.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(BadInput, match=r"\(nfs\)"):
        check_is_local(tmp_path / "journal.db")
    check_is_local(tmp_path.parent / "journal.db")


def test_nothing_is_refused_without_a_list_of_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_MOUNTINFO", tmp_path / "nothing")
    monkeypatch.setenv("PATH", str(tmp_path))
    check_is_local(tmp_path / "journal.db")
