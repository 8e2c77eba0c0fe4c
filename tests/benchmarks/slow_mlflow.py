"""A slow MLflow server: it accepts every request of a tracker, seconds later."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

EXPERIMENT = {"experiment_id": "1", "name": "benchmark", "lifecycle_stage": "active"}
INFO = {"run_id": "1", "experiment_id": "1", "status": "RUNNING", "lifecycle_stage": "active", "start_time": 0}
RUN = {"info": {**INFO, "artifact_uri": "mlflow-artifacts:/1"}, "data": {}}
ANSWERS: dict[str, dict[str, Any]] = {
    "experiments/get-by-name": {"experiment": EXPERIMENT},
    "runs/create": {"run": RUN},
    "runs/get": {"run": RUN},
    "runs/update": {"run_info": RUN["info"]},
}
"""What is not here, such as a search or an artifact, is answered with {}."""


@contextmanager
def server(latency: float) -> Iterator[str]:
    """Its address, on the loopback; `latency` in seconds."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.answer()

        def do_PUT(self) -> None:
            self.do_POST()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            time.sleep(latency)
            place = self.path.partition("?")[0].rpartition("/mlflow/")[2]
            with suppress(ConnectionError):  # the tracker does not wait for the last answers
                self.say(ANSWERS.get(place, {}))

        def say(self, answer: dict[str, Any]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
