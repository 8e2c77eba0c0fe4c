"""Secrets in the addresses of a study's databases: refused as text, masked where a variable has them."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from hpsearch.core.redact import keep_secret, redact, without_passwords

REFERENCE = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")

SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASS|PWD|CRED|WEBHOOK|SIGNATURE|AUTH(?!OR)|APIKEY|(?:^|_)KEYS?(?:_|$)", re.IGNORECASE
)
"""Names of environment variables that have secrets."""

_PASSWORDS = (
    re.compile(r"://[^:/@]*:(?P<secret>[^@]*)(?=@)"),
    re.compile(r"[?&](?:password|passwd|pwd|sslpassword|token)=(?P<secret>[^&]*)", re.IGNORECASE),
    re.compile(r"^https?://(?P<secret>[^/?#@:]+):?(?=@)", re.IGNORECASE),  # a token in place of a user
)

_PLAIN = re.compile(r"[a-z]{1,9}|[0-9]{1,5}")
"""Names such as postgres or mlflow, and ports: they are parts of other texts, and no secrets."""


def without_references(text: str) -> str:
    return REFERENCE.sub("", text)


def has_secret(written: str) -> bool:
    """Whether an address has a password or a token as text, where ${env:NAME} has to be."""
    found = (pattern.search(REFERENCE.sub("\0", written)) for pattern in _PASSWORDS)
    return any(one is not None and one["secret"].strip("\0") for one in found)


def shown(written: str, address: str) -> str:
    """An address without its secrets: as it is written where a variable is a part of it, such as the user or the path.
    address: with its variables replaced."""
    is_part = REFERENCE.search(written) is not None and REFERENCE.fullmatch(written) is None
    return without_passwords(written) if is_part and not address.startswith("sqlite") else redact(address)


def keep_secrets(written: str, environment: Mapping[str, str]) -> None:
    """What the variables of an address add to it as user, password, path or query is masked from now on. The host and
    the path of a SQLite file are none."""
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


def _secrets_of(address: str) -> Iterator[str]:
    """Of an address that one variable has."""
    for pattern in _PASSWORDS:
        if (found := pattern.search(address)) is not None:
            yield found["secret"]
    if address.startswith(("http://", "https://")):
        yield from (part for part in urlsplit(address).path.split("/") if re.fullmatch(r"(?=.*\d)[\w-]{16,}", part))
