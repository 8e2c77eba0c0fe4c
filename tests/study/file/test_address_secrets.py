"""Secrets in the addresses of a study's databases."""

from collections.abc import Mapping

import pytest

from hpsearch.core import redact
from hpsearch.study.file.address_secrets import SECRET_NAME, has_secret, keep_secrets, keep_webhook, shown

SECRET = "s3cret-value"


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    values: set[str] = set()
    monkeypatch.setattr(redact, "_secrets", values)
    return values


@pytest.mark.parametrize(
    ("written", "is_refused"),
    [
        ("postgresql://ada:hunter2@db/x", True),
        ("postgresql://db/x?password=hunter2", True),
        ("http://t0ken@host:5000", True),
        ("https://t0ken:@host", True),
        ("postgresql://ada@db/x", False),
        ("postgresql://ada:${env:PW}@db/x", False),
        ("http://${env:TOKEN}@host:5000", False),
        ("http://ada:${env:PW}@host", False),
        ("http://ada:x${env:PW}@host", True),
        ("http://host/@handle", False),
        ("${env:MLFLOW_TRACKING_URI}", False),
    ],
)
def test_a_secret_as_text(written: str, is_refused: bool) -> None:
    assert has_secret(written) is is_refused


@pytest.mark.parametrize(
    ("written", "is_refused"),
    [
        ("https://hooks.example.org/services/T0/B0/a8Xk3LmN0pQr5tUv", True),
        ("https://host/hook?token=hunter2", True),
        ("https://ada:hunter2@host/hook", True),
        ("https://hooks.example.org/services/${env:X}", False),
        ("https://ntfy.example.org/my-training", False),
        ("${env:X}", False),
    ],
)
def test_a_webhook_in_the_file(written: str, is_refused: bool, kept: set[str]) -> None:
    """Whoever knows the end of its path can post to it."""
    value = "https://host/T0/B0/secret" if written == "${env:X}" else "T0/B0/secret"
    if is_refused:
        with pytest.raises(ValueError, match=r"must not be in the file"):
            keep_webhook(written, {"X": value})
        return
    keep_webhook(written, {"X": value})
    assert bool(kept) is ("${env:" in written)
    if kept:
        assert "secret" not in redact.redact(f"cannot reach {written.replace('${env:X}', value)}: /T0/B0/secret")


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://ada:${env:X}@db/x",
        "postgresql://${env:X}@db/x",
        "http://host/${env:X}/path",
        "http://host/path?key=${env:X}",
    ],
)
def test_a_variable_in_any_part_but_the_host_is_masked(written: str, kept: set[str]) -> None:
    keep_secrets(written, {"X": SECRET})
    assert kept == {SECRET}
    assert SECRET not in shown(written, written.replace("${env:X}", SECRET))


@pytest.mark.parametrize(
    ("written", "environment"),
    [
        ("postgresql://ada@${env:X}:5432/db", {"X": "db.example.org"}),
        ("postgresql://ada@db:${env:X}/db", {"X": "54320"}),
        ("sqlite:///${env:X}/journal.db", {"X": "/home/ada"}),
        ("postgresql://${env:X}@db/x", {"X": "postgres"}),
        ("${env:X}", {"X": "http://127.0.0.1:5000"}),
    ],
)
def test_what_is_no_secret_stays(written: str, environment: Mapping[str, str], kept: set[str]) -> None:
    keep_secrets(written, environment)
    assert not kept


@pytest.mark.parametrize(
    "address",
    [f"postgresql://ada:{SECRET}@db/x", f"http://{SECRET}@host", f"http://host/?token={SECRET}"],
)
def test_secrets_of_an_address_that_is_one_variable(address: str, kept: set[str]) -> None:
    keep_secrets("${env:URL}", {"URL": address})
    assert SECRET in kept


def test_names_of_variables_with_secrets() -> None:
    with_secrets = ("HF_TOKEN", "DB_PASS", "WANDB_API_KEY", "WEBHOOK", "AUTH", "AWS_SECRET_ACCESS_KEY")
    without = ("AUTHOR", "USER", "KEYBOARD", "HPSEARCH_HOME", "MONKEY")
    assert all(map(SECRET_NAME.search, with_secrets))
    assert not any(map(SECRET_NAME.search, without))
