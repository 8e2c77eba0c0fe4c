"""Where MLflow is: its address without secrets, whether it will have us, and what to tell the user when not."""

import base64
import configparser
import hashlib
import os
import re
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hpsearch.errors import HpsearchError

PATIENCE = 5.0
"""Seconds that a server may take to answer the first question."""

_LOGIN = ("mlflow_tracking_username", "mlflow_tracking_password")

ASK = "/api/2.0/mlflow/experiments/search?max_results=1"


def without_credentials(text: str) -> str:
    """The same text with no user name or password in its URLs."""
    return re.sub(r"(\w://)[^/\s@]*@", r"\1", text)


def target(uri: str) -> str:
    """The name of this MLflow in the journal's cursors."""
    return hashlib.sha256(without_credentials(uri).rstrip("/").encode()).hexdigest()[:16]


def is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def artifact_folder(uri: str, artifacts: Path | None) -> Path | None:
    """Where a database's artifacts go: the given folder, else one beside a SQLite file; None: as MLflow likes."""
    if is_server(uri):
        return None
    if artifacts is None and uri.startswith("sqlite:///"):
        return Path(uri.removeprefix("sqlite:///").partition("?")[0]).parent / "mlartifacts"
    return artifacts


def explain(error: Exception, uri: str, study: str) -> str:
    """One sentence for the user: what is wrong and what to do, without secrets."""
    if isinstance(error, HpsearchError):
        return without_credentials(str(error))
    said = f"MLflow at {without_credentials(uri)} {_ailment(error)}"
    return f"{said}; training is not affected, and `hpsearch sync {study}` sends what is missing"


def _ailment(error: Exception) -> str:
    text = without_credentials(str(error))
    code = getattr(error, "error_code", "")
    if code in ("UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED"):
        return "refuses us (set MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN)"
    if status := re.search(r"too many (\d+) error responses", text):
        return f"answers with errors ({status[1]})"
    if "Max retries exceeded" in text or "timeout exception" in text or "Connection aborted" in text:
        return "does not answer"
    if isinstance(error, TimeoutError):
        return text
    plain = re.sub(r"\[SQL:.*|\(Background on this error.*", "", text, flags=re.DOTALL)
    return f"cannot be used: {' '.join(plain.split())[:300]}"


# The question before a study ─────────────────────────────────────────────────────────────────────


def check_server(uri: str) -> str:
    """Ask a server whether it would take us: "" if so, else a sentence that names the fix. Takes PATIENCE at most.

    A database is not asked: it is made when it is not there. MLflow is not imported.
    """
    if uri.startswith("file:") or ("://" not in uri and uri != "databricks"):
        return f"tracking.mlflow: MLflow 3 has no file store: write sqlite:///… or http://…, got {uri!r}"
    if not is_server(uri):
        return ""
    where = f"tracking.mlflow: MLflow at {without_credentials(uri)}"
    try:
        with urllib.request.urlopen(_question(uri), timeout=PATIENCE, context=_tls(uri)) as answer:
            return "" if answer.read(1) == b"{" else f"{where} {_refusal(404, '', uri)}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{where} {_refusal(error.code, error.read(2000).decode(errors='replace'), uri)}"
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLError):
            return f"{where}: {reason}; give its certificate in MLFLOW_TRACKING_SERVER_CERT_PATH"
        if isinstance(reason, socket.gaierror):
            return f"{where}: no machine of that name is known; check tracking.mlflow"
        return f"{where} does not answer ({reason}); start it, or check tracking.mlflow"
    except ValueError as error:
        return f"{where}: {error}"


def _refusal(status: int, body: str, uri: str) -> str:
    host = urlsplit(uri).hostname
    if status == 401:
        return "wants a password: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    if status == 403 and "host" in body.lower():
        return f"refuses the name {host!r}: start it with `mlflow server --allowed-hosts {host}`"
    if status == 403:
        return "does not let this user in: ask who runs it for the right to make experiments"
    if status == 404:
        return "is no MLflow server: check tracking.mlflow"
    return f"answers with {status}: look into its log"


def _question(uri: str) -> urllib.request.Request:
    """The request as MLflow would send it: credentials from the URL, the environment, or ~/.mlflow/credentials."""
    request = urllib.request.Request(without_credentials(uri).rstrip("/") + ASK)
    parts = urlsplit(uri)
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
