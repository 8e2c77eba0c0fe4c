"""Secrets in a study's URLs (databases, webhook): refused as plain text, masked if they come from a variable."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from hpsearch.core.redact import keep_secret, redact, without_passwords

MAX_LENGTH = 2000
"""The most characters of an address."""

REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")

SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASS|PWD|CRED|WEBHOOK|SIGNATURE|AUTH(?!OR)|APIKEY|(?:^|_)KEYS?(?:_|$)", re.IGNORECASE
)
"""Names of environment variables that contain secrets."""

_PASSWORDS = (
    re.compile(r"://[^:/@]*:(?P<secret>[^@]*)(?=@)"),
    re.compile(r"[?&](?:password|passwd|pwd|sslpassword|token)=(?P<secret>[^&]*)", re.IGNORECASE),
    re.compile(r"^https?://(?P<secret>[^/?#@:]+):?(?=@)", re.IGNORECASE),  # a token in place of a user
)

_PLAIN = re.compile(r"[a-z]{1,9}|[0-9]{1,5}")
"""Names such as postgres or mlflow, and ports. Not secrets: masking them would hide parts of other texts."""


def resolved(text: str, environment: Mapping[str, str]) -> str:
    """The text with every ${env:NAME} replaced. KeyError for a variable that is not set."""
    return REFERENCE.sub(lambda found: environment[found[1]], text)


def without_references(text: str) -> str:
    return REFERENCE.sub("", text)


def has_secret(written: str) -> bool:
    """Whether an address has a password or a token as plain text instead of ${env:NAME}."""
    found = (pattern.search(REFERENCE.sub("\0", written)) for pattern in _PASSWORDS)
    return any(one is not None and one["secret"].strip("\0") for one in found)


def shown(written: str, address: str) -> str:
    """An address without its secrets. If a variable is only a part of it, such as the user or the path, the address is
    shown as it is written in the file. address: with its variables replaced."""
    is_part = REFERENCE.search(written) is not None and REFERENCE.fullmatch(written) is None
    return without_passwords(written) if is_part and not address.startswith("sqlite") else redact(address)


def keep_secrets(written: str, environment: Mapping[str, str]) -> None:
    """Mask, from now on, the values of variables that are the user, password, path or query of an address. The host and
    the path of a SQLite file are not secrets."""
    if (whole := REFERENCE.fullmatch(written)) is not None:
        for value in _secrets_of(environment[whole[1]]):
            keep_secret(value)
        return
    if written.startswith("sqlite"):
        return
    start = written.find("://") + 3
    authority = re.split(r"[/?#]", written[start:], maxsplit=1)[0]
    host = range(start + authority.rfind("@") + 1, start + len(authority))
    for found in REFERENCE.finditer(written):
        value = environment[found[1]]
        is_password = found.start() < host.start and ":" in written[start : found.start()]
        if is_password or (found.start() not in host and not _PLAIN.fullmatch(value)) or SECRET_NAME.search(found[1]):
            keep_secret(value)


def keep_webhook(written: str, environment: Mapping[str, str]) -> None:
    """Mask, from now on, what variables add to the address of a webhook: whoever knows that can post to it. ValueError
    if the file has a key or a password as plain text."""
    if has_secret(written) or any(map(_is_secret_part, urlsplit(REFERENCE.sub("", written)).path.split("/"))):
        raise ValueError("a secret must not be in the file; write ${env:NAME} in its place")
    values = [environment[name] for name in REFERENCE.findall(written)]
    addresses = map(urlsplit, filter(_is_address, values))
    for value in (*values, *(part for one in addresses for part in (one.path.strip("/"), one.query))):
        keep_secret(value)


def _is_address(value: str) -> bool:
    return value.startswith(("http://", "https://"))


def _is_secret_part(part: str) -> bool:
    """Whether a part of a path looks like a key."""
    return re.fullmatch(r"(?=.*\d)[\w-]{16,}", part) is not None


def _secrets_of(address: str) -> Iterator[str]:
    """The secrets in an address that is the value of one variable."""
    for pattern in _PASSWORDS:
        if (found := pattern.search(address)) is not None:
            yield found["secret"]
    if _is_address(address):
        yield from filter(_is_secret_part, urlsplit(address).path.split("/"))
