"""The question before a study: would this MLflow have us? Asked in plain HTTP; MLflow is not imported."""

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
"""Seconds that a server may take to answer."""

ASK = "/api/2.0/mlflow/experiments/search?max_results=1"

_PASSING = (408, 425, 429)
"""Statuses 4xx that are transient, as 5xx are."""

_LOGIN = ("mlflow_tracking_username", "mlflow_tracking_password")


class ConnectionCheck:
    """`check_server`, asked on a thread from now on."""

    def __init__(self, uri: str):
        self._uri = uri
        self._began = time.monotonic()
        self._note: str | None = None
        self._refused: BadInput | None = None
        self._thread = Thread(target=self._ask, name="mlflow-connection", daemon=True)
        self._thread.start()

    def answer(self) -> str:
        """A note where MLflow is unreachable, else ""; it counts as unreachable after REPLY_TIMEOUT seconds.

        BadInput where it is there and will not have us.
        """
        self._thread.join(max(0.0, self._began + REPLY_TIMEOUT - time.monotonic()))
        if self._refused is not None:
            raise self._refused
        return _unreachable(self._uri, f"no answer within {REPLY_TIMEOUT:g} s") if self._note is None else self._note

    def _ask(self) -> None:
        try:
            self._note = "" if self._uri == "none" else check_server(self._uri)
        except BadInput as refused:
            self._refused = refused


def check_address(uri: str, setting: str) -> None:
    """BadInput for one that MLflow does not take. setting: where the user has written it."""
    if uri.startswith("file:") or ("://" not in uri and uri != "databricks"):
        raise BadInput(f"{setting}: MLflow 3 has no file store: write sqlite:///… or http://…")


def check_server(uri: str) -> str:
    """Ask a server whether it accepts us: "" if so, a message for the user where it is unreachable.

    BadInput, which names the fix, where it is there and refuses us, or cannot be an MLflow server. A database is not
    asked: it is made when it is not there.
    """
    check_address(uri, "tracking.mlflow")
    if not is_server(uri):
        return ""
    try:
        with urllib.request.urlopen(_question(uri), timeout=REPLY_TIMEOUT, context=_tls(uri)) as answer:
            if answer.read(1) == b"{":
                return ""
            raise _refused(uri, refusal(404, "", uri))
    except urllib.error.HTTPError as error:
        with error:
            body = error.read(2000).decode(errors="replace")
        if error.code >= 500 or error.code in _PASSING:
            return _unreachable(uri, f"{error.code} {error.reason}")
        raise _refused(uri, refusal(error.code, body, uri)) from None
    except (ValueError, http.client.InvalidURL):  # whose words repeat the address
        raise BadInput("tracking.mlflow is not an address: write http://HOST:PORT or https://HOST") from None
    except (OSError, http.client.HTTPException) as error:
        return _silence(uri, getattr(error, "reason", error))


def _silence(uri: str, reason: object) -> str:
    """What it means that no HTTP came back. BadInput where the two speak different protocols."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        fix = "name the file with its certificate in MLFLOW_TRACKING_SERVER_CERT_PATH"
        raise _refused(uri, f"has a certificate that cannot be trusted ({reason.verify_message}): {fix}")
    if isinstance(reason, ssl.SSLError) and reason.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        raise _refused(uri, "does not speak TLS: write http:// in place of https://")
    if uri.startswith("http://") and _speaks_tls(uri):
        raise _refused(uri, "requires TLS: write https:// in place of http://")
    if isinstance(reason, http.client.BadStatusLine) and not isinstance(reason, ConnectionError):
        raise _refused(uri, "does not speak HTTP: check tracking.mlflow")
    if isinstance(reason, socket.gaierror):
        return _unreachable(uri, "unknown host name")
    return _unreachable(uri, str(reason) or type(reason).__name__)


def _speaks_tls(uri: str) -> bool:
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


def _question(uri: str) -> urllib.request.Request:
    """The request as MLflow would send it: credentials from the URL, the environment, or ~/.mlflow/credentials."""
    parts = urlsplit(uri)
    if not parts.hostname:
        raise ValueError(uri)
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(place.rstrip("/") + ASK)
    user, password = _stored()
    if parts.username:
        user, password = unquote(parts.username), unquote(parts.password or "")
    if user and password:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    elif token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        request.add_header("Authorization", f"Bearer {token}")
    return request


def _stored() -> tuple[str, str]:
    file = configparser.ConfigParser(dict.fromkeys(_LOGIN, ""), interpolation=None)
    file.read(Path("~/.mlflow/credentials").expanduser())
    kept = file["mlflow"] if "mlflow" in file else file.defaults()
    user, password = (os.environ.get(name.upper()) or kept[name] for name in _LOGIN)
    return user, password


def _tls(uri: str) -> ssl.SSLContext | None:
    if not uri.startswith("https://"):
        return None
    context = ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH"))
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
