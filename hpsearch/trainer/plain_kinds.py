"""Types of the standard library that are stored as a string or a few plain values, with their conversions."""

import array
import datetime
import decimal
import fractions
import pathlib
import random
import types
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any


def _written_datetime(value: Any) -> Any:
    return [value.isoformat(), value.fold, _written_zone(value.tzinfo)]


def _written_zone(zone: Any) -> Any:
    """None, [seconds, name] of a fixed offset, or the key of a zone. TypeError for other time zones."""
    if zone is None:
        return None
    if type(zone) is datetime.timezone:
        name = None if zone == datetime.UTC else zone.tzname(None)
        return [zone.utcoffset(None).total_seconds(), name]
    if type(zone) is zoneinfo.ZoneInfo and zone.key:
        return zone.key
    raise TypeError(f"a time zone of the type {type(zone).__name__}")


def _zone(written: Any) -> datetime.tzinfo | None:
    if isinstance(written, str):
        return zoneinfo.ZoneInfo(written)
    if written is None:
        return None
    seconds, name = written
    if name is None:
        return datetime.UTC
    offset = datetime.timedelta(seconds=seconds)
    plain = datetime.timezone(offset)
    return plain if plain.tzname(None) == name else datetime.timezone(offset, name)


def _datetime(written: Any) -> datetime.datetime:
    text, fold, zone = written
    return datetime.datetime.fromisoformat(text).replace(tzinfo=_zone(zone), fold=fold)


def _time(written: Any) -> datetime.time:
    text, fold, zone = written
    return datetime.time.fromisoformat(text).replace(tzinfo=_zone(zone), fold=fold)


def _python_random(state: Any) -> random.Random:
    version, words, gauss = state
    generator = random.Random()
    generator.setstate((version, tuple(words), gauss))
    return generator


PlainKind = tuple[str, Callable[[Any], Any], Callable[[Any], Any]]
"""The name of the type in files, and the functions that write and read a value."""

PLAIN_KINDS: Mapping[type, PlainKind] = {
    datetime.datetime: ("datetime", _written_datetime, _datetime),
    datetime.time: ("time", _written_datetime, _time),
    datetime.date: ("date", lambda value: value.isoformat(), datetime.date.fromisoformat),
    datetime.timedelta: (
        "timedelta",
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda value: datetime.timedelta(*value),
    ),
    datetime.timezone: ("timezone", _written_zone, _zone),
    zoneinfo.ZoneInfo: ("zoneinfo", _written_zone, _zone),
    decimal.Decimal: ("decimal", str, decimal.Decimal),
    fractions.Fraction: (
        "fraction",
        lambda value: [value.numerator, value.denominator],
        lambda value: fractions.Fraction(*value),
    ),
    pathlib.PosixPath: ("path", str, pathlib.Path),
    pathlib.WindowsPath: ("path", str, pathlib.Path),
    pathlib.PurePosixPath: ("posix path", str, pathlib.PurePosixPath),
    pathlib.PureWindowsPath: ("windows path", str, pathlib.PureWindowsPath),
    uuid.UUID: ("uuid", lambda value: value.hex, uuid.UUID),
    bytearray: ("bytearray", bytes, bytearray),
    array.array: ("array", lambda value: [value.typecode, value.tobytes()], lambda value: array.array(*value)),
    range: ("range", lambda value: [value.start, value.stop, value.step], lambda value: range(*value)),
    slice: ("slice", lambda value: [value.start, value.stop, value.step], lambda value: slice(*value)),
    types.EllipsisType: ("ellipsis", lambda _: None, lambda _: ...),
    random.Random: (
        "random",
        lambda value: [value.getstate()[0], list(value.getstate()[1]), value.getstate()[2]],
        _python_random,
    ),
}
READERS: Mapping[str, Callable[[Any], Any]] = {name: read for name, _, read in PLAIN_KINDS.values()}
