"""A program as a trainer: what it is given, what it reports, and how it ends."""

import math
import os
import time
from pathlib import Path

import pytest

from hpsearch import Report
from hpsearch.core.errors import TrainerError
from hpsearch.study.program import Program
from hpsearch.trainer import state
from hpsearch.trainer.adapters import command, script_process
from hpsearch.trainer.failures import ProgramFailed, failure_of
from hpsearch.trainer.training_run import Run
from tests.trainer.adapters.programs import EPOCHS, Programs, is_running

PATTERN = {"val_loss": "val_loss[=: ]+{number}"}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """PYTHONUNBUFFERED is not set, as on a user's machine."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    return Programs(tmp_path)


class TestReports:
    def test_patterns_over_the_output(self, programs: Programs) -> None:
        text = "for e in range(1, 4): print(f'epoch {e}: train_loss=1.5 val_loss: {1 / e}')"
        metrics = {**PATTERN, "train_loss": "train_loss={number}"}
        assert programs.reports(programs.script(text, metrics=metrics)) == [
            Report(e, {"val_loss": 1 / e, "train_loss": 1.5}) for e in (1, 2, 3)
        ]

    def test_lines_of_json_from_a_shell_script(self, programs: Programs) -> None:
        text = """
            for e in 1 2 3; do
                echo "{\\"step\\": $((e * 10)), \\"val_loss\\": 0.$e}" >> "$HPSEARCH_REPORT"
            done
        """
        assert programs.reports(programs.shell(text)) == [Report(e * 10, {"val_loss": e / 10}) for e in (1, 2, 3)]

    def test_lines_of_json_without_a_step_are_counted(self, programs: Programs) -> None:
        text = """
            awk 'BEGIN { for (e = 1; e <= 2; e++) printf "{\\"val_loss\\": %f}\\n", 1 / e }' > "$HPSEARCH_REPORT"
        """
        assert programs.reports(programs.shell(text)) == [Report(1, {"val_loss": 1.0}), Report(2, {"val_loss": 0.5})]

    @pytest.mark.parametrize("printed", ["nan", "NaN", "-nan", "NAN"])
    def test_a_diverged_loss_is_a_report(self, programs: Programs, printed: str) -> None:
        (by_pattern,) = programs.curve(programs.script(f"print('val_loss', '{printed}')", metrics=PATTERN))
        (by_json,) = programs.curve(programs.shell(f"echo '{{\"val_loss\": {printed}}}' >> $HPSEARCH_REPORT"))
        assert math.isnan(by_pattern)
        assert math.isnan(by_json)

    def test_a_metrics_file_of_a_logger(self, programs: Programs) -> None:
        text = """
            import csv, pathlib
            folder = pathlib.Path("logs/version_0"); folder.mkdir(parents=True)
            rows = []
            for e in range(3):
                rows += [{"epoch": e, "train_loss": 2.0, "val_loss": ""}, {"epoch": e, "train_loss": "", "val_loss": e}]
                with open(folder / "metrics.csv", "w", newline="") as file:
                    writer = csv.DictWriter(file, rows[0]); writer.writeheader(); writer.writerows(rows)
        """
        program = programs.script(text, metrics_file="logs/*/metrics.csv", in_scratch=True)
        assert programs.reports(program) == [
            Report(e + 1, {"epoch": e, "train_loss": 2.0, "val_loss": e}) for e in range(3)
        ]

    def test_a_step_that_is_reported_twice_counts_once(self, programs: Programs, capsys: object) -> None:
        text = "for e in (1, 2, 2, 3): print(f'epoch {e} val_loss {1 / e}')"
        program = programs.script(text, metrics={"val_loss": r"epoch (?P<step>\d+) val_loss {number}"})
        assert [report.step for report in programs.reports(program)] == [1, 2, 3]

    def test_steps_that_fall_are_an_error(self, programs: Programs) -> None:
        text = "for e in (1, 2, 1): print(f'epoch {e} val_loss {1 / e}')"
        program = programs.script(text, metrics={"val_loss": r"epoch (?P<step>\d+) val_loss {number}"})
        with pytest.raises(ProgramFailed, match="step 1 after step 2"):
            programs.reports(program)

    def test_a_report_before_training_is_none(self, programs: Programs) -> None:
        text = "for e in range(3): print(f'epoch {e} val_loss {e}')"
        program = programs.script(text, metrics={"val_loss": r"epoch (?P<step>\d+) val_loss {number}"})
        assert [report.step for report in programs.reports(program)] == [1, 2]


class TestOutput:
    """It arrives as it is written: the program waits for a file that is made once its report was read."""

    def check_that_it_arrives(self, programs: Programs, program: Program) -> None:
        reports = programs.start(program)
        assert next(reports).metrics == {"val_loss": 1.0}
        (programs.folder / "seen").touch()
        assert [report.metrics["val_loss"] for report in reports] == [0.5]

    def test_of_python(self, programs: Programs) -> None:
        text = """
            import pathlib, time
            print("val_loss 1.0")
            while not pathlib.Path("seen").exists(): time.sleep(0.01)
            print("val_loss 0.5")
        """
        assert "PYTHONUNBUFFERED" not in os.environ
        self.check_that_it_arrives(programs, programs.script(text, metrics=PATTERN))

    def test_of_another_language(self, programs: Programs) -> None:
        """awk keeps 4 KiB of its output back where that is no terminal."""
        text = """
            awk 'BEGIN {
                print "val_loss 1.0"
                while (system("test -e seen") != 0) system("sleep 0.02")
                print "val_loss 0.5" }' < /dev/null
        """
        self.check_that_it_arrives(programs, programs.shell(text, metrics=PATTERN))

    def test_of_python_in_a_shell_script(self, programs: Programs) -> None:
        programs.write(
            "train.py",
            """
            import pathlib, time
            print("val_loss 1.0")
            while not pathlib.Path("seen").exists(): time.sleep(0.01)
            print("val_loss 0.5")
            """,
        )
        self.check_that_it_arrives(programs, programs.shell("python3 train.py | cat", metrics=PATTERN))

    def test_it_is_in_the_log(self, programs: Programs, capsys: pytest.CaptureFixture[str]) -> None:
        programs.reports(
            programs.script(
                "import sys; print('grüße'); print('val_loss 1'); print('e', file=sys.stderr)", metrics=PATTERN
            )
        )
        assert capsys.readouterr().out.split() == ["grüße", "val_loss", "1", "e"]

    def test_a_progress_bar_counts_as_it_is_in_the_end(self, programs: Programs) -> None:
        text = """
            for e in range(2):
                for i in range(3): print(f"\\r{i} val_loss={e + i / 10}", end="")
                print()
        """
        assert programs.curve(programs.script(text, metrics=PATTERN)) == [0.2, 1.2]

    def test_more_output_than_a_pipe_holds(self, programs: Programs) -> None:
        text = "for e in range(2): print('x' * 300_000); print('val_loss', e)"
        assert programs.curve(programs.script(text, metrics=PATTERN)) == [0.0, 1.0]

    def test_a_terminal(self, programs: Programs) -> None:
        text = "stty size; read line || echo at the end; test -t 0 && echo val_loss 1"
        assert programs.curve(programs.shell(text, metrics=PATTERN, terminal=True)) == [1.0]
        size = programs.shell(
            "echo val_loss $(stty size)", metrics={"val_loss": r"val_loss {number} 80"}, terminal=True
        )
        assert programs.curve(size) == [24.0]

    def test_without_one_there_is_none(self, programs: Programs) -> None:
        assert programs.curve(programs.shell("test -t 0 || echo val_loss 1", metrics=PATTERN)) == [1.0]


class TestReportsOfSeveralLines:
    TEXT = """
        for e in range(2):
            for value in (1.0, 4.0, 1.0): print("episode", value + e)
            print("SPS:", 100 * (e + 1))
    """

    @pytest.mark.parametrize(("take", "expected"), [("last", 1.0), ("mean", 2.0), ("max", 4.0), ("min", 1.0)])
    def test_what_was_seen_since_the_last(self, programs: Programs, take: str, expected: float) -> None:
        metrics = {"val_loss": "episode {number}"}
        program = programs.script(self.TEXT, metrics=metrics, report=r"SPS: (?P<step>\d+)", take=take)
        assert programs.reports(program) == [
            Report(100, {"val_loss": expected}),
            Report(200, {"val_loss": expected + 1}),
        ]


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


class TestStopped:
    def stopped(self, programs: Programs, before: str) -> float:
        """How long it took. All processes are gone."""
        reports = programs.start(programs.script(ENDLESS.format(before=before), metrics=PATTERN))
        next(reports)
        began = time.monotonic()
        reports.close()  # type: ignore[attr-defined]
        pids = [int(pid) for pid in (programs.folder / "pids").read_text().split()]
        assert not [pid for pid in pids if is_running(pid)]
        return time.monotonic() - began

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

    def test_a_daemon_that_outlives_it(self, programs: Programs) -> None:
        text = "(setsid sleep 600 & echo $! > pids); echo val_loss 1"
        assert programs.curve(programs.shell(text, metrics=PATTERN)) == [1.0]
        assert not is_running(int((programs.folder / "pids").read_text()))


class TestWhatItIsGiven:
    def test_built_in_placeholders(self, programs: Programs) -> None:
        words = ["{epochs}", "{epochs * 20}", "{epochs // 3}", "{seed}", "{number}", "{x}", "{{}}"]
        programs.write("train.sh", 'echo "$@" > words; echo val_loss 1')
        programs.curve(Program(("sh", "train.sh", *words), metrics=PATTERN), {"x": 1e-5})
        assert (programs.folder / "words").read_text().split() == ["4", "80", "1", "3", "7", "1e-05", "{}"]

    def test_folders(self, programs: Programs) -> None:
        programs.write("train.sh", 'touch "$1/a" "$2/b" && cp "$3/c" "$1/c" && echo val_loss 1')
        (programs.folder / "data").mkdir()
        (programs.folder / "data" / "c").touch()
        run = programs.run(data_dir=programs.folder / "data")
        words = ("sh", "train.sh", "{scratch_dir}", "{checkpoint_dir}", "{data_dir}")
        programs.curve(Program(words, metrics=PATTERN), run=run)
        assert (run.scratch_dir / "c").exists()

    def test_data_dir_that_is_not_set(self, programs: Programs) -> None:
        programs.write("train.sh", "echo val_loss 1")
        with pytest.raises(TrainerError, match="HPSEARCH_DATA"):
            programs.curve(Program(("sh", "train.sh", "{data_dir}"), metrics=PATTERN))

    def test_options_of_the_trainer_may_have_placeholders(self, programs: Programs) -> None:
        text = "import sys; open('words', 'w').write(' '.join(sys.argv[1:])); print('val_loss 1')"
        program = programs.script(text, metrics=PATTERN, style="argparse")
        programs.curve(program, {"lr": "{epochs}"}, options={"steps": "{epochs * 2}"})
        assert (programs.folder / "words").read_text() == "--steps 8 --lr {epochs}"

    def test_its_folder_is_that_of_the_study(self, programs: Programs) -> None:
        (programs.folder.parent / "beside").touch()
        assert programs.curve(programs.shell("test -e ../beside && echo val_loss 1", metrics=PATTERN)) == [1.0]

    def test_or_one_of_the_trial(self, programs: Programs) -> None:
        run = programs.run()
        program = programs.script("open('model.pt', 'w'); print('val_loss 1')", metrics=PATTERN, in_scratch=True)
        assert programs.curve(program, run=run) == [1.0]
        assert (run.scratch_dir / "model.pt").exists()
        assert not (programs.folder / "model.pt").exists()

    def test_files_that_change_in_the_folder_of_the_study(self, programs: Programs) -> None:
        text = "open('model.pt', 'w'); print('val_loss 1')"
        for number, in_scratch, warnings in ((0, False, 1), (1, False, 0), (0, True, 0)):
            run = programs.run(number=number)
            programs.curve(programs.script(text, metrics=PATTERN, in_scratch=in_scratch), run=run)
            assert len(run.warnings) == warnings
            assert all("model.pt" in warning for warning in run.warnings)
            (programs.folder / "model.pt").unlink(missing_ok=True)


BEGAN = {"val_loss": "val_loss {number}", "began": "began {number}"}
CONTINUABLE = """
    import os, pathlib, sys, time
    kept = pathlib.Path(os.environ["HPSEARCH_CHECKPOINT_DIR"]) / "sub" / "last.txt"
    first = int(kept.read_text()) + 1 if kept.exists() else 1
    for e in range(first, 5):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(str(e))
        print(f"epoch {e} val_loss {1 / e} began {first}")
        while e == 2 and first == 1:
            time.sleep(1)
"""


class TestContinued:
    def snapshot(self, run: Run, step: int) -> state.Snapshot:
        return state.unpack(state.pack(state.take_snapshot("study/7", step, math.inf, run.tracked)))

    def test_from_the_files_of_its_checkpoint(self, programs: Programs) -> None:
        program = programs.script(CONTINUABLE, metrics=BEGAN)
        run = programs.run()
        reports = programs.start(program, run=run)
        assert [next(reports).step, next(reports).step] == [1, 2]
        kept = self.snapshot(run, 2)
        reports.close()  # type: ignore[attr-defined]
        assert not run.why_not_resumable
        again = programs.reports(program, run=programs.run(restored=kept))
        assert again == [Report(e, {"val_loss": 1 / e, "began": 3}) for e in (3, 4)]

    def test_by_words_of_its_command(self, programs: Programs) -> None:
        text = """
            import pathlib, sys, time
            folder = pathlib.Path(sys.argv[1])
            first = int(pathlib.Path(sys.argv[3]).read_text()) + 1 if "--resume" in sys.argv else 1
            for e in range(first, 5):
                (folder / "last.txt").write_text(str(e))
                print(f"val_loss {1 / e} began {first}")
                while e == first == 1: time.sleep(1)
        """
        programs.write("train.py", text)
        words = ("python", "train.py", "{checkpoint_dir}")
        program = Program(words, metrics=BEGAN, resume=("--resume", "{checkpoint_dir}/last.txt"))
        run = programs.run()
        reports = programs.start(program, run=run)
        next(reports)
        kept = self.snapshot(run, 1)
        reports.close()  # type: ignore[attr-defined]
        again = programs.reports(program, run=programs.run(restored=kept))
        assert [(report.step, report.metrics["began"]) for report in again] == [(2, 2), (3, 2), (4, 2)]

    def test_without_a_checkpoint_from_the_start(self, programs: Programs) -> None:
        program = programs.script("print('val_loss 1')", metrics=PATTERN)
        run = programs.run()
        programs.reports(program, run=run)
        assert run.why_not_resumable == command.NO_CHECKPOINTS
        assert run.tracked == {}

    def test_where_it_has_written_none_yet(self, programs: Programs) -> None:
        text = "import os; os.environ['HPSEARCH_CHECKPOINT_DIR']; print('val_loss 1'); print('val_loss 2')"
        program = programs.script(text, metrics=PATTERN)
        run = programs.run()
        reports = programs.start(program, run=run)
        next(reports)
        kept = self.snapshot(run, 1)
        reports.close()  # type: ignore[attr-defined]
        with pytest.raises(state.NotResumable):
            programs.reports(program, run=programs.run(restored=kept))

    def test_with_reports_that_were_written_and_not_judged(self, programs: Programs) -> None:
        """The files of its checkpoint are of its last report, which comes with the first."""
        text = """
            import os, pathlib, time
            kept = pathlib.Path(os.environ["HPSEARCH_CHECKPOINT_DIR"]) / "last.txt"
            if not kept.exists():
                kept.write_text("4")
                print("".join(f"val_loss {1 / e}\\n" for e in range(1, 5)), end="", flush=True)
                time.sleep(600)
        """
        program = programs.script(text, metrics=PATTERN)
        run = programs.run()
        reports = programs.start(program, run=run)
        whole = [next(reports)]
        kept = self.snapshot(run, 1)
        reports.close()  # type: ignore[attr-defined]
        whole += programs.reports(program, run=programs.run(restored=kept))
        assert [(report.step, report.metrics["val_loss"]) for report in whole] == [(e, 1 / e) for e in range(1, 5)]

    def test_files_of_an_earlier_attempt_are_removed(self, programs: Programs) -> None:
        program = programs.script(CONTINUABLE.replace("while e", "while False and e"), metrics=BEGAN)
        assert len(programs.reports(program)) == EPOCHS
        assert len(programs.reports(program)) == EPOCHS


class TestNotThere:
    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (("no-such-program",), "no such program on the PATH"),
            (("python", "trian.py"), "did you mean train.py"),
            (("./train.py",), "chmod"),
            (("./other",), "no such file"),
            (("train.py",), "write ./train.py"),
        ],
    )
    def test_it_is_said_before_the_first_trial(self, programs: Programs, words: tuple[str, ...], says: str) -> None:
        programs.write("train.py", "print('val_loss 1')")
        with pytest.raises(TrainerError, match=says):
            programs.start(Program(words))

    def test_it_cannot_be_started(self, programs: Programs) -> None:
        programs.write("train", "#!/no/such/interpreter\n")
        (programs.folder / "train").chmod(0o755)
        with pytest.raises(TrainerError, match="cannot be started"):
            programs.reports(Program(("./train",)))
