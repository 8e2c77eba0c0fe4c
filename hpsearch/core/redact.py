"""Removes passwords from texts: passwords in addresses, values registered with `keep_secret`, and text that looks like
an access key in source code and diffs."""

import json
import re
from urllib.parse import unquote

RUN = re.compile(r"[^\s'\"]+")
"""A text without spaces and quotes, such as an address in a sentence."""

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
        text = RUN.sub(without_login, text)
    return _NAMED_PASSWORD.sub(lambda found: found[1] + stars(found[2]), text)


def is_ambiguous(url: str) -> bool:
    """Whether the password is not percent-encoded: a database driver would print a part of it as the host."""
    login = _LOGIN.search(url)
    return login is not None and ("@" in login["host"] or re.search(r"[\s/?#]", login["password"]) is not None)


_KNOWN = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"  # AWS
    r"|\bgh[pousr]_[0-9A-Za-z]{20,255}\b|\bgithub_pat_[0-9A-Za-z_]{20,255}\b|\bglpat-[0-9A-Za-z_-]{20,64}"
    r"|\bsk-[0-9A-Za-z_-]{20,255}|\bhf_[0-9A-Za-z]{20,64}\b|\bxox[abeprs]-[0-9A-Za-z-]{10,255}"
    r"|\bAIza[0-9A-Za-z_-]{35}|\beyJ[0-9A-Za-z_-]{10,2000}\.[0-9A-Za-z_-]{10,4000}\.[0-9A-Za-z_-]{10,1000}"
    r"|\bhttps://hooks\.slack\.com/services/[0-9A-Za-z/]{10,255}"
)
"""Keys with a known form: AWS, GitHub, GitLab, OpenAI, Hugging Face, Slack, Google, and JSON web tokens."""

_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)([^-]{0,20000})")

_NAMED = re.compile(
    r"""((?:secret|token|passw(?:or)?d|passphrase|api_?key|access_?key|auth_?key|private_?key|credentials?)\w{0,30}"""
    r"""["']?\s{0,3}[:=]{1,2}\s{0,3})(["'])([^"'\n]{6,400})(["'])""",
    re.IGNORECASE,
)
"""A string literal assigned to a name that says it is a key: `api_key = "..."`, `"token": "..."`."""

_NAMED_PLAIN = re.compile(
    r"""((?:secret|token|passw(?:or)?d|api_?key|access_?key|private_?key)\w{0,30}\s{0,3}[:=]\s{0,3})"""
    r"""(?=[^\s"'()\[\]{}]{0,200}\d)([0-9A-Za-z+/=_-]{8,200})(?=\s|$)""",
    re.IGNORECASE,
)
"""The same without quotes, as in YAML and .env files. The value must have a digit: `token = read_token` is code."""


def without_keys(text: str) -> str:
    """The text, with text that looks like a key replaced by ***. The time is linear in the length."""
    text = _PRIVATE_KEY.sub(r"\1***", text)
    text = _KNOWN.sub("***", text)
    text = _NAMED.sub(r"\1\2***\4", text)
    return _NAMED_PLAIN.sub(r"\1***", text)
