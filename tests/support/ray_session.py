"""`python -m tests.support.ray_session work`:

starts and closes a pool, as a command does. Its worker exits before the pool is closed. The processes and folders that
remain are written to `work`/left.
"""

import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hpsearch.core.logs import log_libraries_to
from hpsearch.core.messages import Lost, Start
from tests.support.studies import setup

PATIENCE = 60.0


def main(work: Path) -> None:
    log_libraries_to(work / "hpsearch.log")
    from hpsearch.workers.pools.ray.actors import RayActors
    from hpsearch.workers.pools.ray.cluster import Cluster

    pool = RayActors(setup(work, "either"), Cluster(workers=1), {"toy": "noop"})
    pool.execute(Start(0, {"toy": "faulty", "at": 1, "how": "os._exit"}, seed=0, until=1, epochs=2))
    events: list[object] = []
    while not events or pool.room == 0:
        events += pool.events(1.0)
    assert isinstance(events[0], Lost)
    ours = descendants(os.getpid())
    assert len(ours) > 2, "Ray's own and the worker"
    (folder,) = Path("/tmp").glob(f"hps{os.getpid()}-*")
    (work / "open").write_text(
        f"mode {folder.stat().st_mode & 0o777:o}, addresses {sorted(listening({os.getpid(), *ours}))}"
    )
    pool.close()
    deadline = time.monotonic() + PATIENCE
    while (left := running(ours)) and time.monotonic() < deadline:
        time.sleep(0.1)
    folders = [str(folder) for folder in Path("/tmp").glob(f"hps{os.getpid()}-*")]
    (work / "left").write_text(f"processes {left}, folders {folders}")


def descendants(pid: int) -> set[int]:
    """All descendants of a process."""
    parents = {int(stat.parent.name): _fields(stat)[1:2] for stat in Path("/proc").glob("[0-9]*/stat")}
    found, new = set[int](), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent and int(parent[0]) in new} - found
        found |= new
    return found


def listening(pids: Iterable[int]) -> set[str]:
    """The addresses that these processes listen on, as the kernel writes them: 0100007F is 127.0.0.1."""
    sockets = {name for pid in pids for name in _open_files(pid) if name.startswith("socket:")}
    rows = [line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def _open_files(pid: int) -> list[str]:
    with suppress(OSError):
        return [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    return []


def running(pids: Iterable[int]) -> list[int]:
    """The processes that have not ended. Zombies (state Z) have ended."""
    return [pid for pid in pids if _fields(Path(f"/proc/{pid}/stat"))[:1] not in ([], ["Z"])]


def _fields(stat: Path) -> list[str]:
    """The fields, beginning with the state; [] for a process that has ended."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return []


if __name__ == "__main__":
    main(Path(sys.argv[1]))
