"""The application that `hpsearch ui` serves: MLflow's, behind a token.

MLflow's server has no login of its own, and a port on loopback is open to all users of a machine. `mlflow server
--app-name hpsearch` finds this module by the entry point `mlflow.app` in pyproject.toml.
"""

import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

TOKEN_VARIABLE = "HPSEARCH_UI_TOKEN"
"""The environment variable that gives the server its token: arguments can be read by all users of the machine."""

COOKIE = "hpsearch_ui"
CHALLENGE = "/hpsearch/challenge/"
"""Path for a check without login that the server has the token: the answer is the HMAC of the last part of the path."""

REFUSAL = b"This dashboard needs its token: open the address that `hpsearch ui` has printed.\n"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def create_app() -> Application:
    """MLflow's application behind the token. Called by uvicorn."""
    from mlflow.server.fastapi_app import app

    _check_artifact_folders()
    return TokenRequired(app, os.environ[TOKEN_VARIABLE])


def _check_artifact_folders() -> None:
    """Refuse artifact folders behind a link of another user. In a shared database an experiment may name any folder for
    its artifacts, and such a link could lead to files of this user."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry as registry
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    def checked(*args: Any, **named: Any) -> LocalArtifactRepository:
        found = LocalArtifactRepository(*args, **named)
        if (link := others_link(Path(found.artifact_dir))) is not None:
            raise MlflowException.invalid_parameter_value(f"the artifact folder's path has another user's link: {link}")
        return found

    for scheme in ("", "file"):
        registry.register(scheme, checked)  # type: ignore[no-untyped-call]


def others_link(path: Path) -> Path | None:
    """The first part of a path that is a link of another user than this one and root; None: there is none."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 (`resolve` follows links)
    for part in (*reversed(path.parents), path):
        if part.is_symlink() and part.lstat().st_uid not in (0, os.geteuid()):
            return part
    return None


def proof(token: str, challenge: str) -> str:
    return hmac.new(token.encode(), challenge.encode(), "sha256").hexdigest()


class TokenRequired:
    """Forwards requests that have the token: as `?token=…`, which sets the cookie, as that cookie, or as a bearer token
    (MLFLOW_TRACKING_TOKEN of MLflow's client).

    The Host header must be loopback (against DNS rebinding). An Origin header must name this server, so that pages of
    other sites cannot use the user's cookie.
    """

    def __init__(self, app: Application, token: str):
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if not _is_from_here(headers):
            return await _answer(send, 403, REFUSAL)
        if scope["path"].startswith(CHALLENGE):
            return await _answer(send, 200, proof(self._token, scope["path"].removeprefix(CHALLENGE)).encode())
        query = parse_qs(scope["query_string"].decode("latin-1"))
        name = _cookie_name(headers)
        if self._is_token(query.get("token", [""])[0]):
            return await self._app(scope, receive, self._with_cookie(send, name))
        if self._is_token(_cookie(headers, name)) or self._is_token(
            headers.get("authorization", "").removeprefix("Bearer ")
        ):
            return await self._app(scope, receive, send)
        return await _answer(send, 403, REFUSAL)

    def _is_token(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())

    def _with_cookie(self, send: Send, name: str) -> Send:
        cookie = f"{name}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        headers = [(b"set-cookie", cookie.encode()), (b"referrer-policy", b"no-referrer")]

        async def sent(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *headers]
            await send(message)

        return sent


def _is_from_here(headers: dict[str, str]) -> bool:
    host = headers.get("host", "")
    origin = headers.get("origin", "")
    return host.partition(":")[0] in ("127.0.0.1", "localhost") and origin in ("", f"http://{host}")


def _cookie_name(headers: dict[str, str]) -> str:
    """With the port: all dashboards of this machine share the browser's cookies."""
    return f"{COOKIE}_{headers['host'].partition(':')[2]}"


def _cookie(headers: dict[str, str], name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
