import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core import redact as module
from hpsearch.core.redact import is_ambiguous, keep_secret, masked, redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:hunter2@db:5432/x", "postgresql://me:***@db:5432/x"),
        ("postgresql+psycopg://me:hunter2@db/x?sslmode=require", "postgresql+psycopg://me:***@db/x?sslmode=require"),
        ("https://:hunter2@host/", "https://:***@host/"),
        ("postgresql://db/x?password=hunter2&a=b", "postgresql://db/x?password=***&a=b"),
        ("postgresql://db/x?a=b&sslpassword=hunter2", "postgresql://db/x?a=b&sslpassword=***"),
        ("host=db user=me PASSWORD=hunter2 dbname=x", "host=db user=me PASSWORD=*** dbname=x"),
        ("failed: 'http://a:hunter2@b' and http://c:hunter2@d/e.", "failed: 'http://a:***@b' and http://c:***@d/e."),
        ("http://me:hun/ter?2#@x@host/path", "http://me:***@host/path"),
    ],
)
def test_a_password_is_replaced(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sqlite:////home/me/.hpsearch/journal.db",
        "postgresql://me@db/x",
        "http://127.0.0.1:5000/api/2.0",
        "ray://head:10001",
        "mail me@host",
        "passwords are in the environment",
        'File "train.py", line 3, in login',
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert redact(text) == text


@given(st.text(st.characters(exclude_categories=["Cs", "Z", "C"], exclude_characters="'\""), min_size=1))
def test_any_password_without_spaces(password: str) -> None:
    assert redact(f"before http://me:{password}@host after") == "before http://me:***@host after"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", ["http://me:", "http://me:secret,", "x://", "password=", "a@b://c:"])
def test_megabytes_without_a_space(part: str) -> None:
    """In quadratic time this would take an hour."""
    text = part * 200_000
    assert len(redact(text)) <= len(text)
    assert redact(f"{text}@host end").endswith(" end")


def test_a_line_keeps_its_columns() -> None:
    assert redact("x://me:secret@h?a=b", same_length=True) == "x://me:******@h?a=b"


@pytest.mark.parametrize(
    "url", ["http://me:a@b@host", "http://me:a/b@host", "http://me:a?b@host", "http://me:a b@host"]
)
def test_a_password_that_is_not_percent_encoded(url: str) -> None:
    assert is_ambiguous(url)


@pytest.mark.parametrize(
    "url", ["http://me:a%40b@host/p", "http://host:5000", "postgresql://me@h/db?x=1", "sqlite:///a:b@c.db", "none"]
)
def test_an_encoded_password_or_none(url: str) -> None:
    assert not is_ambiguous(url)


def test_values_of_variables_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_secrets", set())
    for value in ("t0ken-of-ada", "a%2Fb%2Fc", 'quo"ted', "abc"):
        keep_secret(value)
    assert masked("GET /t0ken-of-ada/api, a/b/c and a%2Fb%2Fc") == "GET /***/api, *** and ***"
    assert masked(r'{"why": "quo\"ted"}') == '{"why": "***"}'
    assert redact("t0ken-of-ada", same_length=True) == "************"
    assert masked("xt0ken-of-ada, abc") == "xt0ken-of-ada, abc"  # in a longer word; too short to be distinguished
