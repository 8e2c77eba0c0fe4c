import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.core.errors import StudyBusy
from hpsearch.journal import Journal, lease
from hpsearch.journal.lease import Holding, Now, Owner, boot_clock, process_start
from hpsearch.journal.schema import leases
from tests.contracts.journal_helpers import other_host_owner, set_lease

ME = Owner(pid=10, host="here", boot="boot", space="pid:[1]", started="100", uid="me")
OTHER = replace(ME, boot="other boot", uid="other")


def test_this_process_is_alive_as_seen_by_itself_and_by_others() -> None:
    own = Owner.current()
    assert own.pid == os.getpid()
    assert own.started
    assert not own.has_ended(Owner.current())


def test_every_owner_is_unique() -> None:
    assert Owner.current().uid != Owner.current().uid


def test_a_process_that_ended_is_gone_even_before_it_is_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = replace(Owner.current(), pid=child.pid, started=process_start(child.pid))
    assert not owner.has_ended(Owner.current())
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert owner.has_ended(Owner.current())  # a zombie
    child.wait()
    assert owner.has_ended(Owner.current())


def test_a_command_name_with_brackets_and_spaces_hides_nothing(tmp_path: Path) -> None:
    odd = tmp_path / "a) Z 1 ("
    odd.symlink_to("/bin/cat")
    child = subprocess.Popen([odd], stdin=subprocess.PIPE)
    owner = replace(Owner.current(), pid=child.pid, started=process_start(child.pid))
    assert owner.started.isdigit()
    assert not owner.has_ended(Owner.current())
    child.communicate()


@pytest.mark.parametrize("unknown", [{"boot": ""}, {"boot": "another"}, {"space": "another"}, {"started": ""}])
def test_a_process_of_another_machine_is_never_known_to_be_dead(unknown: dict[str, str]) -> None:
    own = Owner.current()
    assert replace(own, started="1").has_ended(own)
    assert not replace(own, **{"started": "1", **unknown}).has_ended(own)  # type: ignore[arg-type]


def test_another_users_process_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(lease.os, "kill", refuse)
    assert not replace(ME, started="1").has_ended(ME)


def test_without_proc_the_start_of_a_process_is_what_ps_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_PROC", lease._PROC / "nowhere")
    started = process_start(os.getpid())
    assert started.count(":") == 2
    assert process_start(os.getpid()) == started
    assert process_start(2**22 + 1) == ""
    own = Owner.current()
    assert (own.started, own.space) == (started, "")


def test_within_a_boot_silence_is_measured_by_the_boot_clock() -> None:
    holding = Holding(replace(ME, uid="other"), ttl=15.0, beat=Now(wall=1000.0, boot=50.0))
    assert holding.age(ME, Now(wall=99_999.0, boot=53.0)) == 3.0
    assert holding.age(ME, Now(wall=0.0, boot=70.0)) == 20.0


def test_elsewhere_silence_is_measured_by_the_databases_clock() -> None:
    holding = Holding(OTHER, ttl=15.0, beat=Now(wall=1000.0, boot=50.0))
    assert holding.age(ME, Now(wall=1003.0, boot=99_999.0)) == 3.0
    assert holding.age(ME, Now(wall=900.0, boot=0.0)) == 0.0


def test_without_a_known_boot_the_databases_clock_counts() -> None:
    nowhere = replace(ME, boot="")
    holding = Holding(replace(nowhere, uid="other"), ttl=15.0, beat=Now(wall=1000.0, boot=50.0))
    assert holding.age(nowhere, Now(wall=1003.0, boot=99.0)) == 3.0


@pytest.mark.parametrize(("age", "kept_out"), [(0.0, True), (14.9, True), (15.0, False), (1e6, False)])
def test_a_lease_that_is_older_than_its_ttl_ends(age: float, kept_out: bool) -> None:
    holding = Holding(OTHER, ttl=15.0, beat=Now(wall=1000.0, boot=50.0))
    assert holding.blocks(ME, Now(wall=1000.0 + age, boot=0.0)) is kept_out


def test_a_silent_process_of_this_machine_runs_its_study_as_long_as_it_is_alive() -> None:
    own, late = Owner.current(), Now(wall=1e6, boot=1e6)
    silent = Holding(replace(own, uid="other"), ttl=15.0, beat=Now(wall=0.0, boot=0.0))
    assert (silent.blocks(own, late), silent.may_run(own, late)) == (False, True)
    for changed in ({"started": "1"}, {"started": ""}, {"boot": "another"}, {"space": "another"}):
        assert not replace(silent, owner=replace(silent.owner, **changed)).may_run(own, late), changed


def test_who_is_in_the_way_and_for_how_long() -> None:
    holding = Holding(replace(OTHER, pid=4711, host="gauss"), ttl=15.0, beat=Now(wall=1000.0, boot=0.0))
    message = holding.explain("digits", ME, Now(wall=1004.0, boot=0.0))
    assert 'study "digits" is being run by process 4711 on gauss' in message
    assert "4 s ago" in message
    assert "in 11 s" in message


BOOT_CLOCK = "from hpsearch.journal.lease import boot_clock; print(boot_clock())"


def test_all_processes_of_a_machine_share_the_boot_clock() -> None:
    before = boot_clock()
    seen = subprocess.run([sys.executable, "-c", BOOT_CLOCK], check=True, capture_output=True, text=True).stdout
    assert 0 < before < float(seen) < boot_clock()


def test_sleep_of_the_machine_does_not_age_a_lease() -> None:
    """To a process in this namespace the machine has slept for a day more than to us."""
    before, command = boot_clock(), [*unshared("--time", "--boottime", "86400"), BOOT_CLOCK]
    seen = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert before < float(seen) < boot_clock()


def test_a_sign_of_life_from_the_future_counts_from_when_it_is_seen(tmp_path: Path) -> None:
    """The database's clock was set back: nobody waits for as long as it was."""
    url = f"sqlite:///{tmp_path}/journal.db"
    with Journal.open(url) as journal:
        study = journal.create("study", {}, {}, at=0)
        journal.acquire(study.id, other_host_owner())
        set_lease(url, beat_wall=leases.c.beat_wall + 7200)
        with pytest.raises(StudyBusy, match=r"lease \d s ago.* run again in 1\d s"):
            journal.acquire(study.id, Owner.current())
        set_lease(url, beat_wall=leases.c.beat_wall - 16)
        journal.acquire(study.id, Owner.current())


# Other pid namespaces, as containers have them ───────────────────────────────────────────────────


def test_a_process_table_of_another_namespace_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pid in ("4711", str(os.getpid())):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "stat").write_text(f"{pid} (somebody) S {' '.join('1' * 30)}")
    monkeypatch.setattr(lease, "_PROC", tmp_path)
    for reader, seen in (("4711", ""), (str(os.getpid()), "1")):
        (tmp_path / "self").unlink(missing_ok=True)
        (tmp_path / "self").symlink_to(reader)
        assert process_start(os.getpid()) == seen


def unshared(*options: str) -> list[str]:
    """The start of a command line that runs Python in a namespace of its own."""
    words = ["unshare", "--fork", "--kill-child", *options]
    try:
        subprocess.run([*words, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as refusal:
        pytest.skip(f"no namespaces here: {refusal}")
    return [*words, sys.executable, "-c"]


UNMOUNTED = """
from dataclasses import replace
from hpsearch.journal.lease import Owner
own = Owner.current()
print(own.pid, repr(own.started), replace(own, started="1").has_ended(own), replace(own, pid=99999).has_ended(own))
"""


def test_in_a_namespace_without_its_own_process_table_the_pid_decides() -> None:
    seen = subprocess.run([*unshared("--pid"), UNMOUNTED], check=True, capture_output=True, text=True).stdout
    assert seen == "1 '' False True\n"


REUSED = """
import subprocess, sys, time
from dataclasses import replace
from pathlib import Path
from hpsearch.journal.lease import Owner, process_start

def sleeper():
    return subprocess.Popen(["sleep", "60"])

first = sleeper()
owner = replace(Owner.current(), pid=first.pid, started=process_start(first.pid))
assert not owner.has_ended(Owner.current())
first.kill()
first.wait()
assert owner.has_ended(Owner.current())
time.sleep(0.05)  # the kernel counts the start of a process in hundredths of a second
try:
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(first.pid - 1))
except OSError as error:
    sys.exit(f"cannot: {error}")
second = sleeper()
assert second.pid == first.pid, (second.pid, first.pid)
assert owner.has_ended(Owner.current())
second.kill()
print("gone")
"""


def test_a_pid_that_the_kernel_gave_out_again_is_another_process() -> None:
    done = subprocess.run([*unshared("--pid", "--mount-proc"), REUSED], check=False, capture_output=True, text=True)
    if "cannot" in done.stderr:
        pytest.skip(done.stderr)
    assert done.stdout == "gone\n", done.stderr


HOLDER = """
import os, sys
from hpsearch.journal import Journal, Owner
with Journal.open(sys.argv[1]) as journal:
    journal.acquire(journal.create("study", {}, {}, at=0).id, Owner.current(), ttl=float(sys.argv[2]))
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def test_a_holder_in_a_container_that_was_killed_is_followed_when_it_has_been_silent(tmp_path: Path) -> None:
    """On the same machine, so by the clock that nobody can set; its pid is one of ours, or nobody's."""
    url = f"sqlite:///{tmp_path}/journal.db"
    command = [*unshared("--pid", "--mount-proc"), HOLDER, url, "3.0"]
    with (
        Journal.open(url) as journal,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as container,
    ):
        assert container.stdout is not None
        assert container.stdout.readline() == "1\n"
        (study,) = journal.studies()
        began = boot_clock()
        set_lease(url, beat_boot=began, beat_wall=0.0)
        with pytest.raises(StudyBusy, match=f"process 1 on {Owner.current().host}"):
            journal.acquire(study.id, Owner.current())
        container.kill()
        container.wait()
        while not taken(journal, study.id):
            assert boot_clock() < began + 60
        assert boot_clock() >= began + 3.0


def taken(journal: Journal, study_id: int) -> bool:
    try:
        journal.acquire(study_id, Owner.current())
    except StudyBusy:
        time.sleep(0.05)
        return False
    return True
