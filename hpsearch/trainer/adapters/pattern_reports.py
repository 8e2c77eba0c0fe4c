"""Parses the reports of a program from its output or its log file, with patterns."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from hpsearch.core.trial import Report
from hpsearch.study.output_patterns import STEP_FROM_0, STEPS, VALUE, compiled
from hpsearch.study.program import Program, Take
from hpsearch.trainer.adapters.report_lines import ReportLines
from hpsearch.trainer.adapters.script_output import Lines, Steps, newest
from hpsearch.trainer.failures import ProgramFailed

_TAKES: Mapping[Take, Callable[[Sequence[float]], float]] = {
    "last": lambda values: values[-1],
    "mean": lambda values: math.fsum(values) / len(values) if all(map(math.isfinite, values)) else sum(values),
    "max": max,
    "min": min,
}


class Patterns:
    """Metrics in the output of a program. A report ends with the study's metric, or with the line of trainer.report, or
    with the first line of the next step (`by_step`)."""

    def __init__(self, program: Program, metric: str, steps: Steps):
        self._patterns = {name: compiled(pattern) for name, pattern in program.metrics.items()}
        self._ends = compiled(program.report, has_value=False) if program.report else None
        self._take, self._metric, self._steps = program.take, metric, steps
        self._seen: dict[str, list[float]] = {}
        self._step: int | None = None
        self._never = dict(program.metrics)
        self._by_step, self._lines = program.by_step, Lines()
        self._in_traceback = False
        has_step = any(not STEPS.isdisjoint(pattern.groupindex) for pattern in self._patterns.values())
        is_counted = self._ends is None and not has_step
        self._reported = ReportLines(metric, program.in_epochs) if is_counted else None

    def add(self, content: bytes) -> Iterator[Report]:
        for line in self._lines.add(content):
            yield from self._read(line)

    def end(self) -> Iterator[Report]:
        for line in self._lines.end():
            yield from self._read(line)
        if self._by_step:
            yield from self._report()

    @property
    def warning(self) -> str:
        """ "" if each report is of one epoch, as far as its lines show."""
        return self._reported.warning if self._reported is not None else ""

    def _is_of_traceback(self, line: str) -> bool:
        """Source lines of a Python traceback, such as `val_loss = 0.0`, and the exception are not reports."""
        was, starts = self._in_traceback, line.lstrip(" |+-").startswith("Traceback (most recent call last)")
        self._in_traceback = starts or (was and line[:1] in (" ", "|", "+"))
        return was or starts

    def _read(self, line: str) -> Iterator[Report]:
        if self._is_of_traceback(line):
            return
        found = [(name, pattern.search(line)) for name, pattern in self._patterns.items()]
        ends = self._ends.search(line) if self._ends is not None else None
        steps = [_step(match) for match in (*(match for _, match in found), ends) if match is not None]
        step = next((one for one in reversed(steps) if one is not None), None)
        if self._by_step and None not in (step, self._step) and step != self._step:
            yield from self._report()
        for name, match in found:
            if match is not None:
                self._seen.setdefault(name, []).append(_value(name, match, line))
                self._never.pop(name, None)
                if name == self._metric and self._reported is not None:
                    self._reported.add(line, match.start(), match.start(VALUE))
        self._step = self._step if step is None else step
        if not self._by_step and (ends is not None or (self._ends is None and self._metric in self._seen)):
            yield from self._report()

    def _report(self) -> Iterator[Report]:
        if self._seen:
            metrics = {name: _TAKES[self._take](values) for name, values in self._seen.items()}
            step, self._seen, self._step = self._step, {}, None
            if (report := self._steps.report(step, metrics)) is not None:
                yield report

    def missing(self, of: str = "its output") -> str:
        """Which patterns never matched. of: what they are searched in."""
        if self._never:
            patterns = ", ".join(f"{name} = {pattern!r}" for name, pattern in self._never.items())
            return (
                f"no line of {of} matches {patterns}. Write a pattern into trainer.metrics, with {{number}} for "
                "the number; or let the program write lines of JSON to the file that HPSEARCH_REPORT names, in Python "
                "with hpsearch.report(step, {name: value})"
            )
        return f"no line of {of} matches trainer.report, so no report is complete"


class LogFile:
    """The lines that a program appends to a file, read by patterns. pattern, since: as in MetricsFile."""

    def __init__(self, pattern: Path, since: float, patterns: Patterns):
        self._pattern, self._since, self._patterns = pattern, since, patterns
        self._path: Path | None = None
        self._read = 0

    def poll(self, at_end: bool = False) -> Iterator[Report]:
        """The reports since the last call. at_end: the last line counts without a newline."""
        self._path = self._path or newest(self._pattern, self._since)
        if self._path is not None:
            yield from self._patterns.add(self._new_content(self._path))
        if at_end:
            yield from self._patterns.end()

    def _new_content(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                self._read = self._read if path.stat().st_size >= self._read else 0  # it was written anew
                file.seek(self._read)
                content = file.read()
        except OSError:
            return b""  # it is being replaced
        self._read += len(content)
        return content

    def missing(self) -> str:
        if self._path is None:
            return f"no file matches trainer.metrics_file, {self._pattern}"
        return self._patterns.missing(str(self._path))


def _value(name: str, match: re.Match[str], line: str) -> float:
    text, end = match[VALUE], match.end(VALUE)
    is_whole = re.fullmatch(r"[-+]?\d+", text) is not None
    if end == match.end() and is_whole and (decimals := re.match(r",\d+", line[end:])):
        raise ProgramFailed(
            f"metric {name!r}: the program prints {text}{decimals[0]}, with a comma. Print numbers with a point (for "
            "many programs: LC_ALL=C), or, where the comma separates two numbers, end the pattern with it: {number},"
        )
    try:
        return float(text)
    except ValueError:
        raise ProgramFailed(f"metric {name!r}: the pattern finds {text[:80]!r}, which is not a number") from None


def _step(match: re.Match[str]) -> int | None:
    """None if the pattern has no group for it."""
    name, text = next(((one, text) for one, text in match.groupdict().items() if one in STEPS and text), ("", None))
    if text is None:
        return None
    try:
        return int(float(text.replace(",", "").replace("_", ""))) + (name == STEP_FROM_0)
    except (ValueError, OverflowError):
        raise ProgramFailed(
            f"the group `{name}` of a pattern finds {text[:80]!r}, which is not a whole number"
        ) from None
