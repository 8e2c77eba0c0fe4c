"""The program as such: its arguments, its streams, and what it imports."""

import errno
import io
import os
import re
import shlex
import subprocess
import sys

import pytest

from hpsearch import __version__
from hpsearch.cli.mistyped import NOT_COMMANDS, OTHER_WORDS
from hpsearch.cli.parser import EXAMPLES, VERBS, parsed
from hpsearch.study.file import reading
from tests.cli.cli_runner import CliRunner, environment

HEAVY = ("torch", "ray", "mlflow", "optuna", "sqlalchemy")


def imported(cli: CliRunner, *calls: tuple[str, ...]) -> set[str]:
    """The top-level modules that calls of one process import, by Python's own account."""
    program = "import sys; from hpsearch.cli.main import main\n"
    program += f"for words in {calls}:\n try: main(words)\n except SystemExit: pass\n"
    program += "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    argv = [sys.executable, "-c", program]
    done = subprocess.run(argv, cwd=cli.folder, env=environment(), capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


class TestImports:
    def test_help(self, cli: CliRunner) -> None:
        verbs = ((verb, "--help") for verb in VERBS)
        assert not imported(cli, ("--help",), ("--version",), *verbs) & {*HEAVY, "pydantic", "rich", "numpy"}

    def test_check(self, cli: CliRunner) -> None:
        cli.study()
        assert not imported(cli, ("check", "study.toml")) & set(HEAVY)

    def test_status(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        assert not imported(cli, ("status", "toy")) & {"torch", "ray", "mlflow", "optuna"}

    def test_run_in_this_process(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.support.toys:noop")
        cli.change(('epoch_log = "', 'nothing = "'))
        assert not imported(cli, ("run", "study.toml")) & {"ray", "mlflow", "optuna"}


class TestArguments:
    @pytest.mark.parametrize("option", ["--version", "-V"])
    def test_version(self, cli: CliRunner, option: str) -> None:
        answer = cli.invoke(option)
        assert (answer.code, answer.out) == (0, f"hpsearch {__version__}\n")

    def test_help_names_every_command_and_exit_code(self, cli: CliRunner) -> None:
        answer = cli.invoke("--help")
        assert answer.code == 0
        assert all(f"\n    {command}" in answer.out for command in VERBS)
        assert {"1", "2", "3", "4", "5", "6", "130", "143"} <= set(
            re.findall(r"\d+", answer.out.partition("exit codes:")[2])
        )

    @pytest.mark.parametrize("command", VERBS)
    def test_every_command_has_help_and_json(self, cli: CliRunner, command: str) -> None:
        answer = cli.invoke(command, "--help")
        assert answer.code == 0
        assert "--json" in answer.out

    @pytest.mark.parametrize("words", [(), ("rum",), ("run",), ("run", "study.toml", "--jon")])
    def test_unknown_arguments(self, cli: CliRunner, words: tuple[str, ...]) -> None:
        answer = cli.invoke(*words)
        assert (answer.code, answer.out) == (2, "")
        assert "usage: hpsearch" in answer.err

    @pytest.mark.parametrize(
        ("words", "prog", "hint"),
        [
            (("rum", "study.toml"), "hpsearch", "`run`"),
            (("study.toml",), "hpsearch", "`hpsearch run study.toml`"),
            (("run", "study.toml", "--jsn"), "hpsearch run", "`--json`"),
            (("run", "--trails", "3"), "hpsearch run", "`--set search.trials=VALUE`"),
            (("status", "--wach"), "hpsearch status", "`--watch`"),
            (("--json", "status"), "hpsearch", "hpsearch COMMAND --json"),
            (("start", "mine.toml"), "hpsearch", "`hpsearch run mine.toml`"),
            (("Optimize",), "hpsearch", "`hpsearch run study.toml`"),
            (("dashboard",), "hpsearch", "`hpsearch ui`"),
            (("ls",), "hpsearch", "`hpsearch status`"),
            (("create_study",), "hpsearch", "`hpsearch init`"),
            (("log", "toy", "3"), "hpsearch", "`hpsearch logs toy 3`"),
            (("validate", "mine.toml"), "hpsearch", "`hpsearch check mine.toml`"),
            (("register", "toy"), "hpsearch", "`hpsearch promote toy --as NAME`"),
            (("delete", "toy"), "hpsearch", "--fork NEW_NAME"),
            (("tell",), "hpsearch", "hpsearch.Session"),
            (("ui", "study.toml"), "hpsearch ui", "--home FOLDER"),
            (("config", "toy"), "hpsearch config", "current folder"),
            (("run", "--config", "study.toml"), "hpsearch run", "`hpsearch run study.toml`"),
            (("status", "--study", "toy"), "hpsearch status", "`hpsearch status STUDY`"),
            (("report", "toy", "out.html"), "hpsearch report", "`-o out.html`"),
            (("run", "study.toml", "search.trials=3"), "hpsearch run", "`--set search.trials=3`"),
            (("show", "toy", "1", "2"), "hpsearch show", "STUDY TRIAL"),
            (("show", "toy", "best"), "hpsearch show", "`hpsearch best STUDY`"),
        ],
    )
    def test_what_was_meant(self, cli: CliRunner, words: tuple[str, ...], prog: str, hint: str) -> None:
        answer = cli.invoke(*words)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.startswith(f"usage: {prog} [-h]")
        assert hint in answer.err.splitlines()[-1]

    def test_an_option_that_is_like_none(self, cli: CliRunner) -> None:
        answer = cli.invoke("run", "study.toml", "--patience", "1h")
        assert answer.code == 2
        assert answer.names("unrecognized arguments: --patience 1h\n")

    def test_what_other_tools_call_a_command_is_no_command_of_ours(self) -> None:
        words = " ".join(OTHER_WORDS.values()).split()
        assert len(words) == len(set(words))
        assert not {*words, *NOT_COMMANDS} & VERBS.keys()
        for ours in OTHER_WORDS:
            assert ours.split()[0] in {*VERBS, "--version"}

    def test_the_name_of_a_study_in_place_of_its_file(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        for verb in ("run", "plan", "check"):
            answer = cli.invoke(verb, "toy")
            assert (answer.code, answer.out) == (2, "")
            assert str(cli.folder / "study.toml") in answer.err

    def test_every_command_has_an_example_that_is_valid(self) -> None:
        assert EXAMPLES.keys() == VERBS.keys()
        for verb, example in EXAMPLES.items():
            words = shlex.split(example.partition(" > ")[0])
            assert words[:2] == ["hpsearch", verb]
            parsed(words[1:])

    def test_help_names_the_variables_that_matter(self, cli: CliRunner) -> None:
        assert "HPSEARCH_DATA" in cli.invoke("run", "--help").out
        assert "HPSEARCH_HOME" in cli.invoke("help", "status").out
        assert "HPSEARCH" not in cli.invoke("completion", "--help").out

    def test_without_arguments_it_shows_the_next_step(self, cli: CliRunner) -> None:
        assert "hpsearch quickstart" in cli.invoke().err
        cli.study()
        assert "hpsearch run study.toml" in cli.invoke().err
        cli.run()
        answer = cli.invoke()
        assert (answer.code, answer.out) == (2, "")
        assert "hpsearch status" in answer.err

    def test_without_arguments_it_finds_the_home_of_the_settings(
        self, cli: CliRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("HPSEARCH_HOME", raising=False)
        settings = cli.folder / "pyproject.toml"
        settings.write_text('[tool.hpsearch]\nhome = "runs"')
        assert "hpsearch status" not in cli.invoke().err
        (cli.folder / "runs").mkdir()
        (cli.folder / "runs" / "journal.db").touch()
        assert "hpsearch status" in cli.invoke().err
        settings.write_text("[tool.hpsearch]\nhome = 3")
        assert "hpsearch quickstart" in cli.invoke().err

    def test_help_does_not_break_names(self, cli: CliRunner) -> None:
        assert not [line for line in cli.invoke("init", "--help").out.splitlines() if line.endswith("-")]

    def test_verbose_adds_the_traceback(self, cli: CliRunner) -> None:
        plain, verbose = cli.invoke("check", "none.toml"), cli.invoke("check", "none.toml", "-v")
        assert "Traceback" not in plain.err
        assert verbose.err.startswith("Traceback")
        assert verbose.err.endswith(plain.err)


class TestStandardInput:
    @pytest.fixture(autouse=True)
    def _unread(self) -> None:
        reading._standard_input.cache_clear()

    def test_check(self, cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        text = cli.study().read_bytes()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        assert cli.invoke("check", "-", "--json").data == {"study": "toy", "faults": [], "warnings": []}

    def test_a_fault_has_its_line(self, cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        text = cli.study().read_text().replace("epochs = 3", "epochs = 0")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        [fault] = cli.invoke("check", "-", "--json").data["faults"]
        assert (fault["key"], fault["line"]) == ("trainer.epochs", 1 + text[: text.index("epochs")].count("\n"))

    def test_run_needs_a_file(self, cli: CliRunner) -> None:
        answer = cli.invoke("run", "-")
        assert answer.code == 2
        assert "hpsearch check -" in answer.err


class TestStreams:
    def shell(self, cli: CliRunner, command: str) -> subprocess.CompletedProcess[str]:
        whole = f"set -o pipefail; {command.replace('hpsearch', f'{sys.executable} -m hpsearch')}"
        return subprocess.run(
            ["bash", "-c", whole], cwd=cli.folder, env=environment(), capture_output=True, text=True, check=False
        )

    def test_reader_that_has_seen_enough(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 60', trainer="tests.cli.trainers:exploding", options="limit = 2.0")
        cli.run()
        done = self.shell(cli, "hpsearch export toy | head -1")
        assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")

    def test_terminal_that_cannot_show_a_name(self, cli: CliRunner) -> None:
        cli.study()
        cli.run("--set", 'study.name="Größe"', "--set", "search.trials=1")
        done = self.shell(cli, "PYTHONIOENCODING=ascii hpsearch status")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[1].startswith("Gr\\xf6\\xdfe  COMPLETE")

    def test_a_full_disk_has_advice(self, cli: CliRunner) -> None:
        cli.study()
        cli.run()
        done = self.shell(cli, "hpsearch export toy > /dev/full")
        assert done.returncode == 5
        assert done.stderr.splitlines()[0] == str(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        assert done.stderr.splitlines()[1].endswith(" stdout")

    def test_stderr_that_is_gone(self, cli: CliRunner) -> None:
        done = self.shell(cli, "hpsearch check none.toml 2>&-")
        assert (done.returncode, done.stdout) == (2, "")
