"""The types of single values in a study file."""

import math
import posixpath
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, PlainSerializer, PlainValidator, WithJsonSchema

from hpsearch.core.trial import MAX_AVERAGED, MAX_METRIC_NAME, MEAN_OF_LAST, Plain, Value
from hpsearch.study.file.faults import did_you_mean, show
from hpsearch.study.output_patterns import compiled
from hpsearch.study.program import CONFIG_SUFFIXES, INTERPRETERS

MAX_STUDY_NAME_BYTES = 250
"""Bytes, in UTF-8."""


def plain(value: object) -> Plain:
    if not isinstance(value, str | bool | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"must be a string, a finite number, or true or false, got {show(value)}")
    return value


def nested_plain(value: object) -> Value:
    """A plain value, or a list or table of such values. ValueError for anything else."""
    match value:
        case list():
            return [nested_plain(part) for part in value]
        case dict():
            return {str(key): nested_plain(part) for key, part in value.items()}
    return plain(value)


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"must be a finite number, got {show(value)}")
    return value


def _allowed(value: object) -> tuple[Value, ...]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError("must not be an empty list")
    return tuple(map(nested_plain, values))


def _study_name(name: str) -> str:
    """The name, valid for a folder and an MLflow experiment. ValueError."""
    if not 0 < len(name.encode()) <= MAX_STUDY_NAME_BYTES:
        raise ValueError(f"must have 1 to 250 characters (bytes in UTF-8), got {len(name.encode())}")
    if name != name.strip() or not name.isprintable():
        raise ValueError(f"must not contain control characters, or spaces at its ends, got {show(name)}")
    if found := next((part for part in ("/", "\\", "%", "..") if part in name), None):
        raise ValueError(f"must not contain {show(found)}, got {show(name)}")
    if name == ".":
        raise ValueError('must not be "."')
    if name.startswith("-") or name.endswith(".toml"):
        raise ValueError(f'must not begin with "-", like an option, or end in ".toml", like a file, got {show(name)}')
    return name


def recordable(name: str) -> str:
    """The name of a parameter, valid in MLflow (mlflow/utils/validation.py)."""
    if not 0 < len(name) <= 250:
        raise ValueError(f"a name must have 1 to 250 characters, got {len(name)}")
    if odd := re.search(r"[^\w.\- /]", name):
        raise ValueError(f"a name may contain letters, digits, _ - . / and spaces, got {show(odd[0])}")
    if posixpath.normpath(name) != name or name.startswith(("/", "..")) or name == ".":
        raise ValueError("a name must not be a path such as ../a or /a")
    return name


def metric_name(name: str) -> str:
    """A name that a trainer may report (`trainer.open_trial`). Characters that MLflow refuses are replaced there."""
    if not 0 < len(name) <= MAX_METRIC_NAME or not name.isprintable():
        raise ValueError(f"must have 1 to {MAX_METRIC_NAME} printable characters, got {show(name)}")
    return name


def _use(use: str) -> str:
    """ "module:function", also for "path/to/file.py:function" if the file can be imported as a module from the study's
    folder. The path of a script is returned as it is."""
    if use.endswith(".ipynb"):
        raise ValueError(
            f'{use} is a notebook: run `jupyter nbconvert --to script {use}`, and write use = "{Path(use).stem}.py" '
            'and style = "constants", which sets the variables at its top'
        )
    if Path(use).suffix in INTERPRETERS and ":" not in use:
        return use
    place, _, function = use.removeprefix("./").rpartition(":")
    if place.endswith(".ipynb"):
        raise ValueError(
            f"{place} is a notebook: write the trainer into a .py file (in Jupyter: `%%writefile mine.py`), or give "
            "the function itself from the notebook: Study.from_dict({…}, trainer=train)"
        )
    parts = place.removesuffix(".py").split("/")
    if place.endswith(".py") and all(part and "." not in part for part in parts):
        place = ".".join(parts)
    is_known = place.endswith(".py") or re.fullmatch(r"\w[\w -]*(\.\w[\w -]*)*", place)
    if not (is_known and re.fullmatch(r"[^\W\d]\w*", function)):
        raise ValueError(f'must be "module:function" or "file.py:function", such as "mine:train", got {show(use)}')
    return f"{place}:{function}"


def _config_path(path: str) -> str:
    if Path(path).suffix not in CONFIG_SUFFIXES:
        raise ValueError(f"must be a file that ends in {', '.join(CONFIG_SUFFIXES)}, got {show(path)}")
    return path


def _judged_at(at: str) -> str:
    """Normalized: "mean of last 1" becomes "last"."""
    if at in ("best", "last"):
        return at
    found = re.fullmatch(rf"{MEAN_OF_LAST}0*([1-9][0-9]{{0,3}})", at.strip())
    if found is None or int(found[1]) > MAX_AVERAGED:
        hint = did_you_mean(at, ("best", "last"))
        raise ValueError(
            f'must be "best", "last" or "{MEAN_OF_LAST}N" with N from 1 to {MAX_AVERAGED:,}, got {show(at)}{hint}'
        )
    return "last" if found[1] == "1" else f"{MEAN_OF_LAST}{found[1]}"


def _pattern(pattern: str) -> str:
    compiled(pattern)
    return pattern


def _line_pattern(pattern: str) -> str:
    compiled(pattern, has_value=False)
    return pattern


def _own_use(use: str) -> str:
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", use):
        raise ValueError(f'must be "module:Class", such as "mine:Sampler", got {show(use)}')
    return use


def _address(address: str) -> str:
    if not re.fullmatch(r"local|auto|none|(ray://)?[^\s/:]+:[0-9]{1,5}", address):
        raise ValueError(f'must be "local", "auto", "none" or "ray://HOST:PORT", got {show(address)}')
    return address


def _true(value: bool) -> bool:
    if not value:
        raise ValueError("must be true; for your own range leave it out and give low and high")
    return value


def _gpus(gpus: float) -> float:
    if gpus > 1 and gpus != int(gpus):
        raise ValueError(f"must be a share of one GPU (<= 1) or a whole number of them, got {gpus}")
    return gpus


# Durations and sizes, from the text of a study file and back: "1h30m", "4GiB"

_MILLISECONDS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_BYTES = {
    **{"TiB": 2**40, "TB": 10**12, "GiB": 2**30, "GB": 10**9},
    **{"MiB": 2**20, "MB": 10**6, "KiB": 2**10, "kB": 10**3, "B": 1},
}
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"

DURATION = "^(?=.)" + "".join(rf"(?:({_NUMBER}){unit})?" for unit in _MILLISECONDS) + "$"
SIZE = rf"^({_NUMBER})({'|'.join(_BYTES)})$"


def seconds(text: object) -> float:
    """Seconds > 0, rounded to milliseconds. ValueError for anything else, also for a number without a unit."""
    match = re.fullmatch(DURATION, text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'must be a duration such as {_example(text, "s", "30s")} or "1h30m", got {show(text)}')
    parts = zip(match.groups(), _MILLISECONDS.values(), strict=True)
    milliseconds = round(sum(Decimal(number) * factor for number, factor in parts if number))
    if milliseconds == 0:
        raise ValueError(f"must be longer than 0, got {show(text)}")
    return milliseconds / 1000


def duration(length: float) -> str:
    """The inverse of `seconds`: 5400.0 -> "1h30m"."""
    rest, text = round(length * 1000), ""
    for unit, factor in _MILLISECONDS.items():
        number, rest = divmod(rest, factor)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def size(text: object) -> int:
    """Bytes >= 1. ValueError for anything else, also for a number without a unit."""
    match = re.fullmatch(SIZE, text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'must be a size such as {_example(text, "MiB", "500MB")} or "4GiB", got {show(text)}')
    number = round(Decimal(match[1]) * _BYTES[match[2]])
    if number == 0:
        raise ValueError(f"must be more than 0, got {show(text)}")
    return number


def size_text(number: int) -> str:
    """The inverse of `size`: 2**32 -> "4GiB"."""
    unit = next(unit for unit, factor in _BYTES.items() if number % factor == 0)
    return f"{number // _BYTES[unit]}{unit}"


def _example(given: object, unit: str, otherwise: str) -> str:
    """The given number with a unit, as a suggestion; else `otherwise`."""
    if type(given) is int and 0 < given < 10**9:
        return f'"{given}{unit}"'
    return f'"{otherwise}"'


class WholeFloat(float):
    """A whole number that is written with an exponent and no decimal point, such as 1e3."""


def toml_float(text: str) -> float:
    """A float of a TOML file."""
    return WholeFloat(text) if re.fullmatch(r"[+-]?\d[\d_]*[eE]\+?\d+", text) else float(text)


# The kinds ───────────────────────────────────────────────────────────────────────────────────────

NestedValue = Annotated[Any, PlainValidator(nested_plain), WithJsonSchema({})]
Number = Annotated[int | float, PlainValidator(_number), WithJsonSchema({"type": "number"})]
Allowed = Annotated[
    tuple[Value, ...],
    PlainValidator(_allowed),
    WithJsonSchema({"type": ["string", "number", "boolean", "array", "object"]}),
]
Seconds = Annotated[
    float,
    BeforeValidator(seconds),
    PlainSerializer(duration),
    WithJsonSchema({"type": "string", "pattern": DURATION, "examples": ["45s", "1h30m"]}),
]
Bytes = Annotated[
    int,
    BeforeValidator(size),
    PlainSerializer(size_text),
    WithJsonSchema({"type": "string", "pattern": SIZE, "examples": ["500MB", "4GiB"]}),
]
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]
RecordableName = Annotated[str, AfterValidator(recordable)]
MetricName = Annotated[str, AfterValidator(metric_name)]
StudyName = Annotated[str, AfterValidator(_study_name)]
Use = Annotated[str, AfterValidator(_use)]
JudgedAt = Annotated[
    str,
    AfterValidator(_judged_at),
    WithJsonSchema(
        {"anyOf": [{"enum": ["best", "last"]}, {"type": "string", "pattern": f"^{MEAN_OF_LAST}[1-9][0-9]{{0,3}}$"}]}
    ),
]
Pattern = Annotated[str, AfterValidator(_pattern)]
ConfigPath = Annotated[str, AfterValidator(_config_path)]
LinePattern = Annotated[str, AfterValidator(_line_pattern)]
Words = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
OwnUse = Annotated[str, AfterValidator(_own_use)]
Options = Annotated[dict[str, JsonValue], WithJsonSchema({"type": "object"})]
Address = Annotated[str, AfterValidator(_address)]
Gpus = Annotated[float, Field(ge=0), AfterValidator(_gpus)]
Yes = Annotated[bool, AfterValidator(_true)]
