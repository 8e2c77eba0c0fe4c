import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.study.file import kinds


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("6h", 21600.0),
        ("30m", 1800.0),
        ("1h30m", 5400.0),
        ("45s", 45.0),
        ("250ms", 0.25),
        ("2d", 172800.0),
        ("1.5h", 5400.0),
        ("0.1s", 0.1),
        ("2d3h4m5s6ms", 183845.006),
    ],
)
def test_a_duration_is_read(text, length):
    assert kinds.seconds(text) == length


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (30, 'must be a duration such as "30s" or "1h30m", got 30'),
        (1.5, 'must be a duration such as "30s" or "1h30m", got 1.5'),
        (True, 'must be a duration such as "30s" or "1h30m", got true'),
        ("", 'must be a duration such as "30s" or "1h30m", got ""'),
        ("30", 'must be a duration such as "30s" or "1h30m", got "30"'),
        ("-5s", 'must be a duration such as "30s" or "1h30m", got "-5s"'),
        ("30m1h", 'must be a duration such as "30s" or "1h30m", got "30m1h"'),
        ("6 hours", 'must be a duration such as "30s" or "1h30m", got "6 hours"'),
        ("5m\n", 'must be a duration such as "30s" or "1h30m", got "5m\\n"'),
        ("٣s", 'must be a duration such as "30s" or "1h30m", got "٣s"'),
        ("0s", 'must be longer than 0, got "0s"'),
        ("0.1ms", 'must be longer than 0, got "0.1ms"'),
    ],
)
def test_what_is_no_duration_is_refused(value, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kinds.seconds(value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4GiB", 4 * 2**30),
        ("500MB", 500_000_000),
        ("1.5KiB", 1536),
        ("1B", 1),
        ("2TB", 2 * 10**12),
        ("7kB", 7000),
    ],
)
def test_a_size_is_read(text, number):
    assert kinds.size(text) == number


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (4096, 'must be a size such as "4096MiB" or "4GiB", got 4096'),
        ("4G", 'must be a size such as "500MB" or "4GiB", got "4G"'),
        ("-1GiB", 'must be a size such as "500MB" or "4GiB", got "-1GiB"'),
        (-1, 'must be a size such as "500MB" or "4GiB", got -1'),
        ("0GiB", 'must be more than 0, got "0GiB"'),
        (["4GiB"], 'must be a size such as "500MB" or "4GiB", got a list'),
    ],
)
def test_what_is_no_size_is_refused(value, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        kinds.size(value)


@given(st.integers(1, 10**14))
def test_a_duration_is_written_as_it_is_read(milliseconds):
    assert kinds.seconds(kinds.duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.integers(1, 10**8), st.sampled_from(["B", "kB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "TiB"]))
def test_a_size_is_written_as_it_is_read(number, unit):
    size = kinds.size(f"{number}{unit}")
    assert kinds.size(kinds.size_text(size)) == size


def test_what_is_written_is_short():
    assert kinds.duration(5400) == "1h30m"
    assert kinds.duration(0.25) == "250ms"
    assert kinds.size_text(2**32) == "4GiB"
    assert kinds.size_text(500_000_000) == "500MB"
