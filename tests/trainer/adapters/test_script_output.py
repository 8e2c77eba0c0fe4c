"""What a program reports, from its output, from lines of JSON, from a file, and that it arrives as it is written."""

import json
import math
import os
from pathlib import Path

import pytest

from hpsearch import Report
from hpsearch.study.output_patterns import usual
from hpsearch.study.program import Program
from hpsearch.trainer.adapters import command
from hpsearch.trainer.adapters.pattern_reports import Patterns
from hpsearch.trainer.adapters.script_output import MAX_LINE_BYTES, Lines, MetricsFile, Steps
from hpsearch.trainer.failures import NO_REASON, ProgramFailed
from tests.trainer.adapters.programs import PATTERN, Programs


class TestReports:
    def test_patterns_over_the_output(self, programs: Programs) -> None:
        text = "for e in range(1, 4): print(f'epoch {e}: train_loss=1.5 val_loss: {1 / e}')"
        metrics = {**PATTERN, "train_loss": "train_loss={number}"}
        assert programs.reports(programs.script(text, metrics=metrics)) == [
            Report(e, {"val_loss": 1 / e, "train_loss": 1.5}) for e in (1, 2, 3)
        ]

    def test_the_usual_pattern_of_the_studys_metric(self, programs: Programs) -> None:
        text = """
            print("epoch 1 best_val_loss 9 val_loss 3")
            print("epoch 2 val_loss = 2.0")
            print({"train_loss": 1, "val_loss": 1})
            print("Epoch 4 | Val Loss: tensor(0.5000)")
        """
        assert programs.curve(programs.script(text)) == [3.0, 2.0, 1.0, 0.5]
        assert programs.curve(programs.script("print('val-loss=np.float64(0.25)')")) == [0.25]

    def test_output_is_not_searched_where_a_program_reports_by_itself(self, programs: Programs) -> None:
        text = """
            from hpsearch import Report, report
            for e in (1, 2):
                print("val_loss", 9.0)
                report(e, {"val_loss": 1 / e})
        """
        assert programs.curve(programs.script(text)) == [1.0, 0.5]
        shell = "echo val_loss 9; echo '{\"val_loss\": 1}' >> $HPSEARCH_REPORT"
        assert programs.curve(programs.shell(shell)) == [1.0]

    def test_lines_of_json_from_a_shell_script(self, programs: Programs) -> None:
        text = """
            for e in 1 2 3; do
                echo "{\\"step\\": $((e * 10)), \\"val_loss\\": 0.$e}" >> "$HPSEARCH_REPORT"
            done
        """
        assert programs.reports(programs.shell(text)) == [Report(e * 10, {"val_loss": e / 10}) for e in (1, 2, 3)]

    def test_tables_in_lines_of_json_have_names_with_a_slash(self, programs: Programs) -> None:
        line = json.dumps({"epoch": 1, "val": {"loss": 0.5, "top": {"k": 1}}, "name": "a"})
        program = Program(("sh", "train.sh", "{scratch_dir}/log"), metrics_file="{scratch_dir}/log")
        programs.write("train.sh", f"echo '{line}' > \"$1\"")
        as_trainer = command.as_trainer(program, programs.folder, {}, "val/loss")
        assert [*as_trainer({}, programs.run())] == [Report(1, {"epoch": 1, "val/loss": 0.5, "val/top/k": 1})]
        shell = """echo '{"val": {"loss": 0.5}}' >> $HPSEARCH_REPORT"""
        assert programs.reports(programs.shell(shell)) == [Report(1, {"val/loss": 0.5})]

    def test_lines_of_json_without_a_step_are_counted(self, programs: Programs) -> None:
        text = """
            awk 'BEGIN { for (e = 1; e <= 2; e++) printf "{\\"val_loss\\": %f}\\n", 1 / e }' > "$HPSEARCH_REPORT"
        """
        assert programs.reports(programs.shell(text)) == [Report(1, {"val_loss": 1.0}), Report(2, {"val_loss": 0.5})]

    @pytest.mark.parametrize(
        ("printed", "expected"),
        [
            (("nan", "NaN", "-nan", "NAN"), math.nan),
            (("inf", "Infinity"), math.inf),
            (("-inf", "-Infinity"), -math.inf),
            (("1e-3", "1.0E-03", "0.001"), 1e-3),
        ],
    )
    def test_numbers_in_each_form(self, programs: Programs, printed: tuple[str, ...], expected: float) -> None:
        """A diverged loss is a report, not an output without one."""
        by_pattern = programs.curve(programs.shell(f"printf 'val_loss %s\\n' {' '.join(printed)}", metrics=PATTERN))
        lines = f"printf '{{\"val_loss\": %s}}\\n' {' '.join(printed)} >> $HPSEARCH_REPORT"
        by_json = programs.curve(programs.shell(lines))
        assert by_pattern == pytest.approx([expected] * len(printed), nan_ok=True)
        assert by_json == pytest.approx(by_pattern, nan_ok=True)

    @pytest.mark.parametrize("separator", [";", "\t", ","])
    def test_a_metrics_file_with_another_separator(self, programs: Programs, separator: str) -> None:
        text = f"""
            rows = [["epoch", "val_loss"], ["1", "0.5"], ["2", "0.25"]]
            open("metrics.csv", "w").writelines({separator!r}.join(row) + chr(10) for row in rows)
        """
        program = programs.script(text, metrics_file="metrics.csv", in_scratch=True)
        assert programs.curve(program) == [0.5, 0.25]

    @pytest.mark.parametrize("indent", [None, 2])
    @pytest.mark.parametrize(
        ("written", "losses"),
        [
            ([{"val": {"loss": 1.0}}], [1.0]),
            ([{"val": {"loss": 1.0}}, {"val": {"loss": 0.5}}], [1.0, 0.5]),
            ([[{"val/loss": 1.0}], [{"val/loss": 1.0}, {"val/loss": 0.5}]], [1.0, 0.5]),
            ([{"val": {"loss": [1.0]}, "lr": 0.1}, {"val": {"loss": [1.0, 0.5]}, "lr": 0.1}], [1.0, 0.5]),
        ],
    )
    def test_a_metrics_file_that_is_one_json_value(
        self, tmp_path: Path, written: list[object], losses: list[float], indent: int | None
    ) -> None:
        """Written at the end, or again after each epoch."""
        path = tmp_path / "results.json"
        file, found = MetricsFile(path, "val/loss", Steps(0), 0.0), list[Report]()
        for stamp, value in enumerate(written, 1):
            path.write_text(json.dumps(value, indent=indent))
            os.utime(path, ns=(stamp, stamp))
            found += file.poll()
        assert [*file.poll(at_end=True)] == []
        assert [(report.step, report.metrics["val/loss"]) for report in found] == [*enumerate(losses, 1)]

    def test_a_metrics_file_with_decimal_commas(self, programs: Programs) -> None:
        text = "open('metrics.csv', 'w').write('epoch;val_loss' + chr(10) + '1;3,14' + chr(10))"
        with pytest.raises(ProgramFailed, match="has 3,14, with a comma"):
            programs.reports(programs.script(text, metrics_file="metrics.csv", in_scratch=True))

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

    def test_patterns_read_a_log_in_place_of_the_output(self, programs: Programs) -> None:
        text = """
            echo val_loss=9
            for e in 1 2 3; do echo "12:00 INFO epoch=$e val_loss=0.$e" >> "$1"; sleep 0.1; done
        """
        programs.shell(text)
        words = ("sh", "train.sh", "{scratch_dir}/train.log")
        program = Program(words, metrics=PATTERN, metrics_file="{scratch_dir}/*.log")
        assert programs.curve(program) == [0.1, 0.2, 0.3]

    def test_a_log_without_the_metric(self, programs: Programs) -> None:
        program = programs.script("open('log', 'w').write('loss 1')", metrics=PATTERN, metrics_file="log")
        with pytest.raises(ProgramFailed, match=r"no line of .*log matches val_loss"):
            programs.reports(program)
        unnamed = programs.script("open('log', 'w').write('loss 1')", metrics_file="log")
        with pytest.raises(ProgramFailed, match=r"its columns: loss 1\. If it is a log"):
            programs.reports(unnamed)

    def test_a_step_that_is_reported_twice_counts_once(self, programs: Programs, capsys: object) -> None:
        text = "for e in (1, 2, 2, 3): print(f'epoch {e} val_loss {1 / e}')"
        program = programs.script(text, metrics={"val_loss": r"epoch (?P<step>\d+) val_loss {number}"})
        assert [report.step for report in programs.reports(program)] == [1, 2, 3]

    def test_steps_that_fall_are_an_error(self, programs: Programs) -> None:
        text = "for e in (1, 2, 1): print(f'epoch {e} val_loss {1 / e}')"
        program = programs.script(text, metrics={"val_loss": r"epoch (?P<step>\d+) val_loss {number}"})
        with pytest.raises(ProgramFailed, match="step 1 after step 2"):
            programs.reports(program)

    def test_a_report_before_training_is_recorded_where_the_worker_takes_it(self, programs: Programs) -> None:
        text = "for e in range(4): print(f'epoch {e} val_loss {e}')"
        program = programs.script(text, metrics={"val_loss": r"epoch (?P<step>\d+) val_loss {number}"})
        run = programs.run(number=0)
        run.takes_step_0 = True
        assert [report.step for report in programs.reports(program, run=run)] == [0, 1, 2, 3]
        assert any("steps 0 to 3" in warning for warning in run.warnings)

    def test_a_report_before_training_alone_is_none(self, programs: Programs) -> None:
        run = programs.run()
        run.takes_step_0 = True
        program = programs.script(
            "print('epoch 0 val_loss 1')", metrics={"val_loss": r"epoch (?P<step>\d+) val_loss {number}"}
        )
        with pytest.raises(ProgramFailed, match="only step 0") as raised:
            programs.reports(program, run=run)
        assert raised.value.kind == "no_report"

    def test_a_report_before_training_is_else_in_the_log_only(
        self, programs: Programs, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = "for e in range(3): print(f'epoch {e} val_loss {e}')"
        program = programs.script(text, metrics={"val_loss": r"epoch (?P<step>\d+) val_loss {number}"})
        assert [report.step for report in programs.reports(program)] == [1, 2]
        assert "step 0" in capsys.readouterr().out


class TestInfeasible:
    @pytest.mark.parametrize("raised", ["hpsearch.Infeasible('b > a')", "hpsearch.Infeasible"])
    def test_a_python_script_raises_it(self, programs: Programs, raised: str) -> None:
        with pytest.raises(ProgramFailed) as problem:
            programs.reports(programs.script(f"import hpsearch\nraise {raised}"))
        failure = problem.value.failure
        assert failure.kind == "infeasible"
        assert failure.summary == ("b > a" if "b > a" in raised else NO_REASON)

    def test_a_line_of_json(self, programs: Programs) -> None:
        line = json.dumps({"infeasible": "b > a"})
        with pytest.raises(ProgramFailed) as problem:
            programs.reports(programs.shell(f"echo '{line}' >> $HPSEARCH_REPORT; sleep 100"))
        assert (problem.value.failure.kind, problem.value.failure.summary) == ("infeasible", "b > a")

    def test_a_number_of_that_name_is_a_metric(self, programs: Programs) -> None:
        line = json.dumps({"val_loss": 0.5, "infeasible": 3})
        reports = programs.reports(programs.shell(f"echo '{line}' >> $HPSEARCH_REPORT"))
        assert reports == [Report(1, {"val_loss": 0.5, "infeasible": 3})]


TRACEBACK = b"""val_loss 0.5
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    val_loss = 0.0 / count
               ~~~~^~~~~~~
ZeroDivisionError: val_loss = 0.1

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
    val_loss = 0.2
RuntimeError: no
val_loss 0.3
"""


def test_lines_of_a_traceback_are_no_reports() -> None:
    found = Patterns(Program(("train",), metrics={"val_loss": usual("val_loss")}), "val_loss", Steps(0))
    assert [report.metrics["val_loss"] for report in found.add(TRACEBACK)] == [0.5, 0.3]


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
        """awk keeps 4 KiB of its output back where that is no terminal, until it calls `system`."""
        text = """
            awk 'BEGIN {
                print "val_loss 1.0"
                while ((getline line < "seen") < 0) close("seen")
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

    def test_of_a_line_without_an_end_only_the_last_part_is_kept(self) -> None:
        lines = Lines()
        assert [*lines.add(b"a" * MAX_LINE_BYTES), *lines.add(b"b" * MAX_LINE_BYTES)] == []
        assert [*lines.end()] == ["b" * MAX_LINE_BYTES]

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

    BATCHES = """
        for e in range(2):
            for value in (1.0, 4.0, 1.0): print(f"epoch {e}/2 loss {value + e}")
    """

    @pytest.mark.parametrize(("take", "expected"), [("last", 1.0), ("mean", 2.0), ("max", 4.0)])
    def test_all_values_of_a_step(self, programs: Programs, take: str, expected: float) -> None:
        metrics = {"val_loss": "epoch (?P<step0>[0-9]+)/.*loss {number}"}
        program = programs.script(self.BATCHES, metrics=metrics, by_step=True, take=take)
        assert programs.reports(program) == [Report(1, {"val_loss": expected}), Report(2, {"val_loss": expected + 1})]

    def test_a_warning_where_each_batch_is_a_report(self, programs: Programs) -> None:
        run = programs.run()
        programs.reports(programs.script(self.BATCHES, metrics={"val_loss": "loss {number}"}), run=run)
        assert [line for line in run.warnings if "several times in one epoch" in line]
