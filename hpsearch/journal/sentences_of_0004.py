"""Causes from the sentences of journals and spools up to version 0004: the only code that parses sentences.

Frozen: the patterns match what earlier versions wrote. Only migration 0005 and `spool.py` may call it. Causes are
strings here, since `Cause` may change.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

Read = tuple[str | None, dict[str, float]]
"""A cause, and the numbers of its sentence by name."""

Patterns = tuple[tuple[str, str], ...]

_STANDSTILL = r"no (finite .+|better .+ than (?P<best>\S+) \(epoch (?P<epoch>\d+)\)) for (?P<epochs>\d+) epochs$"
_LOST = r"; (?P<workers>\d+) workers lost \(limits\.retries\)$"
_AGAIN = r"; goes on from epoch (?P<epoch>\d+)$"
_STALLED, _VANISHED = r"stalled: no report for limits\.stall = (?P<seconds>\S+) s", r"its worker .*"

_COMPLETE: Patterns = (
    (rf"early stop: {_STANDSTILL}", "patience"),
    (r"trained all (?P<epoch>\d+) epochs$", "done"),
    (r"its trainer ended at epoch (?P<epoch>\d+) of (?P<of>\d+)$", "done"),
)
_PAUSED: Patterns = ((r"trained to epoch (?P<epoch>\d+), as far as round (?P<round>\d+) goes$", "done"),)
_PRUNED: Patterns = (
    (r"diverged: .* at epoch (?P<epoch>\d+)$", "diverged"),
    (r"diverged", "diverged"),
    (r"timeout: over limits\.trial = (?P<seconds>\S+) s$", "timeout"),
    (rf"patience: {_STANDSTILL}", "patience"),
    (
        r"median: .* at epoch (?P<epoch>\d+) is worse than (?P<median>\S+), the median of (?P<others>\d+) others",
        "pruned",
    ),
    (r"(halving|hyperband, bracket \d+): rank (?P<rank>\d+) of (?P<of>\d+) at epoch (?P<epoch>\d+) \(", "pruned"),
    (r"threshold: .* at epoch (?P<epoch>\d+) is below (?P<lower>\S+)$", "pruned"),
    (r"threshold: .* at epoch (?P<epoch>\d+) is above (?P<upper>\S+)$", "pruned"),
    (
        r"paired test: .* of trial (?P<best_trial>\d+) at epoch (?P<epoch>\d+)\b.*; p <= (?P<p>\S+) over .* "
        r"for (?P<epochs>\d+) epochs$",
        "pruned",
    ),
)
_FAILED: Patterns = (
    (r"out of memory even alone \(", "out_of_memory"),
    (_STALLED + _LOST, "stalled"),
    (_VANISHED + _LOST, "worker_lost"),
)
_LIMITS: Patterns = (
    (r"limits\.study = (?P<seconds>\S+) s is used up", "limit"),
    (r"limits\.epochs = (?P<epochs>\d+) is used up", "limit"),
    (r"limits\.gpu_hours = (?P<gpu_hours>\S+) is used up", "limit"),
    (r"(?P<failed>\d+) trials failed \(limits\.max_failures\)", "limit"),
)
_INTERRUPTED: Patterns = (
    (r"stopped by |the run ended: |`hpsearch stop` was called|the journal has been away", "interrupted"),
    (r"a checkpoint could not be written: |OSError: |\[Errno ", "interrupted"),
)
_NO_REPORT: Patterns = ((r"the trainer |Report\(|metric ", "trainer_raised"),)
_WAITING: Patterns = (
    (r"out of memory", "out_of_memory"),
    (r"trained its share of limits\.epochs = (?P<epochs>\d+)$", "limit"),
    *_LIMITS,
    *_INTERRUPTED,
    (_STALLED + _AGAIN, "stalled"),
    (_VANISHED + _AGAIN, "worker_lost"),
    *_NO_REPORT,
)
_BY_STATE: Mapping[str, tuple[Patterns, str | None]] = {
    "COMPLETE": (_COMPLETE, "done"),
    "PAUSED": (_PAUSED, "done"),
    "PRUNED": (_PRUNED, "pruned"),
    "FAILED": (_FAILED, "trainer_raised"),
    "WAITING": (_WAITING, "interrupted"),
    "RUNNING": (_WAITING, "interrupted"),
}
_ENDINGS: Patterns = ((r"the run ended: TrainerError", "trainer_raised"), *_LIMITS, *_INTERRUPTED, *_NO_REPORT)
_OVERS: Patterns = (
    (r"(.*; )?the budget of (?P<budget>\d+) epochs is spent \((?P<left>\d+) left\)$", "limit"),
    (r"(.*; )?all (?P<rounds>\d+) rounds are done$", "done"),
)


def cause_of_trial(state: str, reason: str) -> Read:
    if not reason:
        return None, {}
    patterns, otherwise = _BY_STATE[state]
    return _read(reason, patterns) or (otherwise, {})


def exception_of(state: str, reason: str) -> str:
    """Class and first line of the exception of a FAILED trial, else ""."""
    if state != "FAILED":
        return ""
    if found := re.fullmatch(r"out of memory even alone \(([A-Za-z_]\w*(: .*)?)\): try .*", reason, re.DOTALL):
        return found[1]
    if found := re.fullmatch(r"the trainer called sys\.exit\((.*)\)", reason, re.DOTALL):
        return "SystemExit" if found[1] == "None" else "SystemExit: " + found[1].strip("'\"")
    is_ours = _read(reason, _FAILED) is not None
    return reason if re.match(r"[A-Za-z_]\w*(: |$)", reason) and not is_ours else ""


def cause_of_study(state: str, last: tuple[str, str], limits: Mapping[str, Any], used: Mapping[str, int]) -> Read:
    """last: kind and reason of the last decision on a trial or on the end. used: trials, epochs and failed so far."""
    kind, reason = last
    if state == "COMPLETE":
        if used["trials"] == limits.get("trials"):
            return "limit", {"trials": used["trials"]}
        return (_read(reason, _OVERS) if kind == "over" else None) or ("done", {})
    if state != "STOPPED":
        return None, {}
    if kind == "wait" and (found := _read(reason, _ENDINGS)):
        return found
    if used["epochs"] >= limits.get("epochs", math.inf):
        return "limit", {"epochs": limits["epochs"]}
    if kind == "failed" and used["failed"] >= limits.get("max_failures", math.inf):
        return "limit", {"failed": limits["max_failures"]}
    return "interrupted", {}


def headlines_of(notes: Sequence[str]) -> int:
    """The number of a round's first notes that are about the whole round."""
    return next((place for place, note in enumerate(notes) if not note.startswith("round ")), len(notes))


def _read(text: str, patterns: Patterns) -> Read | None:
    for pattern, cause in patterns:
        if found := re.match(pattern, text, re.DOTALL):
            given = {name: value for name, value in found.groupdict().items() if value is not None}
            return cause, {name: int(value) if value.isdigit() else float(value) for name, value in given.items()}
    return None
