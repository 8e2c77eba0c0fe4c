"""An HTTP server that stands before MLflow, or for it, and can be made to misbehave, also while it is in use.

with Proxy("http://127.0.0.1:5000") as proxy:     # proxy.uri is what the client is given
    proxy.mode = 500                              # every request is answered with it, and `body`
    proxy.mode = "hang"                           # half open: requests are read, nothing is ever said until `let_go`
    proxy.mode = "slow"                           # passed on after `delay` seconds
    proxy.mode = "lose"                           # passed on, and the connection reset in place of the answer
    proxy.mode = "pass"
    with proxy.down(): ...                        # nobody listens there
"""

import http.client
import os
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from urllib.parse import urlsplit

READING = ("search", "get-by-name", "get")
"""Ends of the paths of requests that only read, GET or not."""


class Proxy:
    """mode: "pass", "hang", "slow" (`delay` seconds), "lose"; or a status to answer, with `body`.

    behind: the server that requests are passed on to.
    deaf: end of a path -> the number of such requests that are passed on, and whose reply is lost.
    host: the Host header for the server behind; "": its own name.
    tls: the TLS context; None: no TLS.
    login: the required Authorization header, else the reply is 401; "": no login.
    counts: the number of requests by the end of their path; passed: of those that were passed on.
    """

    def __init__(
        self,
        behind: str = "",
        mode: str | int = "pass",
        body: str = "",
        deaf: Mapping[str, int] | None = None,
        login: str = "",
        host: str = "",
        tls: ssl.SSLContext | None = None,
    ):
        self.mode, self.body, self.login, self.host, self.tls = mode, body, login, host, tls
        self.behind, self.deaf = urlsplit(behind), Counter(deaf or {})
        self.delay = 30.0
        self.let_go, self.asked = Event(), Event()
        self.headers: dict[str, str] = {}
        self.counts, self.passed = Counter[str](), Counter[str]()
        self._server = _Server(self, 0)
        self.uri = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def _serve(self) -> None:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Connections are refused meanwhile; the port is the same afterwards."""
        self._stop()
        try:
            yield
        finally:
            self._server = _Server(self, self._server.server_port)
            self._serve()

    def __enter__(self) -> "Proxy":
        self._serve()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go.set()
        self._stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: Proxy, port: int):
        self.proxy = proxy
        super().__init__(("127.0.0.1", port), _Handler)
        if proxy.tls:
            self.socket = proxy.tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def answer(self) -> None:
        proxy = self.server.proxy
        proxy.headers = dict(self.headers)
        end = self.path.partition("?")[0].rpartition("/")[2]
        proxy.counts[end] += 1
        proxy.asked.set()
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mode = proxy.mode
        if mode == "hang":
            proxy.let_go.wait(60)
            mode = 503
        if mode == "slow":
            proxy.let_go.wait(proxy.delay)
        self.close_connection = True
        status, body = self.result(mode, content)
        deaf = proxy.deaf[end] > 0
        proxy.deaf[end] -= deaf
        if deaf or (mode == "lose" and self.command != "GET" and end not in READING):
            self.reset()
        else:
            self.say(status, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def result(self, mode: str | int, content: bytes) -> tuple[int, bytes]:
        proxy = self.server.proxy
        if isinstance(mode, int):
            return mode, proxy.body.encode()
        if proxy.login and self.headers.get("Authorization") != proxy.login:
            return 401, b"You are not authenticated"
        try:
            return self.passed_on(content)
        except (OSError, http.client.HTTPException):  # the server behind is away
            return 502, b""

    def passed_on(self, content: bytes) -> tuple[int, bytes]:
        proxy = self.server.proxy
        connection = http.client.HTTPConnection(proxy.behind.hostname or "", proxy.behind.port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        headers |= {"Host": proxy.host} if proxy.host else {}
        connection.request(self.command, self.path, content, headers)
        response = connection.getresponse()
        result = response.status, response.read()
        connection.close()
        proxy.passed[self.path.partition("?")[0].rpartition("/")[2]] += 1
        return result

    def say(self, status: int, body: bytes) -> None:
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def reset(self) -> None:
        """Send RST instead of a reply, as a restarted machine does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, *args: object) -> None:
        pass
