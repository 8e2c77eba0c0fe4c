"""`hpsearch report`: the page as a browser would take it apart, against what was recorded."""

import base64
import hashlib
import re

import pytest

from hpsearch.evaluation.candidates import IN_WORDS
from hpsearch.journal import Journal
from hpsearch.reports.page import MAX_ROWS, searched
from hpsearch.study.definition import Study
from hpsearch.study.space import Float
from tests.cli.browser import Page
from tests.cli.cli_runner import CliResult, CliRunner


def report(cli: CliRunner, study: object = "study.toml", *words: object) -> Page:
    assert cli.invoke("report", study, *words).code == 0
    return Page(cli.folder / "report.html")


def ended(answer: CliResult) -> CliResult:
    assert answer.code == 0, answer.err
    return answer


@pytest.fixture
def done(cli: CliRunner) -> CliRunner:
    cli.study()
    ended(cli.run())
    return cli


# Where it goes ───────────────────────────────────────────────────────────────────────────────────


class TestWhere:
    def test_the_default_file_is_replaced(self, done: CliRunner) -> None:
        (done.folder / "report.html").write_text("before")
        answer = done.invoke("report", "toy")
        assert (answer.code, answer.err) == (0, "")
        assert re.fullmatch(r'report of study "toy" written to report\.html \(\d\.\d MB\)\n', answer.out)
        assert Page(done.folder / "report.html").headings[0] == ("h1", "toy")

    def test_object(self, done: CliRunner) -> None:
        answer = done.invoke("report", "toy", "-o", "other.html", "--json")
        assert answer.data == {"study": "toy", "state": "COMPLETE", "written": "other.html"}
        assert (done.folder / "other.html").exists()

    @pytest.mark.parametrize(
        ("place", "says"),
        [
            ("nowhere/report.html", "-o nowhere/report.html: there is no folder nowhere"),
            (".", "-o .: this is a folder; name a file, such as report.html"),
            ("/dev/full", "/dev/full cannot be written: No space left on device; name another file with -o"),
        ],
    )
    def test_where_it_cannot_be(self, done: CliRunner, place: str, says: str) -> None:
        answer = done.invoke("report", "toy", "-o", place)
        assert (answer.code, answer.out, answer.err) == (2, "", f"{says}\n")

    def test_no_such_study(self, done: CliRunner) -> None:
        answer = done.invoke("report", "tyo")
        assert answer.is_refused
        assert answer.names("`toy`")
        assert not (done.folder / "report.html").exists()

    def test_nothing_is_trained_and_nothing_else_is_written(self, done: CliRunner) -> None:
        trained, files, record = done.trained(), done.files(), done.export()
        report(done)
        assert (done.trained(), done.files(), done.export()) == (trained, files, record)


# What stands in it ───────────────────────────────────────────────────────────────────────────────


class TestContent:
    def test_parts_in_their_order_and_none_that_is_empty(self, done: CliRunner) -> None:
        page = report(done)
        assert page.sections == [
            "Findings",
            "Best trials",
            "Plots",
            "Decisions",
            "Study file",
        ]
        assert [link["href"] for link in page.tags_of("a")] == ["#findings", "#best", "#plots", "#decisions", "#file"]

    def test_the_best_trial_and_what_it_was_found_among(self, done: CliRunner) -> None:
        best, *rest = sorted(done.export()["trials"], key=lambda trial: trial["value"])
        page = report(done)
        found = f"Best val_loss: {best['value']:.4g} at epoch {best['best_epoch']} of trial {best['number']}"
        assert f"{found}, the lowest of 4 trials with a value." in page.words
        assert page.table("parameter")[0] == ["x", searched(Float("x", 0.0, 1.0)), f"{best['params']['x']:.4g}"]
        assert [row[0] for row in page.table("trial")] == [str(trial["number"]) for trial in (best, *rest)]
        assert page.table("trial")[0][-1] == best["reason"]
        assert "trials 4: 4 complete" in page.words
        assert "epochs trained 12," in page.words

    def test_parameters_in_the_order_of_the_file_and_not_active_ones_left_empty(self, cli: CliRunner) -> None:
        momentum = 'momentum = { low = 0.0, high = 0.9, when = { kind = "a" } }'
        space = f'kind = ["a", "b"]\n{momentum}\nx = {{ low = 0.0, high = 1.0 }}'
        cli.study('method = "random"\ntrials = 6', space=space)
        ended(cli.run())
        page = report(cli)
        head = next(rows[0] for rows in page.tables if rows[0][0] == "trial")
        assert head[5:-1] == ["kind", "momentum", "x"]
        assert {(row[5], row[6] != "") for row in page.table("trial")} == {("a", True), ("b", False)}
        momentum = Float("momentum", 0.0, 0.9, when={"kind": ("a",)})
        assert ["momentum", searched(momentum)] in [row[:2] for row in page.table("parameter")]

    def test_every_decision_with_its_reason(self, done: CliRunner) -> None:
        rows = report(done).table("time (UTC)")
        recorded = done.export()["decisions"]
        assert [(row[3], row[4]) for row in rows] == [(one["kind"], one["reason"]) for one in recorded]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", rows[0][0])

    def test_more_than_the_most_decisions_are_counted(self, done: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(MAX_ROWS, "decisions", 3)
        page = report(done)
        assert len(page.table("time (UTC)")) == 3
        more = len(done.export()["decisions"]) - 3
        assert f"{more} later decisions are not shown; hpsearch export toy has all" in page.words

    def test_plots_of_the_recorded_data(self, done: CliRunner) -> None:
        page, trials = report(done), done.export()["trials"]
        curves = next(figure for figure in page.figures if figure["layout"]["xaxis"]["title"]["text"] == "epoch")
        drawn = {trace["name"]: trace["y"] for trace in curves["data"]}
        for trial in trials:
            values = [report["val_loss"] for report in trial["curve"]]
            assert drawn[f"trial {trial['number']}"] == pytest.approx(values, rel=1e-5)

    def test_rounds_and_why_the_search_ended(self, cli: CliRunner) -> None:
        cli.study('method = "recipe"\nbudget = { epochs = 40 }\npreflight = false', epochs=6)
        ended(cli.run())
        page = report(cli)
        over = cli.invoke("show", "toy", "--json").data["rounds"]["over"]
        assert ("h3", "Rounds") in page.headings
        assert ("h3", "Trials and search ranges by round") in page.headings
        assert page.words.count(over) == 3, "in words, with the picture, and as a decision"
        rounds = cli.invoke("show", "toy", "--json").data["rounds"]["rounds"]
        assert [row[0] for row in page.table("round")] == [str(one["number"]) for one in rounds]
        assert [row[2] for row in page.table("round")] == [str(one["epochs"]) for one in rounds]
        assert all(note in page.words for one in rounds for note in one["notes"])

    def test_preflight(self, cli: CliRunner) -> None:
        cli.study(
            'method = "random"\ntrials = 1',
            trainer="tests.cli.preflight_trainers:logistic",
            space="lr = { low = 1e-2, high = 1.0, log = true }",
            more='[preflight]\nskip = ["overfits", "labels"]\n',
        )
        ended(cli.run())
        page = report(cli)
        checks = cli.export()["measured"]["preflight"]["checks"]
        assert [(row[0], row[2]) for row in page.table("check")] == [(one["name"], one["says"]) for one in checks]
        assert "Preflight" in page.sections

    def test_one_trial(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 1')
        ended(cli.run())
        words = report(cli).words
        assert "of trial 0, the only trial with a value" in words
        assert "optimistic" not in words

    def test_before_the_first_trial(self, cli: CliRunner) -> None:
        study = Study.load(cli.study())
        (cli.folder / ".hpsearch").mkdir()
        with Journal.open(study.journal_url) as journal:
            spec = study.spec()
            spec["trainer"]["options"]["file"] = "no text: \udcff"
            journal.create("toy", spec, study.identity(), at=0)
        page = report(cli)
        assert "No trial has started yet." in page.words
        assert page.sections == ["Study file"]
        assert "no text: \\udcff" in page.words
        assert page.scripts == []

    @pytest.mark.slow
    def test_while_it_runs(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 2', options="pace = 0.4")
        running = cli.start("run", "study.toml")
        cli.wait_for(lambda: cli.trained() >= 1, running)
        words = report(cli).words
        assert cli.ended(running).code == 0
        assert "state RUNNING (shown as of" in words
        assert "these findings are preliminary" in words


class TestTestSet:
    def test_not_opened(self, done: CliRunner) -> None:
        words = report(done).words
        assert "The test set was not used" in words
        assert "The best of 4 values is optimistic, because it is partly due to chance. hpsearch evaluate toy" in words

    def test_opened(self, cli: CliRunner) -> None:
        cli.study('method = "random"\ntrials = 4', trainer="tests.cli.predictors:train")
        ended(cli.run())
        found = ended(cli.invoke("evaluate", "study.toml", "-q", "--seeds", 2, "--json")).data
        page = report(cli)
        words = page.words
        (opening,) = [one for one in cli.export()["decisions"] if one["kind"] == "open test"]
        assert opening["reason"] in words
        finalists = next(rows for rows in page.tables if rows[0][1:2] == ["in the search"])
        assert [row[0] for row in finalists[1:]] == [str(one["trial"]) for one in found["finalists"]]
        assert [row[1] for row in finalists[1:]] == [f"{one['found']:.4g}" for one in found["finalists"]]
        assert finalists[1][-1].startswith("x = ")
        tested = page.table("")
        assert [float(row[2]) for row in tested] == [
            float(f"{one['validation']:.4g}") for one in found["test"]["contenders"]
        ]
        assert [row[0] for row in tested if row[0].startswith("*")] == [f"* {IN_WORDS['greedy']}"]
        assert "3 finalists of 4 trials, 2 fresh seeds each (val_loss, minimize)" in words
        assert "Test set, evaluated once" in words
        assert "hpsearch status 'toy evaluation'" in words
        winner = found["finalists"][0]
        assert f"Its value in the search is {winner['found']:.4g}" in words
        assert f"expect about {winner['corrected']:.4g}" in words
        assert f"Retrained with 2 fresh seeds, trial {winner['trial']}, the best of 3 finalists, has a mean" in words
        assert f"val_loss of {winner['mean']:.4g} ± {winner['margin']:.2g}" in words
        assert "The test set was not used" not in words

    def test_opened_without_a_result(self, done: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        done.study(trainer="tests.cli.predictors:train", file="other.toml")
        done.invoke("run", "other.toml", "--set", 'study.name="other"', "-q")
        with monkeypatch.context() as patch:
            patch.setattr("hpsearch.evaluation.evaluate.score_on_test", broken)
            done.invoke("evaluate", "other", "-q", "--seeds", 2)
        words = report(done, "other").words
        (opening,) = [one for one in done.export("other")["decisions"] if one["kind"] == "open test"]
        assert opening["reason"] in words
        assert "has no recorded result" in words


def broken(*_: object) -> None:
    raise OSError("the power went off")


class TestFailures:
    def test_reasons_and_tracebacks_of_those_that_failed_alike(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.cli.trainers:picky", options="limit = 0.5", more="[limits]\nmax_failures = 9\n")
        cli.run("--set", "study.failed=drop")
        page = report(cli)
        failed = [trial for trial in cli.export()["trials"] if trial["state"] == "FAILED"]
        assert failed
        for trial in failed:
            assert f"{trial['reason']} (trial {trial['number']})" in page.words
            assert " ".join(trial["error"].split()) in page.words
        numbers = ", ".join(str(trial["number"]) for trial in failed)
        assert f"{len(failed)} of 4 trials failed (trial{'s' * (len(failed) > 1)} {numbers})" in page.words
        assert not {row[0] for row in page.table("trial")} & {str(trial["number"]) for trial in failed}

    def test_no_trial_has_a_value(self, cli: CliRunner) -> None:
        cli.study(trainer="tests.cli.trainers:picky", epochs=2, options="limit = -1.0")
        assert cli.run("--set", "study.failed=drop").code != 0
        page = report(cli)
        assert "No trial has a value yet." in page.words
        assert "Failed trials" in page.sections


# That it is harmless ─────────────────────────────────────────────────────────────────────────────

MALICIOUS = "</script></pre><script>alert(1)<!-- <img src=http://127.0.0.1:9/x onerror=alert(2)> \"'"


class TestHarmless:
    @pytest.fixture
    def evil(self, cli: CliRunner) -> Page:
        """A study whose name, options, choices, errors and reasons contain markup."""
        (cli.folder / "evil.py").write_text(TRAINER)
        cli.study(
            trainer="evil:train",
            options=f"note = '''{MALICIOUS}'''",
            space=f"x = {{ low = 0.0, high = 1.0 }}\nkind = ['''{MALICIOUS}''', '<b>b</b>']",
            search='method = "random"\ntrials = 6',
            more="[limits]\nmax_failures = 9\n",
        )
        name = "<script>alert(1)<script> & 'odd'"
        cli.change(('name = "toy"', f'name = "{name}"'))
        cli.run("-q")
        return report(cli, name)

    def test_texts_of_a_study_are_escaped(self, evil: Page) -> None:
        assert evil.headings[0] == ("h1", "<script>alert(1)<script> & 'odd'")
        assert len(evil.scripts) == 2
        assert not evil.tags_of("img")
        assert not [name for _, attributes in evil.tags for name in attributes if name.startswith("on")]
        assert MALICIOUS.split("<!--")[0] in evil.words
        assert "b</b>" in evil.words

    def test_passwords_are_redacted(self, evil: Page) -> None:
        assert "cannot reach postgresql://me:***@host/db" in evil.words
        assert "Xq7canary" not in evil.source

    def test_nothing_is_fetched_and_no_other_script_runs(self, evil: Page) -> None:
        for _, attributes in evil.tags:
            assert "src" not in attributes
            assert str(attributes.get("href", "#")).startswith("#")
        assert "@import" not in evil.source.split("</style>")[0]
        assert evil.tags_of("link") == []
        hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in evil.scripts]
        scripts = " ".join(f"'sha256-{one}'" for one in hashes)
        assert evil.policy == (
            f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src {scripts}"
        )

    def test_plotly_is_there_once(self, evil: Page) -> None:
        assert [len(script) > 1_000_000 for script in evil.scripts] == [True, False]
        assert len(evil.figures) > 2

    def test_accessibility_and_small_screens(self, evil: Page) -> None:
        assert evil.tags_of("html") == [{"lang": "en"}]
        assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in evil.tags_of("meta")
        assert all(head["scope"] in ("row", "col") for head in evil.tags_of("th"))
        plots = [div for div in evil.tags_of("div") if div.get("class") == "plot"]
        assert len(plots) == len(evil.figures)
        assert all(plot["aria-label"] for plot in plots)


TRAINER = """\
from hpsearch import Report
def train(params, run):
    for epoch in run.epochs():
        if epoch == 2 and params["x"] > 0.5:
            raise ValueError(params["note"] + " cannot reach postgresql://me:Xq7canary@host/db")
        yield Report(epoch, {"val_loss": 1.0 / epoch + params["x"], "train_loss": 1.0 / epoch})
"""


def test_on_postgresql(cli: CliRunner, monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> None:
    monkeypatch.setenv("JOURNAL", postgres_url)
    cli.study(more='[journal]\nurl = "${env:JOURNAL}"\n')
    ended(cli.run())
    page = report(cli)
    assert page.headings[0] == ("h1", "toy")
    assert len(page.table("trial")) == 4
