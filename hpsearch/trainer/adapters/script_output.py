"""Parses the reports of a program: lines of JSON, a file with metrics. Patterns are in pattern_reports.py."""

import csv
import io
import json
import math
import re
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hpsearch.core.trial import Report
from hpsearch.trainer.failures import ProgramFailed

MAX_LINE_BYTES = 1 << 16
"""Maximum bytes of a line; only the end of a longer line is kept."""

DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+(e[-+]?\d+)?\s*", re.IGNORECASE)

_BARE = re.compile(r"(?<=[:\s,\[])([-+]?)(nan|inf|infinity)(?=[\s,}\]])", re.IGNORECASE)
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|\x08")


class Lines:
    """Splits bytes into lines. If carriage returns overwrite a line (a progress bar), only its last version is a
    line."""

    def __init__(self) -> None:
        self._rest = b""

    def add(self, content: bytes) -> Iterator[str]:
        *lines, self._rest = (self._rest + content).split(b"\n")
        self._rest = self._rest[-MAX_LINE_BYTES:]
        yield from map(_text, lines)

    def end(self) -> Iterator[str]:
        """The last line, if it has no newline."""
        rest, self._rest = self._rest, b""
        if rest:
            yield _text(rest)


def _text(line: bytes) -> str:
    return _ESCAPES.sub("", line.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace"))


class Steps:
    """Gives each report its step. The first report of a step counts.

    known: the last step on record. takes_0: whether a first report of step 0, before training, is a report.
    """

    def __init__(self, known: int, takes_0: bool = False):
        self.last = self._known = known
        self._takes_0 = takes_0 and known == 0
        self.repeated: int | None = None
        self.has_step_0 = False

    def report(self, step: Any, metrics: Mapping[str, Any]) -> Report | None:
        """None for a step that has been reported. ProgramFailed if steps decrease. step: None: the next one."""
        if step is None:
            step = self.last + 1
        if type(step) is not int:
            raise ProgramFailed(f"the program reported step {step!r:.80}: a step is a whole number from 1")
        is_before_training = step == 0 and self._takes_0 and self.last == 0 and not self.has_step_0
        self.has_step_0 |= step == 0
        if is_before_training:
            return Report(0, metrics)
        if step <= self._known:
            return None  # a continued program may report recorded steps again
        if step == self.last:
            self.repeated = step
            return None
        if step < self.last:
            raise ProgramFailed(f"the program reported step {step} after step {self.last}: steps must increase")
        self.last = step
        return Report(step, metrics)


# Lines of JSON ───────────────────────────────────────────────────────────────────────────────────


class JsonLines:
    """Reports such as {"step": 3, "val_loss": 0.31}, one in a line; without a step, it is the next one.

    {"infeasible": "why"}: the trial's parameters cannot be trained.
    """

    def __init__(self, steps: Steps):
        self._steps, self._lines = steps, Lines()
        self.has_lines = False

    def add(self, content: bytes) -> Iterator[Report]:
        """ProgramFailed for a line that is not a report."""
        for line in self._lines.add(content):
            if line.strip() and (report := self._report(line)) is not None:
                yield report

    def end(self) -> Iterator[Report]:
        """A last line without a newline counts if it is complete. ProgramFailed if it is not."""
        for line in self._lines.end():
            if line.strip() and (report := self._report(line)) is not None:
                yield report

    def _report(self, line: str) -> Report | None:
        self.has_lines = True
        found = parsed(line)
        if not isinstance(found, dict):
            raise ProgramFailed(
                f"the program wrote {line.strip()[:200]!r} to HPSEARCH_REPORT, which is not a line of JSON such as "
                '{"step": 1, "val_loss": 0.31}'
            )
        if isinstance(reason := found.get("infeasible"), str):
            raise ProgramFailed(reason, kind="infeasible")
        step = found.pop("step", None)
        metrics = found["metrics"] if isinstance(found.get("metrics"), dict) else found
        return self._steps.report(step, {name: _json_number(value) for name, value in _flat(metrics)})


def parsed(line: str) -> Any:
    """JSON, also with nan and inf as other languages print them. None for anything else."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(_BARE.sub(lambda found: _json_name(found[1], found[2]), line))
    except (ValueError, RecursionError):
        return None


def _flat(table: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, Any]]:
    """{"val": {"loss": 0.3}} has the metric val/loss."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{group}{name}/")
        else:
            yield f"{group}{name}", value


def _json_name(sign: str, name: str) -> str:
    return "NaN" if name.lower() == "nan" else f"{sign.strip('+')}Infinity"


def _json_number(value: Any) -> Any:
    """null is NaN: JavaScript writes NaN as null."""
    return math.nan if value is None else value


# A file with metrics ─────────────────────────────────────────────────────────────────────────────


def newest(pattern: Path, since: float) -> Path | None:
    """The newest file that matches a path with `*`. since: as in MetricsFile."""
    root = Path(pattern.anchor)
    found = root.glob(str(pattern.relative_to(root)))
    fresh = [path for path in found if path.is_file() and path.stat().st_mtime >= since]
    return max(fresh, key=lambda path: path.stat().st_mtime, default=None)


class MetricsFile:
    """Rows of a CSV file, lines of JSON, or one JSON value that a program writes. A row with the study's metric ends a
    report.

    pattern: a path with `*`; the newest matching file is read. since: files that were not changed since then
    (seconds, as time.time) belong to another run.
    """

    def __init__(self, pattern: Path, metric: str, steps: Steps, since: float):
        self._pattern, self._metric, self._steps, self._since = pattern, metric, steps, since
        self._path: Path | None = None
        self._stamp: tuple[int, int] | None = None
        self._read, self._columns = 0, list[str]()
        self._object: Mapping[str, Any] = {}
        self._seen: dict[str, float] = {}

    def poll(self, at_end: bool = False) -> Iterator[Report]:
        """The reports since the last call. at_end: the last row counts without a newline."""
        self._path = self._path or newest(self._pattern, self._since)
        if self._path is None:
            return
        try:
            stat = self._path.stat()
            stamp = stat.st_mtime_ns, stat.st_size
            if stamp == self._stamp and not at_end:
                return
            text = self._path.read_text(errors="replace")
        except OSError:
            return  # it is being replaced
        self._stamp = stamp
        found = parsed(text) if text.lstrip()[:1] in ("{", "[") else None
        if isinstance(found, dict) and not isinstance((whole := _flat_dict(found)).get(self._metric), list):
            yield from self._take_object(whole)
            return
        lines = text if at_end else text[: text.rfind("\n") + 1]
        rows = list(self._rows(lines) if found is None else _rows_of_json(found))
        for row in rows[self._read :]:
            yield from self._take(row)
        self._read = max(self._read, len(rows))

    def _take_object(self, row: Mapping[str, Any]) -> Iterator[Report]:
        """A JSON object that the program writes again after each epoch. It may be the first of several lines, too."""
        if row != self._object:
            self._object, self._read = row, 1
            yield from self._take(row)

    def _rows(self, text: str) -> Iterator[Mapping[str, Any]]:
        if text.lstrip()[:1] == "{":
            lines = (parsed(line) for line in text.splitlines() if line.strip())
            yield from (_flat_dict(line) for line in lines if isinstance(line, dict))
        else:
            separator = next((one for one in (",", ";", "\t") if one in text.partition("\n")[0]), ",")
            reader = csv.DictReader(io.StringIO(text), delimiter=separator)
            self._columns = [*(reader.fieldnames or [])]
            yield from reader

    def _take(self, row: Mapping[str, Any]) -> Iterator[Report]:
        if DECIMAL_COMMA.fullmatch(text := str(row.get(self._metric))):
            raise ProgramFailed(
                f"metric {self._metric!r}: {self._path} has {text.strip()}, with a comma. Write numbers with a point "
                "(for many programs: LC_ALL=C)"
            )
        numbers = {name: value for name, text in row.items() if name and (value := _cell(text)) is not None}
        self._columns = self._columns or [*row]
        self._seen |= numbers
        if self._metric in numbers:
            metrics, self._seen = self._seen, {}
            if (report := self._steps.report(None, metrics)) is not None:
                yield report

    def missing(self) -> str:
        if self._path is None:
            return f"no file matches trainer.metrics_file, {self._pattern}"
        columns = ", ".join(self._columns)[:200] or "none"
        return (
            f"{self._path} has no value of {self._metric}; its columns: {columns}. If it is a log, write the "
            "patterns of its metrics into trainer.metrics"
        )


def _flat_dict(table: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_flat(table))


def _rows_of_json(found: Any) -> Iterator[Mapping[str, Any]]:
    """Of a list of objects, or of an object with a list for each metric, as a history of epochs."""
    if isinstance(found, list):
        yield from (_flat_dict(row) for row in found if isinstance(row, dict))
        return
    columns = {name: values for name, values in _flat(found) if isinstance(values, list)}
    for place in range(max(map(len, columns.values()))):
        yield {name: values[place] for name, values in columns.items() if place < len(values)}


def _cell(value: Any) -> float | None:
    """None for a value that is not a number: an empty cell, a text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


class Tail:
    """The last lines of an output."""

    def __init__(self) -> None:
        self._lines, self._all = Lines(), deque[str](maxlen=15)

    def add(self, content: bytes) -> None:
        self._all.extend(line for line in self._lines.add(content) if line.strip())

    def end(self) -> None:
        self._all.extend(line for line in self._lines.end() if line.strip())

    @property
    def lines(self) -> list[str]:
        return [line[:500] for line in self._all]
