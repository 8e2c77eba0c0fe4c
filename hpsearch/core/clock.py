"""Timestamps of the journal."""

import time


def now_ms() -> int:
    """The current time, in milliseconds since 1970."""
    return int(time.time() * 1000)
