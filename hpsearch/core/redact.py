"""Removes passwords from texts."""

import re

_PASSWORDS = (
    re.compile(r"(?P<before>\w://[^\s:/@'\"]*:)(?P<password>[^\s'\"]*)(?=@)"),
    re.compile(r"(?P<before>\b(?:password|passwd|pwd|sslpassword|token)=)(?P<password>[^\s&'\"]+)", re.IGNORECASE),
)
_LOGIN = re.compile(r"://[^:/@]*:(?P<password>[^@]*)@(?P<host>[^/?#]*)")


def redact(text: str, same_length: bool = False) -> str:
    """The text with *** for each password in a URL or a DSN; `same_length`: one * for each character of the password.

    A password that is not percent-encoded is replaced up to the last @.
    """
    for pattern in _PASSWORDS:
        text = pattern.sub(lambda found: found["before"] + "*" * (len(found["password"]) if same_length else 3), text)
    return text


def is_ambiguous(url: str) -> bool:
    """Whether its password is not percent-encoded: a driver would take a part of it as the host, and print that."""
    login = _LOGIN.search(url)
    return login is not None and ("@" in login["host"] or re.search(r"[\s/?#]", login["password"]) is not None)
