"""Which errors of PostgreSQL pass by themselves, and a server that does not answer."""

import socket

import pytest

from hpsearch.journal.postgres import is_transient, reply_timeout


class ServerError(Exception):
    def __init__(self, sqlstate: str | None):
        self.sqlstate = sqlstate


class IntegrityError(Exception): ...


@pytest.mark.parametrize(
    ("state", "passes"),
    [
        ("08006", True),
        ("40001", True),
        ("53100", True),
        ("57P01", True),
        ("25006", True),
        ("25P03", True),
        ("25P02", False),
        ("42P01", False),
        ("28P01", False),
        (None, True),
    ],
)
def test_an_error_that_passes_by_itself(state: str | None, passes: bool) -> None:
    assert is_transient(ServerError(state)) is passes


def test_a_constraint_that_is_violated_does_not_pass_by_itself() -> None:
    assert not is_transient(IntegrityError())


def test_a_connection_is_closed_where_the_server_takes_too_long() -> None:
    ours, servers = socket.socketpair()
    with ours, servers, reply_timeout(ours, seconds=0.0):
        ours.settimeout(30)
        assert ours.recv(1) == b"", "the read ends in place of waiting for ever"


def test_a_connection_stays_open_where_the_server_answers() -> None:
    ours, servers = socket.socketpair()
    with ours, servers:
        with reply_timeout(ours, seconds=600.0):
            pass
        servers.sendall(b"x")
        assert ours.recv(1) == b"x"
