import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hpsearch.core.errors import BadInput
from hpsearch.tracking.connection import ConnectionCheck, check_server
from tests.chaos.http_proxy import Proxy


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without credentials of the user who runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)


class TestCheckServer:
    def test_a_server_that_accepts_requests(self):
        with Proxy(mode=200, body="{}") as server:
            assert check_server(server.uri) == ""

    def test_a_database_is_not_checked(self):
        assert check_server("sqlite:////nowhere/mlflow.db") == ""
        assert check_server("postgresql://nowhere/mlflow") == ""


class TestRefused:
    """The server is reachable and refuses requests, now and later: the user must change a setting."""

    @pytest.mark.parametrize("uri", ["./mlruns", "file:///tmp/mlruns"])
    def test_the_file_store_is_not_supported(self, uri: str):
        assert "MLflow 3 has no file store: write sqlite:///" in refusal_of(uri)

    @pytest.mark.parametrize(
        ("status", "body", "fix"),
        [
            (400, "The plain HTTP request was sent to HTTPS port", "answers with 400"),
            (401, "You are not authenticated", "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
            (403, "Invalid Host header - possible DNS rebinding attack detected", "--allowed-hosts 127.0.0.1"),
            (403, "Permission denied", "the right to create experiments"),
            (404, "", "is not an MLflow server"),
            (200, "<html>", "is not an MLflow server"),
        ],
    )
    def test_the_fix_is_named(self, status: int, body: str, fix: str):
        with Proxy(mode=status, body=body) as server:
            message = refusal_of(server.uri.replace("//", "//me:secret@"))
        assert message.startswith(f"tracking.mlflow: MLflow at {server.uri} ")
        assert fix in message

    def test_https_to_an_http_server(self):
        with Proxy(mode=200, body="{}") as server:
            message = refusal_of(server.uri.replace("http:", "https:"))
        assert message.endswith("does not use TLS: write http:// in place of https://")

    def test_http_to_an_https_server(self, tls_server: str):
        message = refusal_of(tls_server.replace("https:", "http:"))
        assert message.endswith("requires TLS: write https:// in place of http://")

    def test_a_self_signed_certificate(self, tls_server: str, monkeypatch: pytest.MonkeyPatch):
        assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in refusal_of(tls_server)
        monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
        assert check_server(tls_server) == ""

    def test_a_server_without_http(self):
        with listening(b"SSH-2.0-OpenSSH_9.2\r\n") as uri:
            assert refusal_of(uri).endswith("is not an HTTP server: check tracking.mlflow")

    @pytest.mark.parametrize(
        "uri",
        ["http://me:pa/ss@host", "http://host:port", "http://[::1", "http://" + "a" * 70, "http://", "http:///secret"],
    )
    def test_an_invalid_address(self, uri: str):
        """The message does not have the address: a part of it may be a password."""
        assert refusal_of(uri) == "tracking.mlflow is not an address: write http://HOST:PORT or https://HOST"


class TestUnreachable:
    """The server may be reachable again later, and nothing is lost until then."""

    @pytest.mark.parametrize("status", [429, 500, 502, 503])
    def test_a_transient_status(self, status: int):
        with Proxy(mode=status) as server:
            assert f"{server.uri} does not answer ({status} " in check_server(server.uri)

    def test_a_closed_port(self):
        message = check_server("http://me:secret@127.0.0.1:9")
        assert message.startswith("MLflow at http://127.0.0.1:9 does not answer (")
        assert message.endswith("): start it, or check tracking.mlflow")

    def test_an_unknown_host(self):
        """The name of a stopped container is unknown too."""
        assert "unknown host name" in check_server("http://nowhere.invalid:5000")

    def test_a_connection_that_is_closed_without_a_reply(self):
        with listening(b"") as uri:
            assert f"{uri} does not answer (Remote end closed connection" in check_server(uri)


class TestConnectionCheck:
    def test_the_request_is_sent_at_once(self):
        with Proxy(mode=200, body="{}") as server:
            check = ConnectionCheck(server.uri)
            assert server.asked.wait(10)
            assert check.result() == ""

    def test_a_refusal_is_raised_by_result(self):
        with Proxy(mode=401) as server, pytest.raises(BadInput, match="needs a login"):
            ConnectionCheck(server.uri).result()

    def test_a_server_that_does_not_reply_is_unreachable(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("hpsearch.tracking.connection.REPLY_TIMEOUT", 0.2)
        with Proxy(mode="hang") as server:
            assert f"{server.uri} does not answer (" in ConnectionCheck(server.uri).result()

    def test_without_mlflow_nothing_is_checked(self):
        assert ConnectionCheck("none").result() == ""


def refusal_of(uri: str) -> str:
    with pytest.raises(BadInput) as caught:
        check_server(uri)
    assert "secret" not in str(caught.value)
    return str(caught.value)


@contextmanager
def listening(reply: bytes) -> Iterator[str]:
    """A server that sends the same bytes on every connection, and closes it."""

    class FixedReply(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1000)
            self.request.sendall(reply)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), FixedReply) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An MLflow server with TLS and a self-signed certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path_factory.mktemp("tls") / "cert.pem"))
    with Proxy(mode=200, body="{}", tls=context) as server:
        yield server.uri


def certificate(path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return path


class TestCredentials:
    def test_from_the_address(self):
        assert sent_to("me:s%40crit@") == "Basic bWU6c0Bjcml0"

    def test_from_the_environment(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abc")
        assert sent_to("") == "Bearer abc"
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s@crit")
        assert sent_to("") == "Basic bWU6c0Bjcml0"

    def test_from_mlflows_file(self, tmp_path: Path):
        (tmp_path / ".mlflow").mkdir()
        lines = "[mlflow]\nmlflow_tracking_username = me\nmlflow_tracking_password = s@crit\n"
        (tmp_path / ".mlflow" / "credentials").write_text(lines)
        assert sent_to("") == "Basic bWU6c0Bjcml0"

    def test_none(self):
        assert sent_to("") is None


def sent_to(user: str) -> str | None:
    with Proxy(mode=200, body="{}") as server:
        assert check_server(server.uri.replace("//", f"//{user}")) == ""
    return server.headers.get("Authorization")
