"""A cluster that is asked before Ray asks it, and what is seen of one that dies."""

import logging
import os
import resource
import shutil
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import ray
from ray._private.authentication_test_utils import reset_auth_token_state

from hpsearch.core.errors import BadInput, PoolError
from hpsearch.core.stopping import stoppable
from hpsearch.workers.pools.ray import cluster
from hpsearch.workers.pools.ray.cluster import Cluster, RaySession, check_reachable
from tests.support.studies import setup


class Guarded(grpc.GenericRpcHandler):
    """Answers as Ray's servers do: a request without the token gets no other answer."""

    def service(self, details: Any) -> Any:
        shown = dict(details.invocation_metadata).get("authorization")

        def answer(_: bytes, context: Any) -> bytes:
            if shown != "Bearer right":
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "InvalidAuthToken: missing or incorrect")
            context.abort(grpc.StatusCode.UNIMPLEMENTED, details.method)
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def guarded() -> Iterator[str]:
    """The address of a cluster that requires a token."""
    server = grpc.server(ThreadPoolExecutor(1), handlers=[Guarded()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file with the token; what Ray remembers of it is forgotten afterwards."""
    file = tmp_path / "token"
    file.write_text("wrong")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(file))
    reset_auth_token_state()
    yield file
    monkeypatch.undo()
    reset_auth_token_state()


@pytest.mark.parametrize("address", ["local", "127.0.0.1:9"])
def test_a_ray_of_the_program_itself_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """As in a notebook that has called ray.init."""
    monkeypatch.setattr(cluster.ray, "is_initialized", lambda: True)
    monkeypatch.setattr(cluster.ray, "shutdown", lambda: pytest.fail("it is the program's"))
    with pytest.raises(BadInput, match=r"ray\.shutdown\(\)"):
        RaySession(Cluster(address), setup(tmp_path).trainer)


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_token_that_is_refused_is_bad_input(tmp_path: Path, guarded: str, token: Path, scheme: str) -> None:
    """Ray itself would try for 20 s and longer, with a warning every second, and then not say why."""
    with pytest.raises(BadInput) as caught:
        RaySession(Cluster(scheme + guarded), setup(tmp_path).trainer)
    assert str(caught.value).startswith(f"the cluster at {guarded} refuses our token: set RAY_AUTH_MODE=token and ")
    assert "wrong" not in str(caught.value)


def test_one_that_is_taken_is_not_spoken_of(guarded: str, token: Path) -> None:
    """Nor is anything else that is wrong there: Ray will find it, and knows better."""
    token.write_text("right")
    check_reachable(guarded)


def test_where_nobody_listens_it_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(PoolError, match=rf"Ray does not start at resources.address = '{address}': .*refused"):
            RaySession(Cluster(address), setup(tmp_path).trainer)


def test_what_to_do_follows_what_ray_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def overloaded() -> None:
        raise RuntimeError("The node timed out during startup. It may be overloaded.")

    monkeypatch.setattr(cluster, "_LocalRay", overloaded)
    with pytest.raises(PoolError, match=r"overloaded; [^;]*run the same command again"):
        RaySession(Cluster("local"), setup(tmp_path).trainer)


@pytest.mark.parametrize(("wait", "starts"), [(0.0, 2), (1e9, 1)])
def test_a_start_that_takes_too_long_is_repeated_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait: float, starts: int
) -> None:
    started: list[int] = []

    def slow() -> None:
        started.append(1)
        raise RuntimeError("timed out")

    monkeypatch.setattr(cluster, "_LocalRay", slow)
    monkeypatch.setattr(cluster, "START_WAIT", wait)
    with pytest.raises(PoolError, match="timed out"):
        RaySession(Cluster("local"), setup(tmp_path).trainer)
    assert len(started) == starts


def test_the_handlers_of_signals_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the end of `ray.init` on: workers start for seconds after it."""

    def replaces(**_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise RuntimeError("full")

    monkeypatch.setattr(ray, "init", replaces)
    with stoppable("run it again"):
        ours = signal.getsignal(signal.SIGTERM)
        with pytest.raises(PoolError, match="full"):
            RaySession(Cluster("local"), setup(tmp_path).trainer)
        assert signal.getsignal(signal.SIGTERM) is ours


def test_ray_does_not_ask_for_ipywidgets_in_a_notebook() -> None:
    assert not logging.getLogger("ray.widgets.util").isEnabledFor(logging.INFO)


class TestTokenOfOurOwnRay:
    @pytest.fixture(autouse=True)
    def _no_token(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "environ", os.environ.copy())
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
            os.environ.pop(name, None)

    def test_it_is_in_the_environment_where_the_home_folder_cannot_be_written(self, tmp_path: Path) -> None:
        os.environ["HOME"] = str(tmp_path / "is not there")
        cluster._ensure_token()
        assert len(os.environ["RAY_AUTH_TOKEN"]) == 64

    def test_it_is_needed_whatever_holds_for_clusters(self, tmp_path: Path) -> None:
        os.environ |= {"HOME": str(tmp_path / "is not there"), "RAY_AUTH_MODE": "disabled"}
        cluster._ensure_token()
        assert "RAY_AUTH_MODE" not in os.environ
        assert "RAY_AUTH_TOKEN" in os.environ

    def test_elsewhere_it_is_rays_file(self, tmp_path: Path) -> None:
        os.environ["HOME"] = str(tmp_path)
        cluster._ensure_token()
        assert "RAY_AUTH_TOKEN" not in os.environ


def test_too_few_processes_are_named_where_ray_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (80, 80))
    assert "80 processes and threads (`ulimit -u`)" in cluster._advice()


@pytest.mark.parametrize(("free", "is_named"), [(1_000, True), (1 << 40, False)])
def test_the_disk_is_named_where_it_is_nearly_full(monkeypatch: pytest.MonkeyPatch, free: int, is_named: bool) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert ("make room" in cluster._advice()) is is_named
