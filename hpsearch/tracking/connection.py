"""Checks before a study that the MLflow server accepts requests. It uses plain HTTP and does not import MLflow."""

import base64
import configparser
import http.client
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

from hpsearch.core.errors import BadInput
from hpsearch.tracking.location import is_server, refusal, without_credentials

REPLY_TIMEOUT = 5.0
"""Seconds to wait for the server's reply."""

ENDPOINT = "/api/2.0/mlflow/experiments/search?max_results=1"

_TRANSIENT = (408, 425, 429)
"""Statuses 4xx that are transient, like all 5xx."""

_LOGIN = ("mlflow_tracking_username", "mlflow_tracking_password")


class ConnectionCheck:
    """Runs `check_server` on a thread, which starts at once."""

    def __init__(self, uri: str):
        self._uri = uri
        self._began = time.monotonic()
        self._warning: str | None = None
        self._error: BadInput | None = None
        self._thread = Thread(target=self._check, name="mlflow-connection", daemon=True)
        self._thread.start()

    def result(self) -> str:
        """A warning if MLflow is unreachable (no reply within REPLY_TIMEOUT seconds of the start), else "".

        BadInput if the server is reachable and refuses the request.
        """
        self._thread.join(max(0.0, self._began + REPLY_TIMEOUT - time.monotonic()))
        if self._error is not None:
            raise self._error
        if self._warning is None:
            return _unreachable(self._uri, f"no answer within {REPLY_TIMEOUT:g} s")
        return self._warning

    def _check(self) -> None:
        try:
            self._warning = "" if self._uri == "none" else check_server(self._uri)
        except BadInput as error:
            self._error = error


def check_address(uri: str, setting: str) -> None:
    """BadInput for a URI that MLflow does not accept. setting: the key or option that the URI is from."""
    if uri.startswith("file:") or ("://" not in uri and uri != "databricks"):
        raise BadInput(f"{setting}: MLflow 3 has no file store: write sqlite:///… or http://…")


def check_server(uri: str) -> str:
    """Send one request to an MLflow server: "" if it accepts it, a message for the user if it is unreachable.

    BadInput, with the fix, if it refuses the request or is not an MLflow server. A database is not checked: it is
    created if it does not exist.
    """
    check_address(uri, "tracking.mlflow")
    if not is_server(uri):
        return ""
    try:
        with urllib.request.urlopen(_request(uri), timeout=REPLY_TIMEOUT, context=_tls(uri)) as reply:
            if reply.read(1) == b"{":
                return ""
            raise _refused(uri, refusal(404, "", uri))
    except urllib.error.HTTPError as error:
        with error:
            body = error.read(2000).decode(errors="replace")
        if error.code >= 500 or error.code in _TRANSIENT:
            return _unreachable(uri, f"{error.code} {error.reason}")
        raise _refused(uri, refusal(error.code, body, uri)) from None
    except (ValueError, http.client.InvalidURL):  # its message has the address, with its password
        raise BadInput("tracking.mlflow is not an address: write http://HOST:PORT or https://HOST") from None
    except (OSError, http.client.HTTPException) as error:
        return _no_http(uri, getattr(error, "reason", error))


def _no_http(uri: str, reason: object) -> str:
    """A message for a reply that is not HTTP. BadInput if client and server use different protocols."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        fix = "name the file with its certificate in MLFLOW_TRACKING_SERVER_CERT_PATH"
        raise _refused(uri, f"has a certificate that cannot be trusted ({reason.verify_message}): {fix}")
    if isinstance(reason, ssl.SSLError) and reason.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        raise _refused(uri, "does not use TLS: write http:// in place of https://")
    if uri.startswith("http://") and _uses_tls(uri):
        raise _refused(uri, "requires TLS: write https:// in place of http://")
    if isinstance(reason, http.client.BadStatusLine) and not isinstance(reason, ConnectionError):
        raise _refused(uri, "is not an HTTP server: check tracking.mlflow")
    if isinstance(reason, socket.gaierror):
        return _unreachable(uri, "unknown host name")
    return _unreachable(uri, str(reason) or type(reason).__name__)


def _uses_tls(uri: str) -> bool:
    parts = urlsplit(uri)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with suppress(OSError), socket.create_connection((str(parts.hostname), parts.port or 80), timeout=1) as plain:
        context.wrap_socket(plain, server_hostname=parts.hostname).close()
        return True
    return False


def _refused(uri: str, why: str) -> BadInput:
    return BadInput(f"tracking.mlflow: MLflow at {without_credentials(uri)} {why}")


def _unreachable(uri: str, why: str) -> str:
    return f"MLflow at {without_credentials(uri)} does not answer ({why}): start it, or check tracking.mlflow"


def _request(uri: str) -> urllib.request.Request:
    """A request with the credentials that MLflow would use: of the URL, the environment, or ~/.mlflow/credentials."""
    parts = urlsplit(uri)
    if not parts.hostname:
        raise ValueError(uri)
    server = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(server.rstrip("/") + ENDPOINT)
    user, password = _login()
    if parts.username:
        user, password = unquote(parts.username), unquote(parts.password or "")
    if user and password:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    elif token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        request.add_header("Authorization", f"Bearer {token}")
    return request


def _login() -> tuple[str, str]:
    """User and password, of the environment or ~/.mlflow/credentials."""
    file = configparser.ConfigParser(dict.fromkeys(_LOGIN, ""), interpolation=None)
    file.read(Path("~/.mlflow/credentials").expanduser())
    section = file["mlflow"] if "mlflow" in file else file.defaults()
    user, password = (os.environ.get(name.upper()) or section[name] for name in _LOGIN)
    return user, password


def _tls(uri: str) -> ssl.SSLContext | None:
    if not uri.startswith("https://"):
        return None
    context = ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH"))
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
