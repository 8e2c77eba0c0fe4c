"""Texts without the passwords that stand in their addresses."""

import re

_PASSWORDS = (
    re.compile(r"(?P<before>\w://[^\s:/@'\"]*:)(?P<password>[^\s'\"]*)(?=@)"),
    re.compile(r"(?P<before>\b(?:password|passwd|pwd|sslpassword|token)=)(?P<password>[^\s&'\"]+)", re.IGNORECASE),
)
_LOGIN = re.compile(r"://[^:/@]*:(?P<password>[^@]*)@(?P<host>[^/?#]*)")


def redact(text: str, same_length: bool = False) -> str:
    """The same text with *** for each password in a URL or a DSN; `same_length`: with a * for each of its characters.

    Of a password that should have been percent-encoded and was not, nothing stays either: all up to the last @ goes.
    """
    for pattern in _PASSWORDS:
        text = pattern.sub(lambda found: found["before"] + "*" * (len(found["password"]) if same_length else 3), text)
    return text


def is_ambiguous(url: str) -> bool:
    """Whether a password in it is not percent-encoded, so that drivers take the rest of it for a host and repeat it."""
    login = _LOGIN.search(url)
    return login is not None and ("@" in login["host"] or re.search(r"[\s/?#]", login["password"]) is not None)
