"""What an exception means for its trial, and how it is shown."""

import errno
import resource

import pytest
import torch

from hpsearch.core.errors import TrainerError
from hpsearch.trainer.failures import (
    MAX_HEADLINE,
    MAX_TRACEBACK,
    failure_of,
    headline,
    short_traceback,
    without_own_frames,
)
from tests.support import toys


class TestKinds:
    @pytest.mark.parametrize(
        ("problem", "kind"),
        [
            (ValueError("no such optimizer"), "error"),
            (ValueError("out of memory: 3 examples do not fit"), "error"),
            (RuntimeError("CUDA error: device-side assert triggered"), "error"),
            (RuntimeError("CUDA error: out of memory"), "error"),
            (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 1 TB"), "oom"),
            (ValueError("can't allocate memory"), "error"),
            (MemoryError(), "oom"),
            (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), "oom"),
            (type("OutOfMemoryError", (RuntimeError,), {})("of another library"), "oom"),
            (OSError(errno.ENOSPC, "No space left on device"), "disk"),
            (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk"),
            (OSError(errno.EIO, "Input/output error"), "disk"),
            (OSError(errno.ENOENT, "No such file or directory"), "error"),
            (OSError(errno.ENOMEM, "Cannot allocate memory"), "error"),
            (OSError("No space left on device"), "error"),
            (PermissionError(errno.EACCES, "Permission denied"), "error"),
            (toys.Unprintable(), "error"),
            (SystemExit(3), "error"),
            (TrainerError("it reports nothing"), "contract"),
        ],
        ids=lambda given: given if isinstance(given, str) else headline(given)[:50],
    )
    def test_kind(self, problem: Exception | SystemExit, kind: str) -> None:
        failure = failure_of(problem)
        assert failure.kind == kind
        assert (failure.traceback == "") is (kind == "contract"), "what breaks the contract needs no traceback"

    def test_a_trainer_that_leaves(self) -> None:
        assert failure_of(SystemExit("so")).summary == "the trainer called sys.exit('so')"

    def test_a_fault_of_the_contract_is_said_in_full(self) -> None:
        assert failure_of(TrainerError("one\ntwo")).summary == "one\ntwo"

    def test_a_summary_is_one_short_line(self) -> None:
        assert failure_of(ValueError("x" * 1000 + "\nmore")).summary == f"ValueError: {'x' * 1000}"[:MAX_HEADLINE]


class TestTooManyProcesses:
    """What `os.fork` raises does not name its cause."""

    PROBLEM = BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    @pytest.mark.parametrize(("limit", "is_named"), [(600, True), (resource.RLIM_INFINITY, False)])
    def test_the_limit_is_named(self, monkeypatch: pytest.MonkeyPatch, limit: int, is_named: bool) -> None:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
        failure = failure_of(self.PROBLEM)
        assert failure.kind == "error"
        assert ("600 processes" in failure.summary) is is_named
        assert failure.exception == "BlockingIOError: [Errno 11] Resource temporarily unavailable"


class TestText:
    def raised(self, problem: BaseException) -> BaseException:
        try:
            raise problem
        except BaseException as caught:
            return caught

    def test_brief_ends_with_the_exception(self) -> None:
        text = short_traceback(self.raised(ValueError("so")))
        assert text.startswith("Traceback")
        assert text.endswith("ValueError: so")

    def test_brief_shows_the_last_frames_only(self) -> None:
        def deep(n: int) -> None:
            deep(n - 1) if n else self.raise_it()

        with pytest.raises(ValueError, match="so") as caught:
            deep(50)
        assert len(short_traceback(caught.value, frames=2).splitlines()) < 12

    def test_an_exception_may_say_too_much(self) -> None:
        text = short_traceback(self.raised(ValueError("a" + "x" * 1_000_000 + "z")))
        assert len(text) < MAX_TRACEBACK + 100
        assert text.startswith("Traceback")
        assert "characters left out" in text
        assert text.endswith("xxz")

    def raise_it(self) -> None:
        raise ValueError("so")

    @pytest.mark.parametrize(
        ("problem", "line"),
        [
            (ValueError("so"), "ValueError: so"),
            (ValueError("one\ntwo"), "ValueError: one"),
            (ValueError("\n  one"), "ValueError: one"),
            (MemoryError(), "MemoryError"),
            (toys.Unprintable(), "Unprintable: its text cannot be printed"),
        ],
    )
    def test_a_headline_is_one_line(self, problem: Exception, line: str) -> None:
        assert headline(problem) == line

    def test_whatever_an_exception_says_of_itself(self) -> None:
        assert "Unprintable" in short_traceback(self.raised(toys.Unprintable()))


OURS = """\
  File "/somewhere/site-packages/hpsearch/workers/worker.py", line 200, in slice
    ended = self._train(fresh, began, waited)
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "C:\\python\\hpsearch\\trainer\\open_trial.py", line 111, in next_report
    report = next(self._reports)
"""
THEIRS = """\
  File "/home/me/hpsearch/my-train.py", line 20, in train
    helper(params)
  [Previous line repeated 3 more times]
"""
IMPORT = """\
  File "<frozen importlib._bootstrap_external>", line 940, in exec_module
  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed
"""
HEAD = "Traceback (most recent call last):\n"


class TestFrames:
    @pytest.mark.parametrize(
        ("recorded", "shown"),
        [
            (OURS + THEIRS, THEIRS),
            (OURS + THEIRS + OURS, THEIRS + OURS),
            (OURS + IMPORT + THEIRS, THEIRS),
            (THEIRS, THEIRS),
            (OURS, OURS),
        ],
    )
    def test_a_traceback_begins_with_the_first_frame_of_other_code(self, recorded: str, shown: str) -> None:
        assert without_own_frames(f"{HEAD}{recorded}ValueError: so") == f"{HEAD}{shown}ValueError: so"

    def test_of_several_exceptions_each_does(self) -> None:
        between = "KeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\n"
        recorded = f"{HEAD}{OURS}{THEIRS}{between}{HEAD}{OURS}{THEIRS}ValueError: so"
        assert without_own_frames(recorded) == f"{HEAD}{THEIRS}{between}{HEAD}{THEIRS}ValueError: so"

    def test_a_text_without_a_traceback_stays(self) -> None:
        assert without_own_frames("ValueError: so") == "ValueError: so"

    def test_what_is_recorded_has_none_of_ours(self) -> None:
        def trainer() -> None:
            raise ValueError("so")

        with pytest.raises(ValueError, match="so") as caught:
            trainer()
        assert failure_of(caught.value).traceback == without_own_frames(failure_of(caught.value).traceback)
