"""Who may use the dashboard: whoever has its token, from this machine."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from hpsearch.tracking.dashboard_app import CHALLENGE, COOKIE, TokenRequired, others_link, proof

HERE = {"host": "127.0.0.1:5000"}


async def page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the page"})


def answer(path: str = "/", query: str = "", kind: str = "http", **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "query_string": query.encode()}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in {**HERE, **headers}.items()]
    asyncio.run(TokenRequired(page, "right")(scope, None, send))  # type: ignore[arg-type]
    if kind == "websocket":
        return sent[0]["code"], {}, b""
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"]


def test_the_printed_address_opens_the_page_and_sets_a_cookie() -> None:
    status, headers, body = answer(query="token=right")
    assert (status, body) == (200, b"the page")
    assert headers["set-cookie"] == f"{COOKIE}_5000=right; Path=/; HttpOnly; SameSite=Strict"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("headers", [{"cookie": f"a=b; {COOKIE}_5000=right"}, {"authorization": "Bearer right"}])
def test_with_the_token(headers: dict[str, str]) -> None:
    assert answer("/api/2.0/mlflow/runs/get", **headers)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": f"{COOKIE}_5000=wrong"},
        {"cookie": f"{COOKIE}_5000="},
        {"cookie": f"{COOKIE}_5001=right"},
        {"cookie": "\x00"},
        {"authorization": "Bearer "},
        {"authorization": "Basic right"},
        {"authorization": "Bearer rïght"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/health", "/api/2.0/mlflow/experiments/create", "/get-artifact"])
def test_without_it(path: str, headers: dict[str, str]) -> None:
    status, found, body = answer(path, **headers)
    assert status == 403
    assert "set-cookie" not in found
    assert b"the page" not in body


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:5000"},
        {"host": "127.0.0.1.evil.example"},
        {"host": ""},
        {"host": "[127.0.0.1"},
        {"host": "evil.example@127.0.0.1"},
        {"host": "127.0.0.1@evil.example"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:5001"},
    ],
)
def test_from_another_site_the_token_is_not_enough(headers: dict[str, str]) -> None:
    assert answer(query="token=right", cookie=f"{COOKIE}_5000=right", **headers)[0] == 403


def test_a_page_of_its_own_may_call_it() -> None:
    assert answer(cookie=f"{COOKIE}_5000=right", origin="http://127.0.0.1:5000")[0] == 200


def test_a_websocket_is_closed() -> None:
    assert answer(kind="websocket", cookie=f"{COOKIE}_5000=right")[0] == 1008


def test_it_proves_that_it_has_the_token_without_a_word_of_it() -> None:
    status, _, body = answer(f"{CHALLENGE}abc")
    assert (status, body) == (200, proof("right", "abc").encode())
    assert body != proof("wrong", "abc").encode()


def test_a_link_of_another_user_on_the_way_to_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real" / "artifacts").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert others_link(tmp_path / "link" / "artifacts") is None
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(Path, "lstat", lambda _: os.stat_result([0, 0, 0, 0, 54321, 0, 0, 0, 0, 0]))
    monkeypatch.setattr(Path, "is_symlink", lambda path: path == tmp_path / "link")
    assert others_link(tmp_path / "link" / "artifacts") == tmp_path / "link"
    assert others_link(tmp_path / "real" / "artifacts") is None
