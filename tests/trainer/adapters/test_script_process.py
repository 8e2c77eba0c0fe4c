"""How a program ends, by itself and stopped."""

import os
import signal
import subprocess

import pytest

from hpsearch.trainer.adapters import command, script_process
from hpsearch.trainer.failures import ProgramFailed, failure_of
from hpsearch.trainer.reporting import REPORT
from tests.support.session_folder import until
from tests.trainer.adapters.programs import PATTERN, Programs, is_running


class TestEnds:
    def test_an_exit_code(self, programs: Programs) -> None:
        text = "print('val_loss 1'); raise SystemExit('no such optimizer')"
        reports = programs.start(programs.script(text, metrics=PATTERN))
        next(reports)
        with pytest.raises(ProgramFailed) as raised:
            next(reports)
        failure = failure_of(raised.value)
        assert failure.kind == "error"
        assert failure.summary == "the program ended with exit code 1: no such optimizer"
        assert failure.traceback.splitlines()[1:] == ["val_loss 1", "no such optimizer"]

    def test_a_signal(self, programs: Programs) -> None:
        with pytest.raises(ProgramFailed, match="was killed by SIGSEGV"):
            programs.reports(programs.shell("kill -SEGV $$"))

    def test_out_of_memory(self, programs: Programs) -> None:
        with pytest.raises(ProgramFailed) as raised:
            programs.reports(programs.script("raise MemoryError('of 8 TiB')"))
        assert failure_of(raised.value).kind == "oom"

    def test_nothing_reported(self, programs: Programs) -> None:
        with pytest.raises(ProgramFailed) as raised:
            programs.reports(programs.script("print('loss is 0.5')", metrics=PATTERN))
        failure = failure_of(raised.value)
        assert failure.kind == "no_report"
        assert "loss is 0.5" in failure.summary
        assert PATTERN["val_loss"] in failure.summary

    def test_a_number_with_a_comma_is_not_read_as_another(self, programs: Programs) -> None:
        with pytest.raises(ProgramFailed, match="0,52, with a comma"):
            programs.reports(programs.script("print('val_loss 0,52')", metrics=PATTERN))

    def test_garbage_in_place_of_json(self, programs: Programs) -> None:
        with pytest.raises(ProgramFailed, match="which is not a line of JSON"):
            programs.reports(programs.shell("echo '{\"val_loss\": 0.' >> $HPSEARCH_REPORT"))

    def test_a_line_without_its_end_counts_where_it_is_whole(self, programs: Programs) -> None:
        assert programs.curve(programs.shell("printf '{\"val_loss\": 0.5}' >> $HPSEARCH_REPORT")) == [0.5]

    def test_input_is_at_its_end(self, programs: Programs) -> None:
        with pytest.raises(ProgramFailed, match="EOFError"):
            programs.reports(programs.script("input('overwrite? ')"))

    def test_closed_descriptors(self, programs: Programs) -> None:
        text = """
            import os
            os.closerange(0, 100)
            with open(os.environ["HPSEARCH_REPORT"], "a") as file: file.write('{"val_loss": 0.5}\\n')
        """
        assert programs.curve(programs.script(text)) == [0.5]


ENDLESS = """
    import os, subprocess, sys, time
    open("pids", "w").write(str(os.getpid()))
    {before}
    print("val_loss 1.0")
    time.sleep(600)
"""


class TestAfterItsLastEpoch:
    SLEEPING = """
        import os, sys, time
        print("val_loss 1\\nval_loss 2\\nval_loss 3\\nval_loss 4")
        {length}
        sys.stdout.flush()
        {rest}
    """

    @pytest.fixture(autouse=True)
    def short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(command, "TIME_TO_END", 0.2)

    def test_one_that_trains_on_is_ended(self, programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
        program = programs.script(self.SLEEPING.format(length="", rest="time.sleep(1000)"), metrics=PATTERN)
        assert programs.curve(program) == [1.0, 2.0, 3.0, 4.0]
        assert "after the report of its last epoch" in capsys.readouterr().out

    def test_one_that_knows_its_length_is_not(self, programs: Programs) -> None:
        rest = "time.sleep(1); open('model', 'w')"
        program = programs.script(
            self.SLEEPING.format(length="os.environ['HPSEARCH_EPOCHS']", rest=rest), metrics=PATTERN
        )
        assert programs.curve(program) == [1.0, 2.0, 3.0, 4.0]
        assert (programs.folder / "model").exists()


class TestStopped:
    def stopped(self, programs: Programs, before: str) -> None:
        """All processes are gone. Linux ends a process that was killed a moment after the signal."""
        reports = programs.start(programs.script(ENDLESS.format(before=before), metrics=PATTERN))
        next(reports)
        reports.close()  # type: ignore[attr-defined]
        pids = [int(pid) for pid in (programs.folder / "pids").read_text().split()]
        until(lambda: not any(map(is_running, pids)))

    def test_by_sigterm(self, programs: Programs) -> None:
        before = "import signal; signal.signal(15, lambda *_: (open('term', 'w').close(), sys.exit()))"
        self.stopped(programs, before)
        assert (programs.folder / "term").exists()

    def test_by_sigkill_after_a_grace(self, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(script_process.ScriptProcess.end, "__defaults__", (0.3,))
        self.stopped(programs, "import signal; signal.signal(15, signal.SIG_IGN)")

    def test_with_what_it_started(self, programs: Programs) -> None:
        child = "c = subprocess.Popen(['sleep', '600']); open('pids', 'a').write(f' {c.pid}')"
        self.stopped(programs, child)

    def test_with_a_daemon(self, programs: Programs) -> None:
        child = "c = subprocess.Popen(['sleep', '600'], start_new_session=True); open('pids', 'a').write(f' {c.pid}')"
        self.stopped(programs, child)

    def test_what_is_left_where_the_worker_was_killed(self, programs: Programs) -> None:
        """A worker that is killed ends nothing; the pool does."""
        left = {**os.environ, REPORT: str(programs.folder / "scratch" / "00003" / "report")}
        process = subprocess.Popen(["sleep", "600"], env=left, start_new_session=True)
        other = subprocess.Popen(["sleep", "600"], env={**left, REPORT: "/elsewhere"}, start_new_session=True)
        script_process.end_programs(programs.folder)
        assert process.wait(10) == -signal.SIGKILL
        assert other.poll() is None
        other.kill()
        other.wait()

    def test_a_daemon_that_outlives_it(self, programs: Programs) -> None:
        text = "(setsid sleep 600 & echo $! > pids); echo val_loss 1"
        assert programs.curve(programs.shell(text, metrics=PATTERN)) == [1.0]
        assert not is_running(int((programs.folder / "pids").read_text()))
