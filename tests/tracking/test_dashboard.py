import socket
import subprocess
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.tracking.dashboard import DEFAULT_PORT, _wait_for, dashboard
from hpsearch.tracking.dashboard_app import proof


def test_the_local_store_is_served_on_loopback_only():
    board = dashboard("sqlite:////data/mlflow.db", port=5001)
    assert board.url == f"http://127.0.0.1:5001/?token={board.token}"
    assert {"--host", "127.0.0.1"} < set(board.argv)
    assert board.argv[-2:] == ("--default-artifact-root", "file:///data/mlartifacts")
    assert board.environment["MLFLOW_BACKEND_STORE_URI"] == "sqlite:////data/mlflow.db"
    assert board.environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_a_password_is_not_among_the_arguments():
    board = dashboard("postgresql://me:secret@db/mlflow")
    assert "secret" not in "".join(board.argv)
    assert board.token not in "".join(board.argv)


def test_the_users_login_for_mlflow_servers_is_not_given_to_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    assert "secret" not in dashboard("sqlite:///mlflow.db").environment.values()


def test_every_dashboard_has_a_token_of_its_own():
    assert dashboard("sqlite:///mlflow.db").token != dashboard("sqlite:///mlflow.db").token


def test_a_store_named_from_here_is_served_from_elsewhere():
    store = dashboard("sqlite:///a/mlflow.db").environment["MLFLOW_BACKEND_STORE_URI"]
    assert store == f"sqlite:///{Path.cwd()}/a/mlflow.db"


@pytest.mark.parametrize("port", [0x10000, -1])
def test_no_port(port):
    with pytest.raises(BadInput):
        dashboard("sqlite:///mlflow.db", port)


def test_a_port_of_another_program():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(BadInput):
            dashboard("sqlite:///mlflow.db", other.getsockname()[1])


def test_a_port_in_use_is_not_chosen():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for _ in range(3):
            assert dashboard("sqlite:///mlflow.db").port != taken.getsockname()[1]
    with socket.socket() as default:
        default.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the dashboard does: the port of a server that has just ended
        try:
            default.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            pass
        else:
            default.listen()
        assert dashboard("sqlite:///mlflow.db").port != DEFAULT_PORT


def test_a_server_is_its_own_dashboard():
    board = dashboard("https://me:secret@mlflow.example:5000")
    assert (board.url, board.argv) == ("https://mlflow.example:5000", ())


def test_a_proxy_is_not_asked_whether_it_has_started(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    board = dashboard("sqlite:///mlflow.db")

    class Proves(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(proof(board.token, self.path.rpartition("/")[2]).encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Proves) as server, subprocess.Popen(["sleep", "60"]) as process:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        _wait_for(process, replace(board, port=server.server_port), None)
        thread.join()
        process.kill()
