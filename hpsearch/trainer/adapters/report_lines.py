"""Detects a pattern that matches more than one line of an epoch: that of each batch, or of training and validation."""

import re
from collections import Counter

from hpsearch.study.output_patterns import STEP, STEP_FROM_0

_EPOCH = re.compile(r"\bepochs?\b[\s:=#\[(]{0,4}(\d+)", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]{3,}")
_VALIDATION = re.compile(r"val|test|eval|dev", re.IGNORECASE)

MIN_OF_KIND = 2
"""Reports of each of two kinds of lines, for a warning: one line may be printed at the end only."""


class ReportLines:
    """The lines with the study's metric of one trial, each of which is a report. warning: "" if they seem right.

    in_epochs: the length of a trial is counted in epochs, so two reports of one epoch are a mistake.
    """

    def __init__(self, metric: str, in_epochs: bool):
        self._metric, self._in_epochs = metric, in_epochs
        self._epoch: re.Match[str] | None = None
        self._first_epoch = ""
        self._kinds: Counter[tuple[str, ...]] = Counter()
        self.warning = ""

    def add(self, line: str, start: int, value: int) -> None:
        """start: of the pattern's match in the line. value: where the number starts."""
        if self.warning:
            return
        before, self._epoch = self._epoch, _EPOCH.search(line)
        if self._epoch is not None:
            self._first_epoch = self._first_epoch or self._epoch[1]
        self._kinds[tuple(_WORD.findall(line[:value]))] += 1
        often = [kind for kind, count in self._kinds.items() if count >= MIN_OF_KIND]
        if len(often) > 1:
            self.warning = self._of_kinds(often[0], often[1], line[start:value])
        elif self._in_epochs and before is not None and self._epoch is not None and before[1] == self._epoch[1]:
            is_repeated = len(self._kinds) == 1
            self.warning = self._of_batches(self._epoch, line[start:value]) if is_repeated else ""

    def _of_kinds(self, one: tuple[str, ...], other: tuple[str, ...], label: str) -> str:
        wanted, left = (one, other) if any(map(_VALIDATION.search, one)) else (other, one)
        word = next((word for word in wanted if word not in left), "")
        advice = f"{word}.*{_escaped(label)}{{number}}"
        return (
            f"{self._metric} is read from two kinds of lines, and each is a report: {' '.join(one)!r} and "
            f"{' '.join(other)!r}. For one of them, write its pattern: [trainer] metrics = "
            f"{{ {_key(self._metric)} = '{advice}' }}"
        )

    def _of_batches(self, epoch: re.Match[str], label: str) -> str:
        step = STEP_FROM_0 if int(self._first_epoch) == 0 else STEP
        word = _escaped(epoch[0].removesuffix(epoch[1]))
        pattern = f"{word}(?P<{step}>[0-9]+).*{_escaped(label)}{{number}}"
        return (
            f"{self._metric} is read several times in one epoch, and each is a report, which counts as an epoch. For "
            f"one report per epoch, with their mean: [trainer] metrics = {{ {_key(self._metric)} = '{pattern}' }}, "
            'take = "mean"'
        )


def _escaped(text: str) -> str:
    return re.escape(text).replace("\\ ", " ")


def _key(metric: str) -> str:
    """As a key of TOML."""
    return metric if re.fullmatch(r"[\w-]+", metric, re.ASCII) else f'"{metric}"'
