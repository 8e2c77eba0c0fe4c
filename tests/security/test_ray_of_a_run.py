"""What another user of the machine tries with the Ray of a run. SECURITY.md has the table of these attacks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.workers.pools.ray.actors import RayActors
from hpsearch.workers.pools.ray.cluster import Cluster
from tests.security.conftest import OtherUser
from tests.support.studies import setup

pytestmark = pytest.mark.xdist_group("ray")

REFUSED = "PermissionError"
ASKS = """
import sys, grpc
for method in ("NodeInfoGcsService/GetClusterId", "NodeInfoGcsService/RegisterNode", "JobInfoGcsService/AddJob"):
    with grpc.insecure_channel(sys.argv[1]) as channel:
        try:
            channel.unary_unary(f"/ray.rpc.{method}")(b"", timeout=10)
            print("answered")
        except grpc.RpcError as refused:
            print(refused.code().name)
"""
"""What a driver or a node asks first, and how it registers. Ray's own client would ask again for minutes."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a Ray that runs, where Ray itself makes folders of mode 0777."""
    work = tmp_path_factory.mktemp("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        pool = RayActors(setup(work, "either"), Cluster(workers=1), {"toy": "noop"})
    try:
        (link,) = Path("/tmp").glob(f"hps{os.getpid()}-*/**/session_latest")
        yield link.resolve()
    finally:
        pool.close()


def test_its_folder_cannot_be_entered(other_user: OtherUser, session: Path) -> None:
    for folder in (session.parent, session, session / "logs"):
        assert other_user.does(lambda folder=folder: os.listdir(folder)) == REFUSED  # noqa: PTH208 (what an attacker writes)


def test_no_link_can_take_the_place_of_a_log(other_user: OtherUser, session: Path) -> None:
    """Ray appends to its logs, and rotates them, with the rights of their owner."""
    valuable = session.parent.with_suffix(".valuable")
    log = next((session / "logs").glob("*.log"))

    def replace() -> None:
        log.unlink()
        log.symlink_to(valuable)

    assert other_user.does(replace) == REFUSED
    assert other_user.does(lambda: (session / "logs" / "new.log").symlink_to(valuable)) == REFUSED
    assert not log.is_symlink()


def test_nobody_joins_it_without_the_token(other_user: OtherUser, session: Path) -> None:
    """`RAY_AUTH_MODE=disabled` in the environment of the run does not change that."""
    import ray

    asked = subprocess.run(
        other_user.command(sys.executable, "-P", "-c", ASKS, ray.get_runtime_context().gcs_address),
        env={"HOME": str(other_user.folder), "PATH": os.environ["PATH"]},
        cwd=other_user.folder,
        capture_output=True,
        text=True,
    )
    assert asked.stdout.split() == ["UNAUTHENTICATED"] * 3, asked.stderr
