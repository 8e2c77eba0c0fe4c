import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.journal import lease
from hpsearch.journal.lease import Holding, Now, Owner, boot_clock, process_start

ME = Owner(pid=10, host="here", boot="boot", space="pid:[1]", started="100", uid="me")
OTHER = replace(ME, boot="other boot", uid="other")


def test_this_process_is_alive_as_seen_by_itself_and_by_others() -> None:
    own = Owner.current()
    assert own.pid == os.getpid()
    assert own.started
    assert not own.is_gone(Owner.current())


def test_every_owner_is_somebody_else() -> None:
    assert Owner.current().uid != Owner.current().uid


def test_a_process_that_ended_is_gone_even_before_it_is_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = replace(Owner.current(), pid=child.pid, started=process_start(child.pid))
    assert not owner.is_gone(Owner.current())
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert owner.is_gone(Owner.current())  # a zombie
    child.wait()
    assert owner.is_gone(Owner.current())


def test_a_command_name_with_brackets_and_spaces_hides_nothing(tmp_path: Path) -> None:
    odd = tmp_path / "a) Z 1 ("
    odd.symlink_to("/bin/cat")
    child = subprocess.Popen([odd], stdin=subprocess.PIPE)
    owner = replace(Owner.current(), pid=child.pid, started=process_start(child.pid))
    assert owner.started.isdigit()
    assert not owner.is_gone(Owner.current())
    child.communicate()


@pytest.mark.parametrize("unknown", [{"boot": ""}, {"boot": "another"}, {"space": "another"}, {"started": ""}])
def test_nobody_is_known_to_be_dead_from_afar(unknown: dict[str, str]) -> None:
    own = Owner.current()
    assert replace(own, started="1").is_gone(own)
    assert not replace(own, **{"started": "1", **unknown}).is_gone(own)  # type: ignore[arg-type]


def test_another_users_process_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(lease.os, "kill", refuse)
    assert not replace(ME, started="1").is_gone(ME)


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
    assert holding.silence(ME, Now(wall=99_999.0, boot=53.0)) == 3.0
    assert holding.silence(ME, Now(wall=0.0, boot=70.0)) == 20.0


def test_elsewhere_silence_is_measured_by_the_databases_clock() -> None:
    holding = Holding(OTHER, ttl=15.0, beat=Now(wall=1000.0, boot=50.0))
    assert holding.silence(ME, Now(wall=1003.0, boot=99_999.0)) == 3.0
    assert holding.silence(ME, Now(wall=900.0, boot=0.0)) == 0.0


def test_without_a_known_boot_the_databases_clock_counts() -> None:
    nowhere = replace(ME, boot="")
    holding = Holding(replace(nowhere, uid="other"), ttl=15.0, beat=Now(wall=1000.0, boot=50.0))
    assert holding.silence(nowhere, Now(wall=1003.0, boot=99.0)) == 3.0


@pytest.mark.parametrize(("silence", "kept_out"), [(0.0, True), (14.9, True), (15.0, False), (1e6, False)])
def test_silence_for_longer_than_allowed_ends_a_lease(silence: float, kept_out: bool) -> None:
    holding = Holding(OTHER, ttl=15.0, beat=Now(wall=1000.0, boot=50.0))
    assert holding.keeps_out(ME, Now(wall=1000.0 + silence, boot=0.0)) is kept_out


def test_who_is_in_the_way_and_for_how_long() -> None:
    holding = Holding(replace(OTHER, pid=4711, host="gauss"), ttl=15.0, beat=Now(wall=1000.0, boot=0.0))
    message = holding.explain("digits", ME, Now(wall=1004.0, boot=0.0))
    assert 'study "digits" is being run by process 4711 on gauss' in message
    assert "4 s ago" in message
    assert "in 11 s" in message


def test_the_boot_clock_runs() -> None:
    assert 0 < boot_clock() <= boot_clock()
