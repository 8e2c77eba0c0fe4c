import socket

from hpsearch.tracking.dashboard import DEFAULT_PORT, dashboard


def test_the_local_store_is_served_on_loopback_only():
    board = dashboard("sqlite:////data/mlflow.db", port=5001)
    assert board.url == "http://127.0.0.1:5001"
    assert board.argv[1:] == (
        *("-m", "mlflow", "server", "--host", "127.0.0.1", "--port", "5001", "--workers", "1"),
        *("--default-artifact-root", "file:///data/mlartifacts"),
    )
    assert board.environment["MLFLOW_BACKEND_STORE_URI"] == "sqlite:////data/mlflow.db"
    assert board.environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_a_password_is_not_among_the_arguments():
    assert "secret" not in "".join(dashboard("postgresql://me:secret@db/mlflow").argv)


def test_a_port_in_use_is_not_chosen():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for _ in range(3):
            port = int(dashboard("sqlite:///mlflow.db").url.rpartition(":")[2])
            assert port != taken.getsockname()[1]
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
        assert dashboard("sqlite:///mlflow.db").url != f"http://127.0.0.1:{DEFAULT_PORT}"


def test_a_server_is_its_own_dashboard():
    board = dashboard("https://me:secret@mlflow.example:5000")
    assert (board.url, board.argv) == ("https://mlflow.example:5000", ())
