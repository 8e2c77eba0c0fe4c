"""What looks like a key is removed from a diff; code stays."""

import pytest

from hpsearch.core.redact import without_keys

KEY = "AKIA" + "IOSFODNN7EXAMPLE"  # in two parts, so that no scanner of this repository takes it for a real one


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f'+aws = boto3.client("s3", "{KEY}")', '+aws = boto3.client("s3", "***")'),
        ('+API_KEY = "abc123def456"', '+API_KEY = "***"'),
        ("+    'token': 'abc123def456',", "+    'token': '***',"),
        ("+password: hunter2hunter2", "+password: ***"),
        ("+HF_TOKEN=hf_" + "a1" * 17, "+HF_TOKEN=***"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----",
        ),
    ],
)
def test_a_key_is_replaced(text: str, kept: str) -> None:
    assert without_keys(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "+token = read_token(path)",
        '+api_key = os.environ["API_KEY"]',
        "+def password_of(user): ...",
        "+n_tokens: int = 4096",
        "+lr = 1e-3  # the key to success",
    ],
)
def test_code_stays(text: str) -> None:
    assert without_keys(text) == text


def test_long_texts_take_linear_time() -> None:
    for part in ("token", "password = ", "sk-", "eyJaaaaaaaaaaaa.", "-----BEGIN PRIVATE KEY-----"):
        without_keys(part * (200_000 // len(part)))
