"""An HTTP server that stands before MLflow, or for it, and can be made to misbehave."""

import http.client
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from urllib.parse import urlsplit


class Proxy:
    """mode: "pass"; "hang" until `let_go`; or a status to answer, with `body`.

    behind: the server that requests are passed on to.
    deaf: the end of an address -> how often such a request is passed on, and the caller hung up on without the answer.
    """

    def __init__(
        self, behind: str = "", mode: str | int = "pass", body: str = "", deaf: Mapping[str, int] | None = None
    ):
        self.mode, self.body, self.behind, self.deaf = mode, body, urlsplit(behind), Counter(deaf or {})
        self.let_go = Event()
        self.asked = Event()
        self.headers: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Proxy":
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            proxy.headers = dict(self.headers)
            proxy.asked.set()
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            mode = proxy.mode
            if mode == "hang":
                proxy.let_go.wait(60)
                mode = 503
            status, body = (mode, proxy.body.encode()) if isinstance(mode, int) else self.passed_on(content)
            end = self.path.rpartition("/")[2]
            self.close_connection = True
            if proxy.deaf[end]:
                proxy.deaf[end] -= 1
                return
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def passed_on(self, content: bytes) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection(proxy.behind.hostname or "", proxy.behind.port, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            connection.request(self.command, self.path, content, headers)
            response = connection.getresponse()
            result = response.status, response.read()
            connection.close()
            return result

        def log_message(self, *args: object) -> None:
            pass

    return Handler
