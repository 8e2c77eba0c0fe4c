"""A password in the settings is repeated by no message, whatever is wrong with it or with what it opens."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.invariants import check_secret
from tests.cli.cli_runner import CliResult, CliRunner

CANARY = "Xq7canary"
"""Short and whole, so that half of a password which was read wrongly is found too."""

JOURNALS = [
    f"postgresql://me:{CANARY}@127.0.0.1:9/db",
    f"postgresql+psycopg://me:{CANARY}@127.0.0.1:9/db?application_name=x",
    f"postgresql://me:{CANARY}@nowhere.invalid/db",
    f"postgresql://me:{CANARY}@127.0.0.1:port/db",
    f"postgresql://me:{CANARY}@[::1/db",
    f"postgresql://me:{CANARY}@127.0.0.1:9/db?no_such_option=1",
    f"postgresql://127.0.0.1:9/db?user=me&password={CANARY}",
    f"postgresql://127.0.0.1:9/db?user=me&password={CANARY}&connect_timeout=soon",
    f"postgresql://me:%40{CANARY}%2F@127.0.0.1:9/db",
    f"postgresql://me:pass/{CANARY}@127.0.0.1:9/db",
    f"postgresql://me:pass@{CANARY}@127.0.0.1:9/db",
    f"postgresql://me:pass?{CANARY}@127.0.0.1:9/db",
    f"postgresql://me:pass {CANARY}@127.0.0.1:9/db",
    f"mysql://me:{CANARY}@127.0.0.1/db",
    f"me:{CANARY}@127.0.0.1/db",
    CANARY,
]
TRACKERS = [
    f"http://me:{CANARY}@127.0.0.1:9",
    f"https://me:{CANARY}@127.0.0.1:9",
    f"http://me:{CANARY}@127.0.0.1:port",
    f"http://me:pass/{CANARY}@127.0.0.1:9",
    f"http://me:pass@{CANARY}@127.0.0.1:9",
    f"postgresql+psycopg://me:{CANARY}@127.0.0.1:9/db",
    f"postgresql+psycopg://127.0.0.1:9/db?user=me&password={CANARY}",
    f"mysql://me:{CANARY}@127.0.0.1:9/db",
    f"ftp://me:{CANARY}@127.0.0.1",
    f"me:{CANARY}@127.0.0.1",
]


@pytest.fixture
def tried(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    """Afterwards nothing that was written has the secret in it. A tracker has no time to wait for a server."""
    monkeypatch.setattr("hpsearch.orchestrator.search.FLUSH", 0.5)
    monkeypatch.setattr("hpsearch.tracking.mlflow_tracker.RETRY_AFTER_CLOSE", 0.2)
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1, raising=False)
    monkeypatch.setenv("JOURNAL", f"sqlite:///{cli.folder}/.hpsearch/journal.db")
    cli.study(more='[journal]\nurl = "${env:JOURNAL}"\n')
    yield cli
    check_secret(CANARY, cli.folder)


def discreet(answer: CliResult) -> None:
    assert CANARY not in answer.out
    assert CANARY not in answer.err


@pytest.mark.parametrize("url", JOURNALS)
def test_a_journal_that_cannot_be_opened(tried: CliRunner, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("JOURNAL", url)
    for words in (["run"], ["status"], ["show"], ["export"], ["report"], ["db", "version"]):
        trial = ["0"] if words == ["show"] else []
        place = ["--journal", url] if words[0] == "db" else []
        answer = tried.invoke(*words, *(place or ["study.toml"]), *trial, "-v")
        assert answer.code in (2, 5), answer.err
        assert answer.err
        discreet(answer)
    for where in (url, "${env:JOURNAL}"):
        answer = tried.invoke("status", "toy", "--journal", where, "-v")
        assert answer.code in (2, 5)
        discreet(answer)


@pytest.mark.parametrize("uri", TRACKERS)
def test_an_mlflow_that_cannot_be_used(tried: CliRunner, monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("TRACKING", uri)
    tried.change(('mlflow = "none"', 'mlflow = "${env:TRACKING}"'))
    for words in (["run", "study.toml", "-v"], ["run", "study.toml", "--json", "-v"], ["sync", "study.toml", "-v"]):
        answer = tried.invoke(*words)
        assert answer.code in (0, 2, 5), answer.err
        discreet(answer)
    tried.change(('mlflow = "${env:TRACKING}"', 'mlflow = "none"'))
    assert tried.run().code == 0
    for where in (uri, "${env:TRACKING}"):
        answer = tried.invoke("sync", "toy", "--mlflow", where, "-v")
        assert answer.code in (2, 5), answer.err
        discreet(answer)


class TestWrittenDown:
    """A literal password is refused, and the refusal does not spread it."""

    @pytest.mark.parametrize("key", ["journal.url", "tracking.mlflow"])
    @pytest.mark.parametrize(
        "url",
        [
            f"postgresql://me:{CANARY}@host/db",
            f"postgresql://host/db?password={CANARY}",
            f"postgresql://host/db?sslmode=require&PASSWORD={CANARY}",
            f"postgresql://me:pass@{CANARY}@host/db",
            f"http://me:{CANARY}@host",
            f"me:{CANARY}@host",
        ],
    )
    def test_on_the_command_line(self, tried: CliRunner, key: str, url: str) -> None:
        for command in ("run", "check", "plan", "submit"):
            address = ["--address", "http://127.0.0.1:9"] if command == "submit" else []
            for value in (f"{key}={url}", f'{key}="{url}"', f'{key}="{url}', f"{key}.more={url}"):
                answer = tried.invoke(command, "study.toml", *address, "--set", value, "-v")
                assert answer.code == 2
                discreet(answer)

    @pytest.mark.parametrize(
        "line",
        [
            f'url = "postgresql://me:{CANARY}@host/db"',
            f'url = "postgresql://me:{CANARY}@host/db',
            f"url = postgresql://me:{CANARY}@host/db",
            f'url = "postgresql://host/db?password={CANARY}',
            f'url = ["postgresql://me:{CANARY}@host/db"]',
            f'url = {{ a = "postgresql://me:{CANARY}@host/db" }}',
            f'ulr = "postgresql://me:{CANARY}@host/db"',
            f'url = "a"\nurl = "postgresql://me:{CANARY}@host/db"',
            f'url = "postgresql://me:{CANARY}@host/db" x',
        ],
    )
    def test_in_the_file(self, cli: CliRunner, tmp_path: Path, line: str) -> None:
        cli.study(more=f"[journal]\n{line}\n")
        for command in ("run", "check", "plan"):
            answer = cli.invoke(command, "study.toml", "-v")
            assert answer.code == 2
            discreet(answer)
            assert cli.files() == []

    @pytest.mark.parametrize(
        ("option", "words"), [("--mlflow", ["sync"]), ("--journal", ["status"]), ("--mlflow", ["ui"])]
    )
    def test_a_variable_of_an_option_that_is_not_set(self, tried: CliRunner, option: str, words: list[str]) -> None:
        assert tried.run().code == 0
        study = [] if words == ["ui"] else ["toy"]
        answer = tried.invoke(*words, *study, option, "http://me:${env:NOBODY_HAS_SET_THIS}@host")
        assert answer.is_refused
        assert answer.names(option.removeprefix("--"), " NOBODY_HAS_SET_THIS ")

    def test_a_command_that_is_proposed_has_the_variable_in_it(self, tried: CliRunner, monkeypatch: pytest.MonkeyPatch):
        uri = f"postgresql+psycopg://me:{CANARY}@127.0.0.1:9/db"
        monkeypatch.setenv("TRACKING", uri)
        tried.change(('mlflow = "none"', 'mlflow = "${env:TRACKING}"'))
        answer = tried.run()
        discreet(answer)
        words = [line.split() for line in answer.out.splitlines()]
        assert ["dashboard", "hpsearch", "ui", "--mlflow", "'${env:TRACKING}'"] in words


def test_the_traceback_of_a_bug_has_no_password(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Its traceback is meant for a report that others read."""
    from hpsearch.cli.main import main

    def broken(*_: object) -> None:
        raise KeyError(f"postgresql://me:{CANARY}@host/db")

    cli.study()
    monkeypatch.setattr("hpsearch.study.definition.Study.load", broken)
    assert main(["check", "study.toml"]) == 1
    said = capsys.readouterr().err
    assert "this is a bug in hpsearch" in said
    assert "KeyError: 'postgresql://me:***@host/db'" in said
    assert traceback.format_exc() == "NoneType: None\n"
