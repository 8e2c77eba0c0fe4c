"""A worker with its template and its trials' processes, without Ray.

A template takes a second to start: most of these tests share one worker. That torch is imported before the trials is in
test_template.py.
"""

import errno
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from hpsearch.core.errors import TrainerError
from hpsearch.core.messages import Lost, Reported, Start
from hpsearch.core.trial import Cause, Params
from hpsearch.workers.isolation import isolated_worker
from hpsearch.workers.isolation.isolated_worker import IsolatedWorker
from hpsearch.workers.pools.ray.reaper import descendants
from hpsearch.workers.trial_log import log_file
from hpsearch.workers.worker import Worker
from tests.support.studies import setup
from tests.support.workers import train, train_and_release

pytestmark = pytest.mark.xdist_group("isolation")  # one process of xdist starts a worker, and not each

PATIENCE = 60.0
numbers = count()


def up(worker: IsolatedWorker, params: Params) -> IsolatedWorker:
    worker.warm_up()
    worker.check(params)
    return worker


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def worker(work: Path) -> Iterator[IsolatedWorker]:
    made = up(IsolatedWorker(setup(work, "process_toys:train", isolated=True)), {"how": "fine"})
    yield made
    made.release()
    made.close()


def start(how: str = "fine") -> Start:
    return Start(next(numbers), {"how": how}, 3, until=1, epochs=1)


def trained(worker: IsolatedWorker, how: str = "fine") -> Reported:
    """A trial from its start to its release."""
    reported = worker.start(start(how))
    assert isinstance(reported, Reported), reported
    worker.release(over=True)
    return reported


def lost(worker: IsolatedWorker, how: str) -> Lost:
    came = worker.start(start(how))
    assert isinstance(came, Lost), came
    return came


def ended(worker: IsolatedWorker) -> None:
    """Wait until the trial's process has ended, and all that it had started."""
    assert worker._template is not None
    worker._template.await_exit()


def log_of(worker: IsolatedWorker, reported: Reported | Lost) -> str:
    ended(worker)
    return log_file(worker.setup.work, reported.number).read_text()


def lives(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def folders_of(worker: IsolatedWorker, number: int) -> list[Path]:
    lines = (worker.setup.work / "scratch" / f"{number:05d}" / "folders").read_text().splitlines()
    return list(map(Path, lines))


def pid_of(worker: IsolatedWorker, number: int, name: str) -> int:
    return int((worker.setup.work / "scratch" / f"{number:05d}" / name).read_text())


@pytest.mark.slow
def test_the_template_survives_a_fork_that_fails(tmp_path: Path) -> None:
    worker = IsolatedWorker(setup(tmp_path, "no_process:train", isolated=True))
    try:
        came = lost(worker, "fine")
        assert came.reason.endswith("exit code 71")
        assert os.strerror(errno.EAGAIN) in came.traceback
        template = worker._template
        assert isinstance(worker.start(start()), Reported)
        assert worker._template is template
        worker.release()
    finally:
        worker.close()


class TestTrialsDoNotShare:
    def test_what_a_trial_changes(self, worker: IsolatedWorker) -> None:
        curves = [trained(worker, how).reports[0].metrics for how in ("chdir", "fine", "fine")]
        assert [curve["val_loss"] for curve in curves] == [1.0, 1.0, 1.0]
        assert len({curve["pid"] for curve in curves}) == 3

    def test_each_curve_is_that_of_a_worker_without_isolation(self, worker: IsolatedWorker, tmp_path: Path) -> None:
        isolated = up(IsolatedWorker(setup(tmp_path / "a", "learner", isolated=True)), {})
        try:
            first = train_and_release(isolated, Start(0, {}, 3, until=2, epochs=4))
            second = train_and_release(isolated, Start(0, {}, 3, until=4, epochs=4, after=2))
        finally:
            isolated.close()
        whole = train(Worker(setup(tmp_path / "b", "learner")), Start(0, {}, 3, until=4, epochs=4))
        assert [*first.reports, *second.reports] == list(whole.reports)

    def test_sets_of_strings_have_one_order_in_all_workers(self, worker: IsolatedWorker, tmp_path: Path) -> None:
        other = up(IsolatedWorker(replace(worker.setup, work=tmp_path)), {})
        reported = [trained(one) for one in (worker, other)]
        assert len({one.reports[0].metrics["order"] for one in reported}) == 1
        for one in reported:
            assert one.provenance is not None
            assert one.provenance.environment["settings"]["PYTHONHASHSEED"] == "0"
        other.close()

    def test_the_environment_is_recorded_with_each_trial(self, worker: IsolatedWorker) -> None:
        documents = [provenance.environment for _ in range(2) if (provenance := trained(worker).provenance)]
        assert len(documents) == 2
        assert documents[0] == documents[1]
        assert "tests.support.process_toys" in documents[0]["sources"]


class TestTemporaryFolders:
    def test_that_of_a_trial_is_removed_and_that_of_the_module_stays(self, worker: IsolatedWorker) -> None:
        reported = [trained(worker, "folders") for _ in range(2)]
        ended(worker)
        own, shared = zip(*(folders_of(worker, one.number) for one in reported), strict=True)
        assert len(set(own)) == 2
        assert not any(folder.exists() for folder in own)
        assert len(set(shared)) == 1
        assert shared[0].is_dir()

    def test_that_of_the_module_is_removed_with_the_template(self, worker: IsolatedWorker, tmp_path: Path) -> None:
        other = up(IsolatedWorker(replace(worker.setup, work=tmp_path)), {})
        _, shared = folders_of(other, trained(other, "folders").number)
        assert shared.is_dir()
        other.close()
        assert not shared.exists()


class TestNext:
    """The process of the next trial is forked while the trial before is trained."""

    def test_it_has_no_trial_and_ends_with_the_worker(self, worker: IsolatedWorker, tmp_path: Path) -> None:
        other = up(IsolatedWorker(replace(worker.setup, work=tmp_path)), {})
        reported = other.start(start())
        assert isinstance(reported, Reported)
        assert other._template is not None
        template = other._template._process.pid
        until(lambda: len(descendants([template])) == 2)
        waiting = descendants([template]) - {int(reported.reports[0].metrics["pid"])}
        other.release(over=True)
        ended(other)
        assert descendants([template]) == waiting, "the end of the trial does not end it"
        assert {int(trained(other).reports[0].metrics["pid"])} == waiting
        until(lambda: len(descendants([template])) == 1)
        waiting = descendants([template])
        other.close()
        until(lambda: not any(map(lives, waiting)))

    def test_one_that_was_killed_costs_no_trial(self, worker: IsolatedWorker) -> None:
        assert trained(worker).reports
        ended(worker)
        assert worker._template is not None
        (waiting,) = descendants([worker._template._process.pid])
        os.kill(waiting, signal.SIGKILL)
        until(lambda: not lives(waiting))
        assert int(trained(worker).reports[0].metrics["pid"]) != waiting


class TestNothingIsLeft:
    @pytest.mark.parametrize(("how", "names"), [("daemon", ["daemon"]), ("children", ["sleeper", "sleeps"])])
    def test_of_what_a_trial_started(self, worker: IsolatedWorker, how: str, names: list[str]) -> None:
        reported = worker.start(start(how))
        pids = [pid_of(worker, reported.number, name) for name in names]
        assert all(map(lives, pids))
        worker.release(over=True)  # waits for their end, so that it is not counted as time of the next trial
        assert not any(map(lives, pids))

    @pytest.mark.parametrize("how", ["daemon", "children"])
    def test_when_the_worker_ends(self, worker: IsolatedWorker, tmp_path: Path, how: str) -> None:
        other = up(IsolatedWorker(replace(worker.setup, work=tmp_path)), {})
        assert isinstance(other.start(start(how)), Reported)
        assert other._template is not None
        below = descendants([other._template._process.pid])
        assert len(below) > 1
        other.close()
        until(lambda: not any(map(lives, below)))  # the process that waits for the next trial ends by itself

    @pytest.mark.parametrize("how", ["thread", "stubborn_exit"])
    def test_of_one_that_does_not_end_by_itself(
        self, worker: IsolatedWorker, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        pid = int(trained(worker, how).reports[0].metrics["pid"])
        assert int(trained(worker).reports[0].metrics["pid"]) != pid
        assert not lives(pid)


class TestLost:
    def test_exit_code_and_last_lines(self, worker: IsolatedWorker) -> None:
        came = lost(worker, "exits")
        assert (came.reason, came.cause) == ("its process ended with exit code 3", Cause.WORKER_LOST)
        assert came.traceback.splitlines()[-1] == "last words"
        assert trained(worker).reports, "the worker trains on"

    def test_reports_that_were_not_sent(self, worker: IsolatedWorker) -> None:
        came = lost(worker, "exits_at_its_end")
        assert [report.step for report in came.reports] == [1]
        assert lost(worker, "exits").reports == ()

    def test_signal(self, worker: IsolatedWorker) -> None:
        came = lost(worker, "kills_itself")
        assert (came.reason, came.cause) == ("its process was killed by SIGKILL", Cause.WORKER_LOST)
        assert trained(worker).reports

    def test_memory(self, worker: IsolatedWorker, monkeypatch: pytest.MonkeyPatch) -> None:
        """The kernel counts the processes that it ends for their memory."""
        kernel_oom_kills = count()
        monkeypatch.setattr(
            "hpsearch.workers.isolation.template_process.kernel_oom_kills", lambda: next(kernel_oom_kills)
        )
        assert lost(worker, "kills_itself").cause is Cause.OUT_OF_MEMORY

    def test_the_kernel_ends_a_trial_before_its_worker(self, worker: IsolatedWorker) -> None:
        reported = trained(worker, "oom_score")
        assert log_of(worker, reported).splitlines()[-1] == "1000"

    @pytest.mark.parametrize("how", ["closes", "closes_output"])
    def test_descriptors_that_are_closed(self, worker: IsolatedWorker, how: str) -> None:
        came = worker.start(start(how))
        assert isinstance(came, Lost) == (how == "closes")
        if isinstance(came, Lost):
            assert "os.closerange" in came.reason
        worker.release()
        assert trained(worker).reports

    def test_the_template_is_killed(self, worker: IsolatedWorker) -> None:
        reported = worker.start(start())
        assert isinstance(reported, Reported)
        assert worker._template is not None
        worker._template._process.kill()
        worker._template._process.wait(PATIENCE)
        assert isinstance(worker.advance(), Lost)
        until(lambda: not lives(int(reported.reports[0].metrics["pid"])))
        assert trained(worker).reports, "with a new template"

    def test_the_template_is_killed_while_the_trial_hangs(self, worker: IsolatedWorker) -> None:
        worker.release()
        hanging = start("hangs")
        waiting = threading.Thread(target=worker.start, args=(hanging,))
        waiting.start()
        until((worker.setup.work / "scratch" / f"{hanging.number:05d}" / "hangs").exists)
        pid = pid_of(worker, hanging.number, "hangs")
        assert worker._template is not None
        worker._template._process.kill()
        waiting.join(PATIENCE)
        until(lambda: not lives(pid))
        assert trained(worker).reports


class TestKill:
    def test_one_that_hangs(self, worker: IsolatedWorker) -> None:
        came: list[Reported | Lost] = []
        waiting = threading.Thread(target=lambda: came.append(worker.start(start("hangs"))))
        waiting.start()
        until(lambda: worker._template is not None and worker._template._running)
        time.sleep(0.2)
        worker.kill()
        waiting.join(PATIENCE)
        assert isinstance(came[0], Lost)
        assert trained(worker).reports

    def test_without_a_trial_it_does_nothing(self, worker: IsolatedWorker) -> None:
        ended(worker)
        worker.kill()
        assert trained(worker).reports

    def test_one_that_has_not_begun_while_the_trial_before_is_closed(self, worker: IsolatedWorker) -> None:
        before, killed = replace(start("closes_late"), epochs=2), start()
        worker.start(before)
        scratch = worker.setup.work / "scratch" / f"{before.number:05d}"
        came: list[Reported | Lost] = []

        def release_and_start() -> None:
            worker.release(over=True)
            came.append(worker.start(killed))

        waiting = threading.Thread(target=release_and_start)
        waiting.start()
        until((scratch / "closing").exists)
        worker.kill(worker._starts + 1)
        (scratch / "may close").touch()
        waiting.join(PATIENCE)
        assert isinstance(came[0], Lost)
        assert (scratch / "closed").exists()
        assert not log_file(worker.setup.work, killed.number).exists()
        assert trained(worker).reports

    def test_a_release_that_hangs(self, worker: IsolatedWorker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(isolated_worker, "RELEASE_TIMEOUT", 0.2)
        reported = worker.start(start())
        assert isinstance(reported, Reported)
        os.kill(pid := int(reported.reports[0].metrics["pid"]), signal.SIGSTOP)
        worker.release(over=True)
        assert trained(worker).reports
        assert not lives(pid)


class TestSpawn:
    @pytest.mark.slow
    def test_an_import_that_starts_a_thread(self, tmp_path: Path) -> None:
        worker = up(IsolatedWorker(setup(tmp_path, "threaded_import:train", isolated=True)), {})
        assert worker._template is not None
        assert worker._template.spawns
        reported = [trained(worker) for _ in range(2)]
        assert [one.reports[0].metrics["val_loss"] for one in reported] == [1.0, 1.0]
        assert "of the import" in log_of(worker, reported[1])
        worker.close()

    def test_one_thread_forks(self, worker: IsolatedWorker) -> None:
        assert worker._template is not None
        assert not worker._template.spawns


class TestImport:
    def test_that_ends_the_process(self, tmp_path: Path) -> None:
        worker = IsolatedWorker(setup(tmp_path, "exits_on_import:train", isolated=True))
        worker.warm_up()
        with pytest.raises(TrainerError, match=r"tests.support.exits_on_import:train.*exit code"):
            worker.check({})

    @pytest.mark.parametrize("times", [1, pytest.param(isolated_worker.IMPORTS_KILLED, marks=pytest.mark.slow)])
    def test_that_is_killed(self, worker: IsolatedWorker, tmp_path: Path, times: int) -> None:
        """It is tried again; where it is killed each time, the trainer is the cause."""
        work = tmp_path / "kills"
        work.write_text("x" * times)
        other = IsolatedWorker(setup(tmp_path, "killed_import:train", isolated=True))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KILLS", str(work))
            if times < isolated_worker.IMPORTS_KILLED:
                assert trained(up(other, {})).reports
            else:
                with pytest.raises(TrainerError, match="SIGKILL"):
                    up(other, {})
        other.close()

    def test_that_fails(self, tmp_path: Path) -> None:
        worker = IsolatedWorker(setup(tmp_path, "broken_import:train", isolated=True))
        worker.warm_up()
        with pytest.raises(TrainerError, match=r"importing tests.support.broken_import failed"):
            worker.check({})
        worker.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
