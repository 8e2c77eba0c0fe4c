"""hpsearch on a terminal, with Ray: what is drawn, Ctrl-C, and a window that is closed."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch.core.stopping import RESUME
from tests.cli.cli_runner import CliRunner, environment
from tests.support.ray_session import descendants, running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

WIDTH = 60


class Terminal:
    """A process on a terminal of its own, as a shell starts it: Ctrl-C and a hangup reach all that it has started."""

    def __init__(self, cli: CliRunner, *words: str, **variables: str):
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hpsearch", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cli.folder,
            env={**environment(), "TERM": "xterm-256color", **variables},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.seen = ""

    def read(self) -> str:
        """All that was written so far."""
        try:
            while new := os.read(self._master, 1 << 16):
                self.seen += new.decode()
        except OSError:  # nothing new, or nobody writes any more
            pass
        return self.seen

    def wait_for(self, true: Callable[[], bool], seconds: float = 120.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            self.read()
            if time.monotonic() > deadline:
                self.process.kill()
                pytest.fail(f"it did not come to it: {self.seen}")
            time.sleep(0.02)

    def end(self) -> int:
        self.wait_for(lambda: self.process.poll() is not None)
        self.read()
        return int(self.process.returncode)

    def press(self, key: str) -> None:
        os.write(self._master, key.encode())

    def close(self) -> None:
        os.close(self._master)


def screen(text: str) -> list[str]:
    """What stays on the screen: a small terminal that knows what rich writes."""
    rows, row, column = [""], 0, 0
    for code, char in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z])|([\s\S])", text):
        count = int(code[2:-1]) if code[2:-1].isdigit() else 1
        if code.endswith("A"):
            row = max(0, row - count)
        elif code.endswith("K"):
            rows[row] = ""
        elif char == "\r":
            column = 0
        elif char == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif char:
            rows[row] = rows[row][:column].ljust(column) + char + rows[row][column + 1 :]
            column += 1
    return [one.rstrip() for one in rows]


def on_ray(cli: CliRunner, pace: float = 0.3) -> None:
    cli.study('method = "random"\ntrials = 6', options=f"pace = {pace}")
    cli.change(('address = "none"', "workers = 2"))


def test_live_view_ctrl_c_and_going_on(cli: CliRunner) -> None:
    on_ray(cli)
    terminal = Terminal(cli, "run", "study.toml")
    terminal.wait_for(lambda: cli.trained() >= 4)
    ours = descendants(terminal.process.pid)
    terminal.press("\x03")
    assert terminal.end() == 130
    assert "toy  starting" in terminal.seen
    assert re.search(r"epoch \d/3", terminal.seen)
    lines = screen(terminal.seen)
    assert any(line.startswith("stopping ") for line in lines)
    assert any(line.startswith("toy: ") and "SIGINT" in line for line in lines)
    assert not any(line.startswith(("best  ", "last  ", "toy  ")) for line in lines), lines
    assert cli.invoke("status", "toy", "--json").data["trials"]["running"] == 0
    terminal.wait_for(lambda: not running(ours))
    again = Terminal(cli, "run", "study.toml", NO_COLOR="1")
    assert again.end() == 0
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", again.seen)
    assert "toy: done" in screen(again.seen)
    assert cli.trained() == 18


def test_closed_window_ends_nothing(cli: CliRunner) -> None:
    """The kernel sends SIGHUP to everything that the terminal has started, Ray too, and writing to it fails."""
    on_ray(cli)
    terminal = Terminal(cli, "run", "study.toml")
    terminal.wait_for(lambda: cli.trained() >= 3)
    terminal.close()
    assert terminal.process.wait(120) == 0
    assert cli.invoke("status", "toy", "--json").data["state"] == "COMPLETE"
    assert cli.trained() == 18


def test_ctrl_c_twice_in_a_long_epoch(cli: CliRunner) -> None:
    on_ray(cli, pace=300.0)
    terminal = Terminal(cli, "run", "study.toml")
    terminal.wait_for(lambda: cli.trained() >= 2)
    ours = descendants(terminal.process.pid)
    terminal.press("\x03")
    terminal.wait_for(lambda: "again to stop at once" in terminal.read())
    terminal.press("\x03")
    assert terminal.end() == 130
    assert cli.invoke("status", "toy", "--json").data["trials"]["waiting"] == 2
    terminal.wait_for(lambda: not running(ours))


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0])
def test_sigterm_while_ray_starts(cli: CliRunner, seconds: float) -> None:
    on_ray(cli)
    terminal = Terminal(cli, "run", "study.toml")
    terminal.wait_for(lambda: "starting" in terminal.read())
    time.sleep(seconds)
    ours = descendants(terminal.process.pid)
    os.kill(terminal.process.pid, signal.SIGTERM)
    assert terminal.end() == 143
    line, empty = screen(terminal.seen)
    assert all(text in line for text in ("SIGTERM", RESUME))
    assert empty == ""
    terminal.wait_for(lambda: not running(ours))
    assert not list(Path("/tmp").glob(f"hps{terminal.process.pid}-*"))
    assert cli.trained() == 0
