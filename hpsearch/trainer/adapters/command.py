"""A program in any language as a trainer: starts its process and reads its reports while it runs.

The program does not wait for verdicts. If it has checkpoints, it is suspended (SIGSTOP) until its report is judged, so
that the files in its checkpoint folder belong to that report.
"""

import math
import os
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import hpsearch
from hpsearch.core.errors import TrainerError
from hpsearch.core.folders import make_private
from hpsearch.core.format import signal_name
from hpsearch.core.trial import Params, Report, Value
from hpsearch.study import placeholders
from hpsearch.study.output_patterns import usual
from hpsearch.study.program import Program
from hpsearch.trainer import state
from hpsearch.trainer.adapters.command_line import command_line, in_folder, is_python, located, resume_words
from hpsearch.trainer.adapters.config_file import ConfigFile
from hpsearch.trainer.adapters.pattern_reports import LogFile, Patterns
from hpsearch.trainer.adapters.program_failures import advice, error_line
from hpsearch.trainer.adapters.program_sources import (
    CHECKPOINTS,
    EPOCHS,
    STEPS,
    has_checkpoints,
    knows_length,
    lengths,
    reports_itself,
    sources_of,
)
from hpsearch.trainer.adapters.project_files import ChangedFiles
from hpsearch.trainer.adapters.script_options import Options
from hpsearch.trainer.adapters.script_output import JsonLines, MetricsFile, Steps, Tail
from hpsearch.trainer.adapters.script_process import POLL, ReportPipe, ScriptProcess
from hpsearch.trainer.checkpoint_files import read_files, write_files
from hpsearch.trainer.failures import EndOfProgram, ProgramFailed
from hpsearch.trainer.reporting import REPORT
from hpsearch.trainer.training_run import Run

TIME_TO_END = 10.0
"""Seconds that a program has to end by itself after the report of the trial's last epoch, if it does not receive the
number of epochs: it may save its model, or train for hours."""

NO_CHECKPOINTS = (
    f"the program has no checkpoints: it does not read {CHECKPOINTS}, and its command has neither {{checkpoint_dir}} "
    "nor `resume` (docs/commands.md)"
)

COUNTS_FROM_0 = (
    "the program reports the steps 0 to {last}, one less than trainer.epochs. Step 0 counts as before training, and no "
    "trial is judged by it. If it is the first epoch, leave the group `step` out of the pattern, or report epoch + 1"
)


def as_trainer(
    program: Program, folder: Path, options: Params, metric: str
) -> Callable[[Params, Run], Iterator[Report]]:
    """TrainerError if the program does not exist or cannot be run.

    folder: of the study; on another machine, the worker's working directory. options: of the trainer; their texts may
    have placeholders. metric: of the study.
    """
    folder = folder if folder.is_dir() else Path.cwd()
    found = located(program, folder)
    sources = sources_of(program, folder)
    script_options = Options.of(sources.files.values())
    if not (program.metrics or program.metrics_file or reports_itself(sources)):
        found = replace(found, metrics={metric: usual(metric)})
    config = ConfigFile(folder / program.config) if program.config else None
    can_continue, receives_length = has_checkpoints(program, sources), knows_length(program, options, sources)

    def train(params: Params, run: Run) -> Iterator[Report]:
        training = _Training(found, folder, run, metric, can_continue, receives_length)
        own = _filled(options, training.values)
        if program.in_scratch:
            own = {name: in_folder(value, folder) if type(value) is str else value for name, value in own.items()}
        given = {**params, **own}
        training.begin(given, script_options, config)
        try:
            yield from training.reports()
        finally:
            training.close()

    return train


def _filled(options: Params, values: Mapping[str, Value]) -> dict[str, Value]:
    return {
        name: placeholders.filled(value, values) if type(value) is str else value for name, value in options.items()
    }


class _CheckpointFolder:
    """The files in a program's checkpoint folder, as a tracked object.

    queue: reports from before these files that are not judged yet.
    """

    def __init__(self, folder: Path, queue: deque[Report]):
        self.folder, self._queue = folder, queue

    def state_dict(self) -> dict[str, Any]:
        queue = [[report.step, dict(report.metrics)] for report in self._queue]
        return {"files": read_files(self.folder), "reports": queue}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._queue.extend(Report(step, metrics) for step, metrics in state["reports"])
        shutil.rmtree(self.folder, ignore_errors=True)
        write_files(state["files"], self.folder)


class _Training:
    """One process of the program, from its start to its end."""

    def __init__(self, program: Program, folder: Path, run: Run, metric: str, can_continue: bool, knows_length: bool):
        self._program, self._run, self._metric, self._can_continue = program, run, metric, can_continue
        self._knows_length, self._deadline = knows_length, math.inf
        self._scratch = run.scratch_dir
        self._folder, self._project = self._scratch if program.in_scratch else folder, folder
        self._queue = deque[Report]()
        self._checkpoints = _CheckpointFolder(self._scratch / "checkpoints", self._queue)
        self._process: ScriptProcess | None = None
        self._pipe: ReportPipe | None = None
        self._failure: ProgramFailed | None = None
        self._is_over = False
        self._tail, self._has_warned = Tail(), False

    @property
    def values(self) -> dict[str, Value]:
        """Values of the placeholders that are not parameters. TrainerError: {data_dir} is used but not set."""
        run, fold, config = self._run, self._run.fold, self._program.config
        texts = " ".join([*self._program.words, *self._program.resume, self._program.metrics_file])
        names = lengths(self._program)
        reads_length = not placeholders.used(texts).isdisjoint(names)
        return {
            **dict.fromkeys(names, run.epochs_total if reads_length else run.last_possible_epoch),
            "seed": run.seed,
            "number": run.number,
            "data_dir": os.fspath(run.data_dir) if run.data_dir or "data_dir" in placeholders.used(texts) else "",
            "scratch_dir": str(self._scratch),
            "checkpoint_dir": str(self._checkpoints.folder),
            **({placeholders.CONFIG: str(self._scratch / Path(config).name)} if config else {}),
            **({"fold": fold.number, "folds": fold.of} if fold is not None else {}),
        }

    def begin(self, params: Params, options: Options, config: ConfigFile | None) -> None:
        """Start the process. TrainerError if it cannot be started; NotResumable if it has to start again."""
        first = self._restore()
        if config is not None:
            params = config.write(params, self._program, Path(str(self.values[placeholders.CONFIG])))
        line = command_line(self._program, params, self.values, options, self._scratch / "params.json")
        words = line.words + (resume_words(self._program, self.values) if first > 1 else ())
        self._steps = Steps(max([first - 1, *(report.step for report in self._queue)]), self._run.takes_step_0)
        self._json = JsonLines(self._steps)
        self._patterns = Patterns(self._program, self._metric, self._steps) if self._program.metrics else None
        self._file = self._metrics_file()
        self._pipe = ReportPipe(self._scratch)
        self._changes = self._changed_files(self._pipe)
        by_terminal = self._program.terminal or not is_python(words)
        try:
            self._process = ScriptProcess(
                words,
                self._folder,
                self._environment(line.variables),
                self._pipe,
                by_terminal=by_terminal,
                is_interactive=self._program.terminal,
            )
        except OSError as problem:
            self._pipe.close()
            self._pipe = None
            raise TrainerError(f"the trainer's command {words[0]} cannot be started: {problem}") from None

    def _restore(self) -> int:
        """Restore the files of the trial's checkpoint. Returns the first epoch to train."""
        run = self._run
        if self._can_continue:
            run.track(checkpoints=self._checkpoints)
        else:
            run.without_checkpoints = NO_CHECKPOINTS
        first = next(run.epochs(), run.last_possible_epoch + 1)
        if first == 1:
            _empty(self._scratch)
        folder = self._checkpoints.folder
        make_private(folder)
        if first > 1 and not any(folder.iterdir()):
            raise state.NotResumable(f"the program had written nothing to {CHECKPOINTS} by epoch {first - 1}")
        return first

    def _metrics_file(self) -> MetricsFile | LogFile | None:
        if not self._program.metrics_file:
            return None
        pattern = self._folder / placeholders.filled(self._program.metrics_file, self.values)
        since = time.time() - 1
        if self._patterns is not None:
            return LogFile(pattern, since, self._patterns)
        return MetricsFile(pattern, self._metric, self._steps, since)

    def _changed_files(self, pipe: ReportPipe) -> ChangedFiles | None:
        is_first = self._run.number == 0 and not self._program.in_scratch
        mark = f"{REPORT}={pipe.path}".encode()
        return ChangedFiles(self._folder, self._scratch, mark) if is_first else None

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        assert self._pipe is not None
        own = Path(hpsearch.__file__).parents[1]
        path = [os.environ.get("PYTHONPATH", ""), *([str(own)] if own.name != "site-packages" else [])]
        return {
            **os.environ,
            **({} if self._program.terminal else {"TERM": "dumb"}),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "OMP_NUM_THREADS": str(self._run.threads),
            "HPSEARCH_SEED": str(self._run.seed),
            **dict.fromkeys((EPOCHS, STEPS), str(self._run.last_possible_epoch)),
            "HPSEARCH_SCRATCH_DIR": str(self._scratch),
            CHECKPOINTS: str(self._checkpoints.folder),
            **variables,
            REPORT: str(self._pipe.path),
        }

    # While it runs ───────────────────────────────────────────────────────────────────────────────

    def reports(self) -> Iterator[Report]:
        """The program's reports, until it ends. ProgramFailed if it fails or reports nothing."""
        assert self._process is not None
        while (report := self._next_report()) is not None:
            self._warn(report.step)
            if self._can_continue and self._process.code is None:
                self._suspend()
            yield report
            if report.step >= self._run.last_possible_epoch and not self._knows_length:
                self._deadline = time.monotonic() + TIME_TO_END
            self._process.resume()
        self._check_end(self._process.code or 0)

    def _next_report(self) -> Report | None:
        """The next report; None after the program has ended."""
        assert self._process is not None
        while not self._queue and self._failure is None and not self._is_over:
            if self._process.code is None:
                self._add(self._read(*self._process.wait(POLL)))
                self._is_over = time.monotonic() > self._deadline
                if self._is_over:
                    _print(f"[hpsearch] ended {TIME_TO_END:g} s after the report of its last epoch\n")
            else:
                self._add(self._read_rest())
                self._is_over = True
        if self._queue:
            return self._queue.popleft()
        if self._failure is not None:
            raise self._failure
        return None

    def _suspend(self) -> None:
        """Suspend the program and read the rest of its output, so that the files in its checkpoint folder belong to the
        last report."""
        assert self._process is not None
        self._process.suspend(self._checkpoints.folder)
        while any(written := self._process.wait(0)):
            self._add(self._read(*written))

    def _add(self, reports: Iterator[Report]) -> None:
        """Add reports to the queue. Those before an invalid line are kept."""
        try:
            for report in reports:
                self._queue.append(report)
        except ProgramFailed as problem:
            self._failure = self._failure or ProgramFailed(str(problem), self._tail.lines, problem.kind)

    def _read(self, output: bytes, lines: bytes) -> Iterator[Report]:
        self._keep(output)
        yield from self._json.add(lines)
        if self._file is not None:
            yield from self._file.poll()
        elif self._patterns is not None and not self._json.has_lines:
            yield from self._patterns.add(output)

    def _read_rest(self) -> Iterator[Report]:
        self._tail.end()
        yield from self._json.end()
        if self._file is not None:
            yield from self._file.poll(at_end=True)
        elif self._patterns is not None and not self._json.has_lines:
            yield from self._patterns.end()

    def _keep(self, output: bytes) -> None:
        """Write it to the trial's log, which receives the output of this process."""
        if output:
            self._tail.add(output)
            _print(output.decode(errors="replace"))

    def _warn(self, step: int) -> None:
        if self._changes is not None and (note := self._changes.note(step)):
            self._run.warnings.append(note)
            self._changes = None
        if self._patterns is not None and not self._has_warned and (note := self._patterns.warning):
            self._run.warnings.append(note)
            self._has_warned = True

    def _check_end(self, code: int) -> None:
        self._warn(0)
        if self._steps.has_step_0:
            _print("[hpsearch] step 0 is before training: the trial is not judged by it\n")
            if self._steps.last == self._run.last_possible_epoch - 1 and self._run.number == 0:
                self._run.warnings.append(COUNTS_FROM_0.format(last=self._steps.last))
        if self._steps.repeated is not None:
            _print(f"[hpsearch] step {self._steps.repeated} was reported more than once: the first report counts\n")
        if code != 0:
            last = f": {line}" if (line := error_line(self._tail.lines, code)) else ""
            kind: EndOfProgram = "terminated" if code in (-signal.SIGTERM, 128 + signal.SIGTERM) else "error"
            hint = advice(self._tail.lines, code, self._program, self._project)
            raise ProgramFailed(f"the program {ending(code)}{last}{hint}", self._tail.lines, kind)
        if self._steps.last == 0:
            what = "only step 0" if self._steps.has_step_0 else "nothing"
            why = f"the program ended and reported {what}: {self._missing()}"
            raise ProgramFailed(why, self._tail.lines, "no_report")

    def _missing(self) -> str:
        if self._steps.has_step_0:
            return "step 0 is before training, and steps count from 1. Leave the group `step` out of the pattern"
        if self._file is not None:
            return self._file.missing()
        if self._patterns is not None:
            return self._patterns.missing()
        return f"it wrote no line to the file that {REPORT} names"

    def close(self) -> None:
        if self._process is not None:
            self._keep(self._process.end())
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None


def ending(code: int) -> str:
    """How a process ended, from its exit code, or minus the number of the signal."""
    if code < 0:
        return f"was killed by {signal_name(-code)}"
    by_shell = f" ({signal_name(code - 128)} ended a process of it)" if code > 128 else ""
    return f"ended with exit code {code}{by_shell}"


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        sys.stdout.write(text.encode("ascii", "backslashreplace").decode())
    sys.stdout.flush()


def _empty(folder: Path) -> None:
    """Remove the files of an earlier attempt of the trial."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
