"""The address of MLflow without passwords, and messages for its errors."""

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from hpsearch.core.errors import HpsearchError
from hpsearch.core.redact import RUN, masked, without_passwords

_STATUS = {"UNAUTHENTICATED": 401, "CUSTOMER_UNAUTHORIZED": 401, "PERMISSION_DENIED": 403}
"""HTTP statuses by the names of MLflow's client."""

_NO_ANSWER = ("Max retries exceeded", "timeout exception", "Connection aborted", "Connection broken", "Read timed out")


def without_credentials(text: str) -> str:
    """The text without user names, passwords and tokens in its addresses."""
    return _without_logins(masked(text))


def cursor_name(uri: str) -> str:
    """The name of this MLflow store in the journal's cursors."""
    return hashlib.sha256(_without_logins(uri).rstrip("/").encode()).hexdigest()[:16]


def _without_logins(text: str) -> str:
    return RUN.sub(_without_login, without_passwords(text))


def _without_login(run: re.Match[str]) -> str:
    """The time is linear in the length, because a server writes the texts of its errors."""
    text = run[0]
    end = text.rfind("@")
    start = re.search(r"\w://", text[: max(end, 0)])
    return text if start is None else text[: start.end()] + text[end + 1 :]


def is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def artifact_folder(uri: str) -> Path | None:
    """The folder for artifacts, beside a SQLite file; None: the default of MLflow or of its server."""
    if uri.startswith("sqlite:///"):
        return Path(uri.removeprefix("sqlite:///").partition("?")[0]).parent / "mlartifacts"
    return None


SENT_LATER = "training is not affected, and `hpsearch sync` sends what is missing"


def explain(error: Exception, uri: str, then: str = SENT_LATER) -> str:
    """One sentence for the user: what is wrong and what to do, without passwords. then: its end."""
    if isinstance(error, HpsearchError):
        return without_credentials(str(error))
    return f"MLflow at {without_credentials(uri)} {_diagnosis(error, uri)}; {then}"


def _diagnosis(error: Exception, uri: str) -> str:
    text = str(error)
    if refused := _STATUS.get(getattr(error, "error_code", "")):
        return refusal(refused, text, uri)
    if status := re.search(r"too many (\d+) error responses", text):
        return f"answers with errors ({status[1]})"
    if any(words in text for words in _NO_ANSWER):
        return "does not answer"
    if isinstance(error, TimeoutError):
        return text
    plain = re.sub(r"\[SQL:.*|\(Background on this error.*", "", text, flags=re.DOTALL)
    return f"cannot be used: {' '.join(without_credentials(plain).split())[:300]}"


def refusal(status: int, body: str, uri: str) -> str:
    """What a status 4xx of the server means, and the fix."""
    host = urlsplit(uri).hostname
    if status == 401:
        return "needs a login: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    if status == 403 and re.search(r"\bhost\b", body, re.IGNORECASE):
        return f"refuses the name {host!r}: start it with `mlflow server --allowed-hosts {host}`"
    if status == 403:
        return "denies this user access: ask its administrator for the right to create experiments"
    if status == 404:
        return "is not an MLflow server: check tracking.mlflow"
    return f"answers with {status}: see its log"
