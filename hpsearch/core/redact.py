"""Removes passwords from texts: passwords in addresses, and values registered with `keep_secret`."""

import json
import re
from urllib.parse import unquote

_RUN = re.compile(r"[^\s'\"]+")
_BEFORE_PASSWORD = re.compile(r"\w://[^:/@]*:")
_NAMED_PASSWORD = re.compile(r"(\b(?:password|passwd|pwd|sslpassword|token)=)([^\s&'\"]+)", re.IGNORECASE)
_LOGIN = re.compile(r"://[^:/@]*:(?P<password>[^@]*)@(?P<host>[^/?#]*)")


_SHORTEST = 4
"""The fewest characters of a secret that is masked by its value: shorter ones occur in many texts."""

_secrets: set[str] = set()


def keep_secret(value: str) -> None:
    """From now on `masked` and `redact` replace this value, also in JSON and percent-encoded in an address."""
    for form in (value, unquote(value), json.dumps(value)[1:-1]):
        if len(form) >= _SHORTEST:
            _secrets.add(form)


def masked(text: str, same_length: bool = False) -> str:
    """The text with *** for each value registered with `keep_secret`, unless it is part of a longer word."""
    for value in sorted(_secrets, key=len, reverse=True):
        if value in text:
            stars = "*" * (len(value) if same_length else 3)
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", stars, text)
    return text


def redact(text: str, same_length: bool = False) -> str:
    """The text with *** for each password in a URL or a DSN, and for the values of `keep_secret`.

    same_length: one * for each character of the password. A password that is not percent-encoded is replaced up to the
    last @. The time is linear in the length of the text, because logs may have megabytes.
    """
    return without_passwords(masked(text, same_length), same_length)


def without_passwords(text: str, same_length: bool = False) -> str:
    """As `redact`, but without the values of `keep_secret`, so that the result is the same in every process."""

    def stars(password: str) -> str:
        return "*" * (len(password) if same_length else 3)

    def without_login(run: re.Match[str]) -> str:
        url = run[0]
        end = url.rfind("@")
        before = _BEFORE_PASSWORD.search(url, 0, end) if end > 0 else None
        return url if before is None else url[: before.end()] + stars(url[before.end() : end]) + url[end:]

    if "://" in text:
        text = _RUN.sub(without_login, text)
    return _NAMED_PASSWORD.sub(lambda found: found[1] + stars(found[2]), text)


def is_ambiguous(url: str) -> bool:
    """Whether the password is not percent-encoded: a database driver would print a part of it as the host."""
    login = _LOGIN.search(url)
    return login is not None and ("@" in login["host"] or re.search(r"[\s/?#]", login["password"]) is not None)
