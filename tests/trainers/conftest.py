import csv
import gzip
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from trainers.kit import cifar
from trainers.kit.cleveland import CATEGORIES, COLUMNS, LOCAL


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Two torch threads on a core that is shared are tens of times slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# Made-up data in the real formats ────────────────────────────────────────────────────────────────


def patients(n: int, seed: int = 0) -> list[list[str]]:
    """Rows in the columns of the Cleveland table; the sick are older, so there is something to learn."""
    draw = random.Random(seed)
    rows = []
    for _ in range(n):
        sick = draw.random() < 0.46
        numbers = {
            "age": draw.gauss(60 if sick else 50, 6),
            "trestbps": draw.gauss(130, 15),
            "chol": draw.gauss(240, 40),
            "thalach": draw.gauss(140 if sick else 160, 15),
            "oldpeak": abs(draw.gauss(1, 1)),
        }
        categories = {name: draw.choice(values) for name, values in CATEGORIES.items()}
        values = {**numbers, **categories, "target": int(sick)}
        rows.append([f"{values[name]:.1f}" if name in numbers else str(values[name]) for name in COLUMNS])
    return rows


Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def pictures(n: int, channels: int, side: int, seed: int = 0) -> tuple[Pixels, Pixels]:
    """Noise, with a bright bar whose place is the class; (n, channels, side, side) and (n)."""
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 10
    draw.shuffle(labels)
    pixels = draw.integers(0, 100, size=(n, channels, side, side))
    for image, label in zip(pixels, labels, strict=True):
        image[:, :, label * side // 10 : (label + 1) * side // 10] += 155
    return pixels.astype(np.uint8), labels.astype(np.uint8)


def idx(array: Pixels) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def cifar_batch(n: int, seed: int = 0) -> bytes:
    pixels, labels = pictures(n, 3, 32, seed)
    return np.column_stack([labels, pixels.reshape(n, -1)]).tobytes()


def write_heart(folder: Path) -> None:
    """200 patients, two of whom have a value missing."""
    rows = patients(200)
    rows[3][COLUMNS.index("ca")] = "?"
    rows[7][COLUMNS.index("thal")] = "?"
    path = folder / LOCAL
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def write_mnist(folder: Path, n: int = 200) -> None:
    """The training files alone: a search needs no others."""
    pixels, labels = pictures(n, 1, 28)
    (folder / "mnist").mkdir(parents=True)
    (folder / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pixels[:, 0]), 1))
    (folder / "mnist" / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))


def write_cifar(folder: Path, n: int = 20) -> None:
    """The five training batches, unpacked."""
    batches = folder / "cifar-10" / cifar.FOLDER
    batches.mkdir(parents=True)
    for number, name in enumerate(cifar.TRAINING):
        (batches / name).write_bytes(cifar_batch(n, number))


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An HPSEARCH_DATA of made-up data for every task; nobody writes to it."""
    folder = tmp_path_factory.mktemp("data")
    for write in (write_heart, write_mnist, write_cifar):
        write(folder)
    return folder


# A public source ─────────────────────────────────────────────────────────────────────────────────

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    """The URL of an HTTP server on this machine that answers every GET so; it ends with a slash."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            """Silence."""

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/"
        finally:
            http.shutdown()
            thread.join()


def answers(content: bytes, promised: int | None = None, status: int = 200) -> Answer:
    """Sends the content; promised: the length that it says it will send."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(content) if promised is None else promised))
        request.end_headers()
        request.wfile.write(content)

    return answer


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is downloaded yet, and no proxy stands in between."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache" / "hpsearch"
