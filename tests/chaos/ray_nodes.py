"""Helpers for tests of workers on Ray: a cluster of several nodes on this machine, and results without faults.

`ray start` for each node, on ports of its own, ended by recorded pids.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.chaos.scenario import Process, Scenario, processes
from tests.support.ray_session import descendants

STARTUP = 120.0


class Node:
    """One node: the process of `ray start --block`, and all that it has started."""

    def __init__(self, words: list[str], scenario: Scenario, log: Path):
        self.log = log
        with log.open("w") as to:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *words],
                env=scenario.env(),
                stdout=to,
                stderr=to,
                start_new_session=True,
            )

    def processes(self) -> set[Process]:
        return processes({self.popen.pid, *descendants(self.popen.pid)})

    def signal(self, number: int) -> set[Process]:
        """Send a signal to all of its processes, as if the machine failed or lost its connection."""
        all_of_it = self.processes()
        for process in all_of_it:
            process.kill(number)
        return all_of_it

    def end(self) -> None:
        for process in self.signal(signal.SIGKILL):
            while process.is_running:
                time.sleep(0.02)
        self.popen.wait(30)


class Cluster:
    """Starts with a head of `cpus` CPUs; `add` starts more nodes. Clients need the scenario's variables."""

    def __init__(self, scenario: Scenario, cpus: int):
        self.scenario = scenario
        self.folder = Path(tempfile.mkdtemp(prefix="hps-", dir="/tmp"))  # short: Ray's sockets are in it
        token = self.folder / "token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32))
        scenario.variables |= {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        port, client = _free_ports(2)
        self.address, self.client = f"127.0.0.1:{port}", f"ray://127.0.0.1:{client}"
        words = ["--head", f"--port={port}", f"--ray-client-server-port={client}", "--include-dashboard=false"]
        self.nodes: list[Node] = []
        self.add(cpus, *words, f"--temp-dir={self.folder}/ray")

    def add(self, cpus: int, *words: str) -> Node:
        """Start a node, and wait until it is in the cluster."""
        join = words or (f"--address={self.address}",)
        usual = ["--node-ip-address=127.0.0.1", f"--num-cpus={cpus}", "--object-store-memory=100000000"]
        ports = [f"--dashboard-agent-listen-port={_free_ports(1)[0]}"]
        log = self.folder / f"node-{len(self.nodes)}.log"
        node = Node([*join, *usual, *ports], self.scenario, log)
        self.nodes.append(node)
        deadline = time.monotonic() + STARTUP
        while "Ray runtime started" not in log.read_text():
            assert node.popen.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        return node

    def close(self) -> None:
        for node in reversed(self.nodes):
            node.end()
        subprocess.run(["rm", "-rf", str(self.folder)], check=False)


def undisturbed(scenario: Scenario, *changes: str) -> list[list[dict[str, Any]]]:
    """The curves of the study's trials without faults: in one process, without Ray, in another home."""
    folder = scenario.folder / "calm"
    folder.mkdir()
    url = f"sqlite:///{folder}/journal.db"
    own = (f'journal.url="{url}"', 'resources.address="none"', "resources.workers=1")
    quick = (f'trainer.options.epoch_log="{folder}/epoch_log.txt"', "trainer.options.pace=0.0")
    words = [word for change in (*own, *quick, *changes) for word in ("--set", change)]
    answer = scenario.start("run", "study.toml", *words, env={**scenario.env(), "HPSEARCH_HOME": str(folder)}).ended(
        300
    )
    assert answer.code == 0, answer.err
    return [trial["curve"] for trial in scenario.export(url=url)["trials"]]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
