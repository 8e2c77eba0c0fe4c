"""What a person sees while a study runs."""

import errno
import io
import json
import os
import pty
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hpsearch.core.format import columns, duration, line, number, params_line
from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.progress import terminal as module
from hpsearch.progress.terminal import Stderr, Terminal
from tests.support.studies import ListSampler, Search

LOSS = Objective("val_loss", "minimize")


class Dead(io.StringIO):
    """A terminal that goes away after so many writes."""

    def __init__(self, problem: OSError, writes: int):
        super().__init__()
        self.problem, self.left = problem, writes

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise self.problem
        return super().write(text)


@pytest.fixture
def searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Terminal], Search]:
    """Three trials of three epochs, shown by a terminal that draws in every turn."""
    monkeypatch.setattr(module, "FRAME", -1.0)

    def go(screen: Terminal) -> Search:
        search = Search(tmp_path, ListSampler([{"x": 0.1}, {"x": 0.2}, {"x": 0.3}]), epochs=3)
        with screen:
            search.run(observers=[screen])
        return search

    return go


def shown(total: int | None, **options: Any) -> Terminal:
    screen = Terminal(**options)
    screen.begin("toy", total, LOSS)
    return screen


def terminal(file: io.StringIO, width: int = 60, **options: object) -> Console:
    return Console(file=file, force_terminal=True, width=width, height=20, **options)  # type: ignore[arg-type]


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


class TestWithoutATerminal:
    def test_a_line_for_every_ended_trial(self, searched: Callable[[Terminal], Search]) -> None:
        out = io.StringIO()
        searched(shown(3, console=Console(file=out, width=60)))
        lines = out.getvalue().splitlines()
        assert [text.partition("  val_loss")[0] for text in lines] == [
            "[1/3] trial 0   COMPLETE",
            "[2/3] trial 1   COMPLETE",
            "[3/3] trial 2   COMPLETE",
        ]
        assert all(text.endswith("trained all 3 epochs") for text in lines), "however narrow it is"

    def test_quiet(self, searched: Callable[[Terminal], Search]) -> None:
        out = io.StringIO()
        searched(shown(3, quiet=True, console=Console(file=out)))
        assert out.getvalue() == ""

    def test_total_that_nobody_knows(self, searched: Callable[[Terminal], Search]) -> None:
        out = io.StringIO()
        searched(shown(None, console=Console(file=out)))
        assert out.getvalue().startswith("[1] trial 0")


class TestLive:
    def test_shows_what_runs_and_what_is_best(self, searched: Callable[[Terminal], Search]) -> None:
        out = io.StringIO()
        searched(shown(3, console=terminal(out)))
        text = plain(out.getvalue())
        for part in ("toy  starting", "toy  1/3 trials", " so far", "best  trial ", "last  trial 0", "epoch 0/3"):
            assert part in text
        assert "[1/3]" not in text

    @pytest.mark.parametrize("width", [20, 60])
    def test_fits_a_narrow_terminal(self, searched: Callable[[Terminal], Search], width: int) -> None:
        out = io.StringIO()
        searched(shown(3, console=terminal(out, width)))
        assert max(map(len, re.split(r"[\r\n]+", plain(out.getvalue())))) <= width

    @pytest.mark.parametrize("width", [32, 40, 80, 200])
    def test_cuts_nothing_but_the_name_of_the_metric(self, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "FRAME", -1.0)
        out = io.StringIO()
        reason = "median: best val_loss 0.3 up to epoch 2 is worse than 0.25, the median of 5 other trials"
        pruned = replace(trial(State.PRUNED, 0.3, 0.4, reason=reason), number=0)
        running = replace(trial(State.RUNNING, 0.123456), number=1)
        with shown(3, console=terminal(out, width)) as screen:
            screen.ended(pruned)
            screen.turn_ended(History(LOSS, [pruned, running]), [1])
        lines = plain(out.getvalue()).splitlines()
        assert reason in " ".join(" ".join(lines).split())
        assert any("trial 1  epoch 1/9  0.1235  " in line for line in lines)

    def test_is_erased_at_the_end(self, searched: Callable[[Terminal], Search]) -> None:
        """The last thing drawn clears every line; what stays is what was said."""
        out = io.StringIO()
        screen = shown(3, console=terminal(out))
        searched(screen)
        assert out.getvalue().endswith("\x1b[1A\x1b[2K")

    def test_no_color(self, searched: Callable[[Terminal], Search], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        out = io.StringIO()
        searched(shown(3, console=terminal(out)))
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", out.getvalue())

    def test_a_terminal_that_cannot_draw_gets_lines(
        self, searched: Callable[[Terminal], Search], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TERM", "dumb")
        out = io.StringIO()
        searched(shown(3, console=terminal(out)))
        assert out.getvalue().startswith("[1/3] trial 0")

    @pytest.mark.parametrize(
        "variable", [("JPY_PARENT_PID", "7"), ("MPLBACKEND", "module://matplotlib_inline.backend_inline")]
    )
    def test_a_cell_of_a_notebook_gets_lines(
        self, searched: Callable[[Terminal], Search], monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str]
    ) -> None:
        monkeypatch.setenv(*variable)
        file = io.StringIO()
        searched(shown(3, console=terminal(file)))
        assert file.getvalue().startswith("[1/3] trial 0")

    def test_on_a_real_terminal(self, searched: Callable[[Terminal], Search]) -> None:
        master, slave = pty.openpty()
        with os.fdopen(slave, "w") as file:
            screen = shown(3, console=Console(file=file))
            searched(screen)
        assert b"toy" in os.read(master, 1 << 16)
        os.close(master)


class TestTerminalThatIsGone:
    @pytest.mark.parametrize("problem", [BrokenPipeError(errno.EPIPE, "pipe"), OSError(errno.EIO, "terminal")])
    @pytest.mark.parametrize("writes", [0, 1, 5])
    @pytest.mark.parametrize("live", [True, False])
    def test_ends_nothing(
        self, searched: Callable[[Terminal], Search], problem: OSError, writes: int, live: bool, capsys: object
    ) -> None:
        console = Stderr(file=Dead(problem, writes), force_terminal=live, width=60)
        search = searched(shown(3, console=console))
        assert all(trial.state is State.COMPLETE for trial in search.recorder.trials.values())

    def test_nor_does_a_reader_of_lines(self, searched: Callable[[Terminal], Search]) -> None:
        lines = Dead(BrokenPipeError(errno.EPIPE, "pipe"), 2)
        search = searched(shown(3, quiet=True, lines=lines))
        assert len(search.recorder.trials) == 3
        assert json.loads(lines.getvalue())["trial"] == 0


def trial(state: State, *values: float, reason: str = "") -> Trial:
    curve = tuple(Report(step, {"val_loss": value}) for step, value in enumerate(values, 1))
    return Trial(7, {"x": 1}, 0, 9, state, curve=curve, reason=reason)


class TestWords:
    @pytest.mark.parametrize(
        ("one", "wanted"),
        [
            (
                trial(State.COMPLETE, 0.3, 1.23456e-6, 0.2, reason="trained all"),
                "trial 7   COMPLETE  val_loss 1.235e-06 at epoch 2  trained all",
            ),
            (trial(State.FAILED, reason="ValueError: x\nmore"), "trial 7   FAILED    no val_loss  ValueError: x"),
        ],
    )
    def test_line(self, one: Trial, wanted: str) -> None:
        assert line(one, LOSS) == wanted

    def test_params_line(self) -> None:
        assert (
            params_line({"lr": 0.00123456, "n": 3, "b": True, "o": "sgd"}) == "lr = 0.001235, n = 3, b = True, o = sgd"
        )

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(0.4, "0s"), (59.4, "59s"), (59.6, "1m00s"), (185, "3m05s"), (3599.7, "1h00m"), (3720, "1h02m")],
    )
    def test_duration(self, seconds: float, text: str) -> None:
        assert duration(seconds) == text

    def test_number(self) -> None:
        assert [number(value) for value in (0.97333333, 3, "a", True)] == ["0.9733", "3", "a", "True"]

    def test_columns(self) -> None:
        assert columns([["a", "bb"], ["ccc", ""]]) == "a    bb\nccc"
