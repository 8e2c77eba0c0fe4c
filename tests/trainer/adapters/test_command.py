"""A program as a trainer: what it is given, how it is continued, and what is not there."""

import math
import sys

import pytest

from hpsearch import Report
from hpsearch.core.errors import TrainerError
from hpsearch.study.program import Program, Style
from hpsearch.trainer import state
from hpsearch.trainer.adapters import command
from hpsearch.trainer.failures import ProgramFailed
from hpsearch.trainer.training_run import Run
from tests.support.session_folder import until
from tests.trainer.adapters.programs import EPOCHS, PATTERN, Programs, state_of


class TestWhatItIsGiven:
    def test_built_in_placeholders(self, programs: Programs) -> None:
        words = ["{epochs}", "{epochs * 20}", "{29500 + 2 * number}", "{seed}", "{x}", "{{}}"]
        programs.write("train.sh", 'echo "$@" > words; echo val_loss 1')
        programs.curve(Program(("sh", "train.sh", *words), metrics=PATTERN), {"x": 1e-5})
        assert (programs.folder / "words").read_text().split() == ["4", "80", "29514", "3", "1e-05", "{}"]

    @pytest.mark.parametrize(("style", "text"), [("env", "echo val_loss $LR"), ("json", 'echo "val_loss $(cat $1)"')])
    def test_styles(self, programs: Programs, style: Style, text: str) -> None:
        metrics = {"val_loss": r"val_loss\D*{number}"}
        assert programs.curve(programs.shell(text, metrics=metrics, style=style), {"lr": 0.5}) == [0.5]

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

    def test_files_in_the_options_are_found_from_a_folder_of_the_trial(self, programs: Programs) -> None:
        programs.write("data/rows.csv", "")
        text = "import sys; open('words', 'w').write(' '.join(sys.argv[1:])); print('val_loss 1')"
        program = programs.script(text, metrics=PATTERN, style="argparse", in_scratch=True)
        run = programs.run()
        programs.curve(program, {"kind": "data"}, run=run, options={"root": "data/", "file": "rows.csv"})
        words = f"--root {programs.folder}/data/ --file rows.csv --kind data"
        assert (run.scratch_dir / "words").read_text() == words

    def test_a_copy_of_its_configuration_file(self, programs: Programs) -> None:
        programs.write("base.yaml", "optim: {lr: 1.0, name: sgd}\nepochs: 1\n")
        programs.write("train.sh", 'cp "$1" copy; echo "$2" > words; echo val_loss 1')
        program = Program(("sh", "train.sh", "{config_file}"), "argparse", metrics=PATTERN, config="base.yaml")
        programs.curve(program, {"optim.lr": 1e-5, "x": 2}, options={"epochs": "{epochs * 2}"})
        assert (programs.folder / "copy").read_text() == "optim:\n  lr: 1.0e-05\n  name: sgd\nepochs: 8\n"
        assert (programs.folder / "words").read_text() == "--x\n"

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

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    def test_a_file_that_another_process_writes_is_not_of_the_program(self, programs: Programs) -> None:
        """As with `hpsearch run study.toml > log.txt` in the study's folder."""
        run = programs.run(number=0)
        with (programs.folder / "log.txt").open("w", buffering=1) as log:
            for _ in programs.start(programs.script("for e in range(4): print(f'val_loss {e}')"), run=run):
                log.write("a report\n")
        assert run.warnings == []


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

    @pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
    def test_it_is_suspended_while_its_report_is_judged(self, programs: Programs) -> None:
        text = """
            import os, pathlib, time
            os.environ["HPSEARCH_CHECKPOINT_DIR"]
            pathlib.Path("pid").write_text(str(os.getpid()))
            print("val_loss 1")
            while not pathlib.Path("seen").exists(): time.sleep(0.01)
            for e in range(2, 5): print(f"val_loss {e}")
        """
        reports = programs.start(programs.script(text, metrics=PATTERN))
        next(reports)
        pid = int((programs.folder / "pid").read_text())
        until(lambda: state_of(pid) == "T")
        (programs.folder / "seen").touch()
        assert [report.step for report in reports] == [2, 3, 4]

    def test_without_a_checkpoint_from_the_start(self, programs: Programs) -> None:
        program = programs.script("print('val_loss 1')", metrics=PATTERN)
        run = programs.run()
        programs.reports(program, run=run)
        assert run.why_not_resumable == command.NO_CHECKPOINTS
        assert run.tracked == {}
        run = programs.run()
        programs.reports(programs.script("print('val_loss 1')", metrics=PATTERN, resume=("--again",)), run=run)
        assert not run.why_not_resumable

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
            (("python", "../other.py"), "only that folder is sent to a cluster"),
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


class TestAModuleThatIsNotFound:
    @pytest.mark.parametrize("name", ["parts/__init__.py", "parts.py", "../parts/one.py"])
    def test_where_it_is_in_the_project(self, programs: Programs, name: str) -> None:
        """Python looks beside the script, and not in the working directory."""
        programs.write("scripts/train.py", "import parts.one\n")
        programs.write(name, "")
        with pytest.raises(ProgramFailed) as caught:
            programs.reports(Program(("python", "scripts/train.py")))
        place = (programs.folder / name.partition("parts")[0]).resolve()
        assert str(caught.value).endswith(f"; it is in {place}: run hpsearch with PYTHONPATH={place}")

    def test_one_that_is_nowhere(self, programs: Programs) -> None:
        with pytest.raises(ProgramFailed) as caught:
            programs.reports(programs.script("import no_such_module"))
        assert "PYTHONPATH" not in str(caught.value)
