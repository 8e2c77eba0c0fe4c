"""A TCP proxy for PostgreSQL that can break connections, at any time.

with TcpProxy(("127.0.0.1", 5432)) as proxy:    # proxy.port is what the client is given
    proxy.cut()                                 # all connections are reset; new ones are accepted
    with proxy.down(): ...                      # connections are refused
    with proxy.hole(): ...                      # connections stay open, and no data arrives
    proxy.lose_commits = 3                      # the replies to the next three COMMITs are lost, and their connections
"""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread

Address = tuple[str, int]


class TcpProxy:
    """lose_commits: the number of next COMMITs whose reply is lost. lost: the number of lost replies."""

    def __init__(self, behind: Address):
        self.behind = behind
        self.lose_commits = self.lost = 0
        self._passing, self._lock = Event(), Lock()
        self._passing.set()
        self._pairs: set[_Pair] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "TcpProxy":
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def _listen(self) -> None:
        self._thread = Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._thread.start()

    def _hang_up(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # it ends an `accept` that is under way
        self._listener.close()
        self._thread.join(10)
        self._passing.set()
        self.cut()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._passing.wait()
        try:
            pair = _Pair(self, client, socket.create_connection(self.behind, timeout=10))
        except OSError:
            _reset(client)
            return
        with self._lock:
            self._pairs.add(pair)
        pair.start()

    # What happens to it ─────────────────────────────────────────────────────────────────────────

    def cut(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            pair.reset()

    @contextmanager
    def down(self) -> Iterator[None]:
        self._hang_up()
        try:
            yield
        finally:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._listen()

    @contextmanager
    def hole(self) -> Iterator[None]:
        self._passing.clear()
        try:
            yield
        finally:
            self._passing.set()

    # What passes ────────────────────────────────────────────────────────────────────────────────

    def wait(self) -> None:
        """Wait until data may pass."""
        self._passing.wait()

    def takes(self, data: bytes) -> bool:
        """Whether the reply to this data is lost."""
        with self._lock:
            if b"COMMIT" not in data or self.lose_commits == 0:
                return False
            self.lose_commits -= 1
            return True


class _Pair:
    """A client's and a server's connection, with a thread for each direction."""

    def __init__(self, proxy: TcpProxy, client: socket.socket, server: socket.socket):
        self.proxy, self.client, self.server = proxy, client, server
        self.deaf = False
        server.settimeout(None)

    def start(self) -> None:
        for way in (self._ask, self._answer):
            Thread(target=self._pump, args=(way,), daemon=True).start()

    def _pump(self, way: Callable[[], bool]) -> None:
        with suppress(OSError):
            while way():
                pass
        self.reset()

    def _ask(self) -> bool:
        data = self.client.recv(65536)
        self.proxy.wait()
        if self.proxy.takes(data):
            self.deaf = True
        self.server.sendall(data)
        return bool(data)

    def _answer(self) -> bool:
        data = self.server.recv(65536)
        self.proxy.wait()
        if self.deaf:  # what it says now is that the commit is done
            self.proxy.lost += 1
            return False
        self.client.sendall(data)
        return bool(data)

    def reset(self) -> None:
        for line in (self.client, self.server):
            _reset(line)


def _reset(line: socket.socket) -> None:
    """Close with RST instead of FIN, as after a crash of the machine."""
    with suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.shutdown(socket.SHUT_RDWR)
    line.close()
