from datetime import UTC, datetime

from hpsearch.core.clock import now_ms


def test_milliseconds_since_1970() -> None:
    before = datetime.now(UTC).timestamp() * 1000
    assert before - 1 <= now_ms() <= datetime.now(UTC).timestamp() * 1000
