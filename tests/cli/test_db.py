"""`hpsearch db`: the journal's schema."""

import re
import shlex
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from hpsearch import __version__
from hpsearch.journal.schema import HEAD, VERSION_TABLE
from tests.chaos.invariants import FinishedResults, check
from tests.cli.cli_runner import CliRunner, content
from tests.journal import old_journals

OLDEST = old_journals.VERSIONS[0]
READERS = (
    "status",
    "export sprint",
    "show sprint 0",
    "best sprint",
    "report sprint",
    "sync sprint",
    "plan sprint.toml",
)
"""All that read what is recorded, with studies of the old journals."""


def test_version(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    assert cli.invoke("db", "version").out == f"schema version {HEAD}\n"
    assert cli.invoke("db", "version", "--json").data == {"version": HEAD}
    assert cli.invoke("db", "version", "--journal", "sqlite:///.hpsearch/journal.db").code == 0


def test_upgrade_of_the_newest_version(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    assert cli.invoke("db", "upgrade").out == f"already at version {HEAD}\n"
    assert cli.invoke("db", "upgrade", "--json").data == {"before": HEAD, "after": HEAD, "backup": None}


@pytest.mark.parametrize("words", [*READERS, "run sprint.toml", "run sprint.toml --fork other", "db upgrade"])
def test_a_journal_of_a_newer_hpsearch(cli: CliRunner, words: str) -> None:
    old_journals.lay_down(OLDEST, cli.folder)
    with closing(sqlite3.connect(".hpsearch/journal.db")) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        connection.commit()
    answer = cli.invoke(*words.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.names("9999", __version__, ".hpsearch/journal.db")
    assert cli.invoke("db", "version", "--json").data == {"version": "9999"}


@pytest.mark.parametrize("words", [*READERS, "run sprint.toml", "run sprint.toml --fork other"])
def test_a_journal_of_an_older_hpsearch(cli: CliRunner, words: str) -> None:
    """Every command says what to do, in words that can be typed as they are, from wherever one is."""
    old_journals.lay_down(OLDEST, cli.folder)
    answer = cli.invoke(*words.split())
    assert (answer.code, answer.out) == (2, "")
    command = re.search(r"`hpsearch (db upgrade .*)`", answer.err)
    assert command is not None, answer.err
    assert cli.invoke(*shlex.split(command[1])).code == 0
    assert "version" not in cli.invoke(*words.split(), "-q").err


def test_which_journal(cli: CliRunner) -> None:
    old_journals.lay_down(OLDEST, cli.folder)
    elsewhere = cli.folder / "elsewhere"
    elsewhere.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(elsewhere)
        for words in (["../sprint.toml"], ["--journal", f"sqlite:///{cli.folder}/.hpsearch/journal.db"]):
            assert cli.invoke("db", "version", *words, "--json").data == {"version": OLDEST}
        assert cli.invoke("db", "version").code == 2


@pytest.mark.parametrize("version", old_journals.VERSIONS)
class TestAStudyOfAnOlderHpsearch:
    def test_is_exported_as_it_was_then(self, cli: CliRunner, version: str) -> None:
        old_journals.lay_down(version, cli.folder)
        backup = cli.folder / f".hpsearch/journal.db.{version}.backup"
        assert cli.invoke("db", "upgrade").out == f"upgraded {version} to {HEAD}; backup: {backup}\n"
        for study, document in old_journals.exported(version).items():
            assert old_journals.lost(document, cli.export(study)) == []

    def test_an_upgraded_study_resumes(self, cli: CliRunner, version: str) -> None:
        url = old_journals.lay_down(version, cli.folder)
        finished_results = FinishedResults(url, "veteran")
        finished_results.check_unchanged()
        assert cli.invoke("db", "upgrade").code == 0
        finished_results.check_unchanged()
        assert gone_on(cli) == unbroken(cli, version)
        finished_results.check_unchanged()
        check(url, "veteran", budget=15)

    def test_an_upgraded_study_resumes_in_postgresql(
        self, cli: CliRunner, version: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = old_journals.lay_down(version, cli.folder).removeprefix("sqlite:///")
        old_journals.bring_over(version, cli.folder / file, postgres_url)
        with (cli.folder / "veteran.toml").open("a") as study:
            study.write('[journal]\nurl = "${env:THE_JOURNAL}"\n')
        monkeypatch.setenv("THE_JOURNAL", postgres_url)
        answer = cli.invoke("run", "veteran.toml")
        assert answer.code == 2
        assert answer.names("pg_dump", "`hpsearch db upgrade STUDY.toml`")
        assert cli.invoke("db", "upgrade", "veteran.toml").out == f"upgraded {version} to {HEAD}\n"
        assert gone_on(cli, "veteran.toml") == unbroken(cli, version)
        check(postgres_url, "veteran", budget=15)


@pytest.mark.slow
def test_a_study_with_every_cause_resumes(cli: CliRunner) -> None:
    """Of a journal from before there were causes: what had ended stays, and the one that was interrupted is trained."""
    old_journals.lay_down("0004", cli.folder)
    before = old_journals.exported("0004")["fates"]["trials"]
    assert cli.invoke("db", "upgrade").code == 0
    assert cli.invoke("run", "fates.toml", "--set", 'resources.address="none"', "--set", 'limits.trial="1m"').code == 0
    *ended, last = cli.export("fates")["trials"]
    assert old_journals.lost(before[:-1], ended) == []
    assert (last["state"], last["cause"], last["cause_numbers"]) == ("COMPLETE", "done", {"epoch": 6})


def test_a_study_that_had_ended_has_one_end_and_with_a_larger_budget_another(cli: CliRunner) -> None:
    old_journals.lay_down("0004", cli.folder)
    assert cli.invoke("db", "upgrade").code == 0
    before = cli.export("rounds")["decisions"]
    assert cli.invoke("run", "rounds.toml").code == 0
    assert cli.export("rounds")["decisions"] == before
    cli.invoke("run", "rounds.toml", "--set", "search.budget.epochs=31")
    after = cli.export("rounds")["decisions"]
    assert [one["kind"] for one in after].count("over") == [one["kind"] for one in before].count("over") + 1


def gone_on(cli: CliRunner, study: str = "veteran", *more: str) -> list[dict[str, Any]]:
    """Its trials at its end; of a trainer's error what it said, and not through which lines it came.

    Without the sentences, which another version of hpsearch words in another way: causes are compared.
    Of the numbers of a cause only what they are: an older hpsearch kept no more digits of them than its sentence had.
    """
    assert cli.invoke("run", "veteran.toml", "--set", 'tracking.mlflow="none"', *more).code == 0
    trials = content(cli.invoke("export", study).data)
    return [
        trial
        | {"error": str(trial["error"]).splitlines()[-1], "cause_numbers": sorted(trial["cause_numbers"])}
        | {"reason": "", "origin": ""}
        for trial in trials
    ]


def unbroken(cli: CliRunner, version: str) -> list[dict[str, Any]]:
    """The trials of the same study, run from its beginning to its end by this hpsearch by its old rules."""
    (folder := cli.folder / "unbroken").mkdir()
    old_journals.lay_down(version, folder)
    (folder / ".hpsearch/journal.db").unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        rules = ("--set", 'study.trial_seeds="different"', "--set", 'study.numbers="full"')
        return gone_on(cli, "veteran", *rules)


def test_no_journal(cli: CliRunner) -> None:
    for action in ("version", "upgrade"):
        answer = cli.invoke("db", action)
        assert answer.code == 2
        assert "journal.db" in answer.err
    assert cli.files() == []
    assert cli.invoke("db", "downgrade").code == 2
