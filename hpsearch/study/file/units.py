"""Durations and sizes, as a study file writes them and back: "1h30m", "4GiB"."""

import re
from decimal import Decimal

from hpsearch.study.file.wording import show

_MILLISECONDS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_BYTES = {
    **{"TiB": 2**40, "TB": 10**12, "GiB": 2**30, "GB": 10**9},
    **{"MiB": 2**20, "MB": 10**6, "KiB": 2**10, "kB": 10**3, "B": 1},
}
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"

DURATION = "^(?=.)" + "".join(rf"(?:({_NUMBER}){unit})?" for unit in _MILLISECONDS) + "$"
SIZE = rf"^({_NUMBER})({'|'.join(_BYTES)})$"


def seconds(text: object) -> float:
    """Seconds > 0, to the millisecond. ValueError for what is no duration; a plain number is none."""
    match = re.fullmatch(DURATION, text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'must be a duration such as {_example(text, "s", "30s")} or "1h30m", got {show(text)}')
    parts = zip(match.groups(), _MILLISECONDS.values(), strict=True)
    milliseconds = round(sum(Decimal(number) * factor for number, factor in parts if number))
    if milliseconds == 0:
        raise ValueError(f"must be longer than 0, got {show(text)}")
    return milliseconds / 1000


def duration(length: float) -> str:
    """What `seconds` reads as the same length: 5400.0 -> "1h30m"."""
    rest, text = round(length * 1000), ""
    for unit, factor in _MILLISECONDS.items():
        number, rest = divmod(rest, factor)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def size(text: object) -> int:
    """Bytes >= 1. ValueError for what is no size; a plain number is none."""
    match = re.fullmatch(SIZE, text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'must be a size such as {_example(text, "MiB", "500MB")} or "4GiB", got {show(text)}')
    number = round(Decimal(match[1]) * _BYTES[match[2]])
    if number == 0:
        raise ValueError(f"must be more than 0, got {show(text)}")
    return number


def size_text(number: int) -> str:
    """What `size` reads as the same number of bytes: 2**32 -> "4GiB"."""
    unit = next(unit for unit, factor in _BYTES.items() if number % factor == 0)
    return f"{number // _BYTES[unit]}{unit}"


def _example(given: object, unit: str, otherwise: str) -> str:
    """The number that was given, with a unit: what may have been meant."""
    if type(given) is int and 0 < given < 10**9:
        return f'"{given}{unit}"'
    return f'"{otherwise}"'
