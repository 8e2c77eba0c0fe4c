"""Trainers that change their process; `params["how"]` says how."""

import atexit
import builtins
import ctypes
import faulthandler
import logging
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing import shared_memory
from pathlib import Path

from hpsearch import Report, Run
from hpsearch.core.trial import Params

logging.basicConfig(level=logging.INFO, format="%(message)s")
logging.info("imported")

shared_folder = tempfile.TemporaryDirectory()
"""Created by the import, for all trials."""

CHILDREN = {"forked child exits": 3, "forked child raises": 1}
"""The exit codes of children that a trial waits for."""

seen: list[float] = []
"""State of the module that trials change."""


def train(params: Params, run: Run) -> Iterator[Report]:
    """Reports the number of trials that this process trained before, and other state that may leak between trials."""
    seen.append(0.0)
    how = str(params.get("how", "fine"))
    if how.startswith("forked child") and os.fork() == 0:
        if how.endswith("returns"):
            return
        if how.endswith("exits"):
            sys.exit(3)
        raise OSError("in the child")
    if how in CHILDREN:
        assert os.waitstatus_to_exitcode(os.wait()[1]) == CHILDREN[how]
    if how == "closes_late":
        yield from closes_late(run)
    WAYS[how.partition(" ")[0]](run)
    if how == "returns_at_sigterm":
        return
    for epoch in run.epochs():
        order = float(list({"age", "sex", "chol", "fbs"}).index("age"))
        yield Report(epoch, {"val_loss": float(len(seen)), "pid": os.getpid(), "order": order})
        if how == "reports_a_step_twice":
            yield Report(epoch, {"val_loss": 0.0})
    if how == "exits_at_its_end":
        os._exit(3)
    if how == "interrupts_at_its_end":
        raise KeyboardInterrupt
    if how == "raises_at_its_end":
        raise OSError("no such folder")


def closes_late(run: Run) -> Iterator[Report]:
    try:
        yield Report(1, {"val_loss": 1.0})
    finally:
        note_pid(run, "closing")
        wait_for(run, "may close")
        note_pid(run, "closed")


def chdir(run: Run) -> None:
    os.chdir("/")
    os.environ["CHANGED"] = "yes"


def writes(run: Run) -> None:
    """Writes with Python's streams, and directly to the descriptors."""
    print("print")
    logging.info("logging")
    os.write(1, b"descriptor 1\n")
    subprocess.run([sys.executable, "-c", "print('child process')"], stdout=sys.stdout, check=True)
    os.write(2, b"10%\r50%\r100%\n")
    atexit.register(print, "atexit")


def writes_in_other_ways(run: Run) -> None:
    """Logging that is set up here, a warning, a C library, a traceback of faulthandler; and then it is killed."""
    logger = logging.getLogger("own")
    logger.propagate = False
    logger.addHandler(logging.StreamHandler())
    logger.warning("own logging")
    warnings.warn("a warning", stacklevel=1)
    ctypes.CDLL(None).puts(b"C library")
    faulthandler.dump_traceback(sys.stdout.fileno(), all_threads=False)
    os.kill(os.getpid(), signal.SIGKILL)


def folders(run: Run) -> None:
    """Writes the names of its temporary folder, which the end of the process removes, and of the module's folder."""
    own = tempfile.TemporaryDirectory()
    atexit.register(lambda: own)  # it lives until then
    (run.scratch_dir / "folders").write_text(f"{own.name}\n{shared_folder.name}")


def floods(run: Run) -> None:
    for _ in range(300):
        os.write(1, b"x" * 9_999 + b"\n")


def daemon(run: Run) -> None:
    """Starts a daemon: a process in another session, with another parent, that ignores signals."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        note_pid(run, "daemon")
        time.sleep(1e6)
    wait_for(run, "daemon")


def children(run: Run) -> None:
    """Starts children with `subprocess` and `multiprocessing`."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1e6)"])
    (run.scratch_dir / "sleeper").write_text(str(sleeper.pid))
    multiprocessing.get_context("fork").Process(target=sleeps, args=(run,)).start()
    wait_for(run, "sleeps")


def sleeps(run: Run) -> None:
    note_pid(run, "sleeps")
    time.sleep(1e6)


def note_pid(run: Run, name: str) -> None:
    (run.scratch_dir / f"{name}.new").write_text(str(os.getpid()))
    (run.scratch_dir / f"{name}.new").rename(run.scratch_dir / name)


def wait_for(run: Run, name: str) -> None:
    while not (run.scratch_dir / name).exists():
        time.sleep(0.01)


def thread(run: Run) -> None:
    threading.Thread(target=time.sleep, args=(1e6,), daemon=False).start()


def stubborn_exit(run: Run) -> None:
    atexit.register(time.sleep, 1e6)


def closes(run: Run) -> None:
    os.closerange(0, 256)


def closes_output(run: Run) -> None:
    os.close(1)
    os.close(2)


def raises_without_streams(run: Run) -> None:
    """Its exception cannot be written to its log."""
    sys.stdout.close()
    sys.stderr.close()
    raise OSError("no such folder")


def replaces_builtins(run: Run) -> None:
    builtins.len = lambda _: 3  # type: ignore[assignment, misc]


def clears_modules(run: Run) -> None:
    sys.modules.clear()


def interrupts(run: Run) -> None:
    raise KeyboardInterrupt


class NotPicklable(Exception):
    def __reduce__(self) -> str:
        raise RuntimeError


def raises_what_cannot_be_pickled(run: Run) -> None:
    raise NotPicklable


def handles_signals(run: Run) -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, lambda *_: None)


def joins_another_group(run: Run) -> None:
    """Joins the process group of its parent, with a child process."""
    os.setpgid(0, os.getppid())
    children(run)


def removes_its_folders(run: Run) -> None:
    shutil.rmtree(run.scratch_dir)
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    Path(folder).rmdir()


def starts_processes(run: Run) -> None:
    for kind in ("fork", "spawn"):
        context = multiprocessing.get_context(kind)
        queue = context.Queue()
        context.Process(target=queue.put, args=(1,)).start()
        queue.get(timeout=60)


kept: list[object] = []


def leaves_shared_memory(run: Run) -> None:
    """Also leaves the temporary folder of multiprocessing."""
    block = shared_memory.SharedMemory(create=True, size=1000)
    kept.append(block)
    (run.scratch_dir / "folders").write_text(f"/dev/shm/{block.name}\n{multiprocessing.util.get_temp_dir()}")


def leaves_loky_pool(run: Run) -> None:
    """Also writes the names of its semaphores, which joblib's own resource tracker removes."""
    from joblib import Parallel, delayed

    assert Parallel(n_jobs=2)(delayed(abs)(number) for number in (-1, -2)) == [1, 2]
    names = list(Path("/dev/shm").glob(f"sem.loky-{os.getpid()}-*"))
    (run.scratch_dir / "folders").write_text("\n".join(map(str, names)))


def exits_in_a_thread(run: Run) -> None:
    one = threading.Thread(target=sys.exit)
    one.start()
    one.join()


def recurses(run: Run) -> None:
    recurses(run)


def overflows_the_stack(run: Run) -> None:
    faulthandler._stack_overflow()  # type: ignore[attr-defined]


def alarms(run: Run) -> None:
    signal.alarm(1)
    time.sleep(60)


def reads_stdin(run: Run) -> None:
    input()


def kills_its_parent(run: Run) -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def limits_its_memory(run: Run) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 33, 1 << 33))
    bytearray(1 << 34)


def exits(run: Run) -> None:
    print("last words")
    os._exit(3)


def sys_exits(run: Run) -> None:
    sys.exit(1)


def terminated(run: Run) -> None:
    """Receives SIGTERM without a handler."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1e6)


def exits_at_sigterm(run: Run) -> None:
    """Has a handler that exits, as many training scripts have."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1e6)


def returns_at_sigterm(run: Run) -> None:
    """Has a handler with which it returns normally."""
    signal.signal(signal.SIGTERM, lambda *_: None)
    os.kill(os.getpid(), signal.SIGTERM)


def terminates_a_child(run: Run) -> None:
    """Ends a forked child that has its handler, and then fails."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if (child := os.fork()) == 0:
        note_pid(run, "child")
        while True:
            time.sleep(0.01)  # a signal just before a sleep does not end it, and its handler runs after it
    wait_for(run, "child")
    os.kill(child, signal.SIGTERM)
    os.waitpid(child, 0)
    sys.exit(1)


def kills_itself(run: Run) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def oom_score(run: Run) -> None:
    print(Path("/proc/self/oom_score_adj").read_text().strip())


def hangs(run: Run) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note_pid(run, "hangs")
    time.sleep(1e6)


WAYS: dict[str, Callable[[Run], object]] = {
    "fine": lambda _: None,
    "forked": lambda _: None,
    "raises_at_its_end": lambda _: None,
    "interrupts_at_its_end": lambda _: None,
    "exits_at_its_end": lambda _: None,
    "reports_a_step_twice": lambda _: None,
    **{
        way.__name__: way
        for way in (
            chdir,
            writes,
            writes_in_other_ways,
            folders,
            floods,
            daemon,
            children,
            thread,
            stubborn_exit,
            closes,
            closes_output,
            raises_without_streams,
            replaces_builtins,
            clears_modules,
            interrupts,
            raises_what_cannot_be_pickled,
            handles_signals,
            joins_another_group,
            removes_its_folders,
            starts_processes,
            leaves_shared_memory,
            leaves_loky_pool,
            exits_in_a_thread,
            recurses,
            overflows_the_stack,
            alarms,
            reads_stdin,
            kills_its_parent,
            limits_its_memory,
            exits,
            sys_exits,
            terminated,
            exits_at_sigterm,
            returns_at_sigterm,
            terminates_a_child,
            kills_itself,
            oom_score,
            hangs,
        )
    },
}
